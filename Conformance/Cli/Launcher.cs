using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PubSub.Conformance.Cli;

/// <summary>
/// Starts servers by the user's own command, each on a port of its own, with its settings as environment variables; the port is in
/// <c>PORT</c>. The command must become the server (no wrapper that keeps signals from it).
/// </summary>
internal sealed class Launcher(string command, Timeouts timeouts)
{
    /// <summary>Servers are spoken to as this one is.</summary>
    public Target? Like { get; set; }

    public Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation)
    {
        var chosen = new Dictionary<string, string>(settings);
        chosen.TryAdd("PORT", $"{FreePort()}");

        // A port that cannot be is the point of some scenarios; such a server is not waited for.
        var address = int.TryParse(chosen["PORT"], out var port) && port is > 0 and <= IPEndPoint.MaxPort ? new Uri($"http://127.0.0.1:{port}") : null;
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe", ["/c", command])
            : new ProcessStartInfo("/bin/sh", ["-c", $"exec {command}"]);
        return LaunchedProcess.StartAsync(start, chosen, address, timeouts, cancellation, Like);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
