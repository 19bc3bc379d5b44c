using System.Diagnostics;
using System.Globalization;
using PubSub.Conformance.Targets;

namespace PubSub.Stress.Contenders;

/// <summary>Starts servers of the protocol, each in a process of its own with a clean environment.</summary>
internal static class Servers
{
    // The caller's environment must not change the figures: a server gets only these variables and its settings.
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LANG", "DOTNET_ROOT"];

    private const int DefaultRetained = 100; // messages; MAX_MESSAGES

    /// <summary>Starts an executable or .dll that takes the Host's settings and prints its URL when it listens.</summary>
    public static PubSubContender Start(string name, string server, IReadOnlyDictionary<string, string> settings, Dialect dialect)
    {
        var path = Path.GetFullPath(server);
        var isLibrary = Path.GetExtension(path) == ".dll";
        var start = new ProcessStartInfo(isLibrary ? "dotnet" : path, isLibrary ? [path] : [])
        {
            WorkingDirectory = Path.GetDirectoryName(path),
        };
        Isolate(start);
        foreach (var (variable, value) in settings)
        {
            start.Environment[variable] = value;
        }

        start.Environment["PORT"] = "0";
        var process = new ServerProcess(start, "Now listening on: ");
        return new PubSubContender(name, Describe(path, settings), process.Url, dialect, process.Id, process)
        {
            Retained = settings.TryGetValue("MAX_MESSAGES", out var retained)
                ? int.Parse(retained, CultureInfo.InvariantCulture)
                : DefaultRetained,
        };
    }

    /// <summary>Starts a shell command that listens on the port in the variable PORT.</summary>
    public static PubSubContender Command(string name, string command, Dialect dialect)
    {
        var port = ServerProcess.FreePort();
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec {command}"]);
        Isolate(start);
        start.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        var process = new ServerProcess(start, new Uri($"http://127.0.0.1:{port}"));
        return new PubSubContender(name, command, process.Url, dialect, process.Id, process);
    }

    private static void Isolate(ProcessStartInfo start)
    {
        foreach (var variable in start.Environment.Keys.Except(Inherited).ToArray())
        {
            start.Environment.Remove(variable);
        }
    }

    private static string Describe(string server, IReadOnlyDictionary<string, string> settings)
    {
        var library = Path.GetExtension(server) == ".dll" ? server : server + ".dll";
        var build = File.Exists(library)
            ? $"{Path.GetFileName(server)} {FileVersionInfo.GetVersionInfo(library).ProductVersion} (JIT)"
            : $"{Path.GetFileName(server)} (native)";
        return string.Join(' ', [build, .. settings.Select(setting => $"{setting.Key}={setting.Value}")]);
    }
}
