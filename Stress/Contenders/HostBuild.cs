using System.Diagnostics;

namespace PubSub.Stress.Contenders;

/// <summary>A published Release build of the reference server in a folder of its own, deleted with this object.</summary>
internal sealed class HostBuild : IDisposable
{
    private readonly TempFolder _folder = new("pubsub-stress-");

    public HostBuild(bool aot)
    {
        var root = FindRoot();
        IsAot = aot;
        Progress.Say($"publishing Host ({Kind}) ...");
        var start = new ProcessStartInfo(
            "dotnet",
            [
                "publish", "Host", "-c", "Release", $"-p:PublishAot={(aot ? "true" : "false")}", "-o", _folder.Info.FullName, "--nologo",
                "-v", "quiet",
            ])
        {
            WorkingDirectory = root,
            RedirectStandardOutput = true,
        };
        using var publish = Process.Start(start) ?? throw new RunFailed("cannot start dotnet");
        var output = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        if (publish.ExitCode != 0)
        {
            Dispose();
            throw new RunFailed($"dotnet publish exited with {publish.ExitCode}:\n{output}");
        }
    }

    public bool IsAot { get; }

    public string Kind => IsAot ? "Native AOT" : "JIT";

    public string Executable => _folder.PathOf("PubSub.Host");

    /// <summary>Bytes of the executable and of the libraries beside it, without debug symbols and documentation.</summary>
    public long Size => _folder.Info.EnumerateFiles("*", SearchOption.AllDirectories)
        .Where(file => file.Extension is not (".dbg" or ".pdb" or ".xml"))
        .Sum(file => file.Length);

    public void Dispose() => _folder.Dispose();

    private static string FindRoot()
    {
        foreach (var begin in (string[])[Environment.CurrentDirectory, AppContext.BaseDirectory])
        {
            for (var folder = new DirectoryInfo(begin); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "PubSubSpec.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new UsageError("PubSubSpec.sln is in no folder above this one: start in the repository, or use --server or --url");
    }
}
