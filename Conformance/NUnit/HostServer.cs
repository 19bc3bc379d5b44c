using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Tests;

/// <summary>Our own Host in the test process, on a real port, because an in-memory transport has no backpressure.</summary>
internal class HostServer : WebApplicationFactory<Program>
{
    public HostServer()
    {
        UseKestrel();
        StartServer();
        var addresses = Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses;
        Origin = new Uri(addresses?.FirstOrDefault() ?? throw new InvalidOperationException("The Host listens nowhere."));
    }

    public Uri Origin { get; }

    /// <summary>
    /// The Host in its own output folder. The copy beside the tests may be instrumented for coverage, and an instrumented process may fail
    /// at its end.
    /// </summary>
    public static string Built { get; } = FindBuilt();

    /// <summary>Starts our own Host as a separate process, for scenarios that choose settings or send signals.</summary>
    public static Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, [Built]);
        start.Environment.Remove("ASPNETCORE_URLS");
        var chosen = new Dictionary<string, string>(settings);
        Uri? address = null;
        if (settings.TryGetValue("PORT", out var port))
        {
            address = int.TryParse(port, out var number) && number is > 0 and <= IPEndPoint.MaxPort
                ? new Uri($"http://127.0.0.1:{number}")
                : null;
        }
        else if (settings.GetValueOrDefault("LOG_LEVEL") is "warn" or "error")
        {
            // The Host logs its port at level info, which LOG_LEVEL hides here. So the port is chosen before.
            chosen["PORT"] = $"{FreePort()}";
            address = new Uri($"http://127.0.0.1:{chosen["PORT"]}");
        }
        else
        {
            chosen["PORT"] = "0";
        }

        return LaunchedProcess.StartAsync(start, chosen, address, new Timeouts(), cancellation);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder.UseSetting("PORT", "0").UseSetting("LOG_LEVEL", "warn");

    private static string FindBuilt()
    {
        var output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar); // …/Conformance/NUnit/bin/CONFIGURATION/FRAMEWORK
        var (framework, configuration) = (Path.GetFileName(output), Path.GetFileName(Path.GetDirectoryName(output)!));
        return Path.GetFullPath(Path.Combine(output, "../../../../../Host/bin", configuration, framework, "PubSub.Host.dll"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
