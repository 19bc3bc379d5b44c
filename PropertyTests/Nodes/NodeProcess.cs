using System.Diagnostics;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>The Host in a process of its own: it can be killed, or stopped for a while.</summary>
internal sealed class NodeProcess : ServerProcess
{
    private NodeProcess(IStore store, (string Name, string Value)[] settings)
    {
        Settings = new Dictionary<string, string>(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)))
        {
            ["REDIS"] = store.Connection,
            ["PORT"] = Frames.Text(Port),
            ["BIND"] = "127.0.0.1",
            ["LOG_LEVEL"] = "warn",
        };
        Door = new Door(new Uri($"http://127.0.0.1:{Port}"));
    }

    /// <summary>The Host in its own output folder: the copy beside the tests may be instrumented for coverage.</summary>
    public static string Built { get; } = FindBuilt();

    public Door Door { get; }

    protected override IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Starts a node, and returns once it is ready.</summary>
    public static async Task<NodeProcess> StartAsync(IStore store, params (string Name, string Value)[] settings)
    {
        var node = new NodeProcess(store, settings);
        await node.RunAsync();
        await node.Door.ReadyAsync();
        return node;
    }

    public static ProcessStartInfo Command(string host)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [host]);
        start.Environment.Remove("ASPNETCORE_URLS");
        return start;
    }

    protected override ProcessStartInfo Command() => Command(Built);

    private static string FindBuilt()
    {
        var output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar); // …/bin/CONFIGURATION/FRAMEWORK
        var (framework, configuration) = (Path.GetFileName(output), Path.GetFileName(Path.GetDirectoryName(output)!));
        return Repository.PathOf($"Host/bin/{configuration}/{framework}/PubSub.Host.dll");
    }
}
