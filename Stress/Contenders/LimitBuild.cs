using System.Diagnostics;

namespace PubSub.Stress.Contenders;

/// <summary>
/// The limit: a broker in a few hundred lines of C that does only what a load needs, compiled if there is a C compiler.
/// </summary>
internal sealed class LimitBuild : IDisposable
{
    private static readonly string[] Compilers = ["gcc", "cc", "clang"];

    private readonly TempFolder _folder = new("limit-stress-");

    /// <summary>Null, with the reason, if there is no C compiler or it fails.</summary>
    public static LimitBuild? TryCompile(out string reason)
    {
        reason = "no C compiler is installed";
        if (Compilers.Select(Programs.Find).FirstOrDefault(path => path is not null) is not { } compiler)
        {
            return null;
        }

        try
        {
            return new LimitBuild(compiler);
        }
        catch (RunFailed e)
        {
            reason = e.Message;
            return null;
        }
    }

    private LimitBuild(string compiler)
    {
        var source = _folder.PathOf("broker.c");
        using (var text = typeof(LimitBuild).Assembly.GetManifestResourceStream("broker.c")!)
        using (var file = File.Create(source))
        {
            text.CopyTo(file);
        }

        var start = new ProcessStartInfo(compiler, ["-O2", "-std=gnu11", "-o", Executable, source])
        {
            RedirectStandardError = true,
        };
        using var compile = Process.Start(start)!;
        var output = compile.StandardError.ReadToEnd();
        compile.WaitForExit();
        if (compile.ExitCode != 0)
        {
            Dispose();
            throw new RunFailed($"{compiler} exited with {compile.ExitCode}:\n{output}");
        }

        Compiler = Programs.Ask(compiler, "--version");
    }

    public string Compiler { get; }

    public string Executable => _folder.PathOf("broker");

    public void Dispose() => _folder.Dispose();
}
