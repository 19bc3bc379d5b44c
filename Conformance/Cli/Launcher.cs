using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary>
/// Starts servers by the user's own command, in a shell, each node on a port of its own, with its settings as environment variables; the
/// port is in <c>PORT</c>. In the command <c>{port}</c> is the port, <c>{node}</c> the number of the node, from 1, and <c>{server}</c> a
/// number that all nodes of one server share. The command must stay in the foreground as long as the node runs.
/// </summary>
internal sealed class Launcher(string command, int nodes, Timeouts timeouts)
{
    private int _servers;

    /// <summary>Whether <see cref="LaunchNodesAsync"/> starts more than one.</summary>
    public bool HasNodes => nodes > 1;

    /// <summary>The probed target; clients connect to the servers in the same way.</summary>
    public Target? Like { get; set; }

    /// <summary>Starts a server of one node.</summary>
    public Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation) =>
        LaunchAsync(settings, Interlocked.Increment(ref _servers), node: 1, cancellation);

    /// <summary>Starts a server with all its nodes.</summary>
    public Task<LaunchedServer> LaunchNodesAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation)
    {
        var server = Interlocked.Increment(ref _servers);
        return LaunchedNodes.StartAsync(nodes, node => LaunchAsync(settings, server, node, cancellation), timeouts);
    }

    private Task<LaunchedServer> LaunchAsync(
        IReadOnlyDictionary<string, string> settings, int server, int node, CancellationToken cancellation)
    {
        var chosen = new Dictionary<string, string>(settings);
        chosen.TryAdd("PORT", $"{FreePort()}");

        // Some scenarios set an impossible port on purpose. Such a server never listens, so it is not waited for.
        var address = int.TryParse(chosen["PORT"], out var port) && port is > 0 and <= IPEndPoint.MaxPort
            ? new Uri($"http://127.0.0.1:{port}")
            : null;
        var line = command.Replace("{port}", chosen["PORT"], StringComparison.Ordinal)
            .Replace("{node}", $"{node}", StringComparison.Ordinal)
            .Replace("{server}", $"{server}", StringComparison.Ordinal);
        return LaunchedProcess.StartAsync(LaunchedProcess.Shell(line), chosen, address, timeouts, cancellation, Like);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>The server of <c>--launch</c> that the run tests, started again by the same command when it dies.</summary>
internal sealed class LaunchedTarget(Launcher launcher) : IRestart, IAsyncDisposable
{
    private static readonly IReadOnlyDictionary<string, string> Defaults = new Dictionary<string, string>();

    private LaunchedServer? _server;

    /// <summary>The server that was started last.</summary>
    public LaunchedServer Server => _server ?? throw new InvalidOperationException("The server has not been started.");

    public RestartedBy By => RestartedBy.Launcher;

    public string? Ended => _server?.Exited is { IsCompletedSuccessfully: true } exited
        ? string.Create(CultureInfo.InvariantCulture, $"its process ended with status {exited.Result}{Wrote(Server.Tail())}")
        : null;

    public async Task<IReadOnlyList<Uri>?> StartAsync(CancellationToken cancellation)
    {
        await DisposeAsync();
        _server = await launcher.LaunchNodesAsync(Defaults, cancellation);
        return _server.Listened
            ? [.. _server.Target.Doors.Select(door => door.Root)]
            : throw new Inconclusive($"{Ended ?? "it does not listen"}, before it had an open port");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
        {
            await server.DisposeAsync();
        }
    }

    private static string Wrote(string tail) => tail.Length == 0 ? "" : $" and wrote last: {tail.Cut(400)}";
}

/// <summary>
/// Runs the command of <c>--restart</c> in a shell when the target is dead. The command may end, or stay as the server; it is left
/// running when the run is over. Its output is discarded.
/// </summary>
internal sealed class RestartCommand(string command) : IRestart, IDisposable
{
    private Process? _last;

    public RestartedBy By => RestartedBy.Command;

    public string? Ended => null;

    public Task<IReadOnlyList<Uri>?> StartAsync(CancellationToken cancellation)
    {
        if (_last is { HasExited: false } hanging)
        {
            LaunchedProcess.KillAll(hanging);
        }

        Dispose();
        _last = Process.Start(LaunchedProcess.SilentShell(command));
        return Task.FromResult<IReadOnlyList<Uri>?>(null);
    }

    public void Dispose() => _last?.Dispose();
}
