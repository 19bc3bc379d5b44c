using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>A published Release build of the reference server in a folder of its own, deleted with this object.</summary>
internal sealed class HostBuild : IDisposable
{
    private readonly DirectoryInfo _folder;

    public HostBuild(bool aot)
    {
        var root = FindRoot();
        _folder = Directory.CreateTempSubdirectory("pubsub-stress-");
        Console.WriteLine($"publishing Host ({(aot ? "Native AOT" : "JIT")}) ...");
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = root, RedirectStandardOutput = true };
        string[] arguments = ["publish", "Host", "-c", "Release", $"-p:PublishAot={(aot ? "true" : "false")}", "-o", _folder.FullName];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var publish = Process.Start(start) ?? throw new RunFailed("cannot start dotnet");
        var output = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        if (publish.ExitCode != 0)
        {
            Dispose();
            throw new RunFailed($"dotnet publish exited with {publish.ExitCode}:\n{output}");
        }
    }

    public string Executable => Path.Combine(_folder.FullName, "PubSub.Host");

    public void Dispose() => _folder.Delete(recursive: true);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PubSubSpec.sln")))
            {
                return folder.FullName;
            }
        }

        throw new UsageError("PubSubSpec.sln is in no folder above this one: start from the repository, or name --server or --url");
    }
}
