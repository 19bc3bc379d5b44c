using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Launching;

/// <summary>A server of several nodes, each a process of its own and a door of the server. Signals go to the first node.</summary>
public sealed class LaunchedNodes : LaunchedServer
{
    private readonly IReadOnlyList<LaunchedServer> _nodes;

    private LaunchedNodes(IReadOnlyList<LaunchedServer> nodes, Timeouts timeouts) : base(timeouts)
    {
        _nodes = nodes;
        ListensAt(nodes[0].Target with { Others = [.. nodes.Skip(1).Select(node => node.Target.Root)] });
        Exited = FirstExitAsync();
    }

    /// <summary>The exit code of the node that ends first.</summary>
    public override Task<int> Exited { get; }

    public override string StandardOutput => string.Concat(_nodes.Select(node => node.StandardOutput));

    public override string StandardError => string.Concat(_nodes.Select(node => node.StandardError));

    /// <summary>Starts the nodes one after the other. A node that ends before it listens ends the others, and is returned alone.</summary>
    /// <param name="count">At least 1.</param>
    /// <param name="start">Starts the node of this number, from 1.</param>
    /// <param name="timeouts">The timeouts of the launcher.</param>
    public static async Task<LaunchedServer> StartAsync(int count, Func<int, Task<LaunchedServer>> start, Timeouts timeouts)
    {
        var nodes = new List<LaunchedServer>();
        try
        {
            while (nodes.Count < count)
            {
                var node = await start(nodes.Count + 1);
                if (!node.Listened)
                {
                    await EndAsync(nodes);
                    return node;
                }

                nodes.Add(node);
            }

            return nodes is [var only] ? only : new LaunchedNodes(nodes, timeouts);
        }
        catch
        {
            await EndAsync(nodes);
            throw;
        }
    }

    public override void Terminate() => _nodes[0].Terminate();

    public override void Interrupt() => _nodes[0].Interrupt();

    public override void Kill()
    {
        foreach (var node in _nodes)
        {
            node.Kill();
        }
    }

    protected override async ValueTask ReleaseAsync() => await EndAsync(_nodes);

    private static Task EndAsync(IEnumerable<LaunchedServer> nodes) => Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));

    private async Task<int> FirstExitAsync() => await await Task.WhenAny(_nodes.Select(node => node.Exited));
}
