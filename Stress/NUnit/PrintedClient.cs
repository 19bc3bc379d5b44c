using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using PubSub.Stress.Contenders;

namespace PubSub.Stress.Tests;

/// <summary>
/// A client in a process of its own, of the code that README.md prints. It writes a line <c>event ID</c> for each event, and a line
/// <c>notice TEXT</c> for each notice.
/// </summary>
internal sealed partial class PrintedClient : IDisposable
{
    public const string CSharp = "csharp";
    public const string JavaScript = "js";

    /// <summary>The JavaScript of README.md in a page in Chromium.</summary>
    public const string Page = "page";

    /// <summary>An EventSource in a page in Chromium, which needs no code of README.md.</summary>
    public const string EventSource = "EventSource";

    private readonly TempFolder _folder = new("pubsub-client-");
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly ConcurrentQueue<string> _other = [];

    /// <param name="kind">One of the constants.</param>
    /// <param name="code">As <see cref="Code"/> has it, or changed.</param>
    /// <param name="port">The local port to connect to.</param>
    /// <param name="topic">The topic to follow.</param>
    public PrintedClient(string kind, string code, int port, string topic)
    {
        var socket = $"ws://127.0.0.1:{port}/v1/ws";
        var start = kind switch
        {
            CSharp => new ProcessStartInfo("dotnet", [Compile(code), socket, topic]),
            JavaScript => new ProcessStartInfo(
                "node",
                [
                    "--experimental-websocket", // of Node.js 20; later versions have it anyway
                    Write("client.mjs", code + Report($"follow('{socket}', '{topic}', told, noticed);")),
                ]),
            Page => Chromium(code + Report($"follow('{socket}', '{topic}', told, noticed);")),
            _ => Chromium(Report(
                $$"""
                const source = new EventSource("http://127.0.0.1:{{port}}/v1/topics/{{topic}}/events");
                source.onmessage = event => told(JSON.parse(event.data).message);
                source.addEventListener("gap", () => noticed("Events may be missing here."));
                """)),
        };
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>What else it has printed, such as an error.</summary>
    public string Other => string.Join('\n', _other);

    /// <summary>The code block of README.md in this language.</summary>
    public static string Code(string kind)
    {
        var language = kind == CSharp ? CSharp : JavaScript;
        var section = Readme().Split("\n## A client that loses nothing\n")[1].Split("\n## ")[0];
        return Regex.Match(section, $"```{language}\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
    }

    /// <summary>Why a client of this kind cannot run here; null if it can.</summary>
    public static string? Lacks(string kind)
    {
        var program = kind switch
        {
            CSharp => "dotnet",
            JavaScript => "node",
            _ => "chromium",
        };
        return Programs.Find(program) is null ? $"{program} is not on the PATH" : null;
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private static string Readme()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PubSubSpec.sln")))
            {
                return File.ReadAllText(Path.Combine(folder.FullName, "README.md")).ReplaceLineEndings("\n");
            }
        }

        throw new InvalidOperationException("README.md is in no folder above this one.");
    }

    private static string Report(string follow) =>
        $"""
        const told = message => console.log("event " + message.id);
        const noticed = text => console.log("notice " + text);
        {follow}

        """;

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder.PathOf(name), text);
        return _folder.PathOf(name);
    }

    private ProcessStartInfo Chromium(string script) => new(
        "chromium",
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
            $"--user-data-dir={_folder.PathOf("profile")}",
            new Uri(Write("page.html", $"<!DOCTYPE html><script>\n{script}</script>")).AbsoluteUri,
        ]);

    /// <summary>Compiles the code to a program.</summary>
    /// <returns>Its path.</returns>
    private string Compile(string code)
    {
        const string usings = """
            global using System;
            global using System.IO;
            global using System.Threading;
            global using System.Threading.Tasks;
            """;
        const string rest = """

            await FollowAsync(
                new Uri(args[0]), args[1], message => Console.WriteLine($"event {message["id"]}"), text => Console.WriteLine($"notice {text}"));
            """;
        var runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        var compilation = CSharpCompilation.Create(
            "Client",
            [CSharpSyntaxTree.ParseText(usings), CSharpSyntaxTree.ParseText(code + rest)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
                .Where(file => Path.GetDirectoryName(file) == runtime)
                .Select(file => MetadataReference.CreateFromFile(file)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        var path = _folder.PathOf("Client.dll");
        var found = compilation.Emit(path).Diagnostics.Where(found => found.Severity >= DiagnosticSeverity.Warning).ToList();
        if (found.Count > 0)
        {
            throw new InvalidOperationException($"The client does not compile without a warning:\n{string.Join('\n', found)}");
        }

        Write(
            "Client.runtimeconfig.json",
            $$$"""{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "{{{Environment.Version}}}"} } }""");
        return path;
    }

    private void Read(string? line)
    {
        if (line is not null && Line().Match(line) is { Success: true } match)
        {
            _lines.Enqueue(match.Groups[1].Value);
        }
        else if (line is not null)
        {
            _other.Enqueue(line);
        }
    }

    // Chromium prints the console as [PID:TID:TIME:INFO:CONSOLE(LINE)] "TEXT", source: URL (LINE).
    [GeneratedRegex("""^(?:\[.*CONSOLE.*\] ")?((?:event|notice) .*?)(?:", source: .*)?$""")]
    private static partial Regex Line();
}
