using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace PubSub.PropertyTests;

/// <summary>The Host in this process, on a free port of its own.</summary>
internal sealed class RunningHost : WebApplicationFactory<Program>
{
    private readonly (string Name, string Value)[] _settings;

    /// <param name="settings">Other than the defaults.</param>
    public RunningHost(params (string Name, string Value)[] settings)
    {
        _settings = settings;
        UseKestrel();
        StartServer();
        Origin = new Uri(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public Uri Origin { get; }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("PORT", "0").UseSetting("LOG_LEVEL", "warn");
        foreach (var (name, value) in _settings)
        {
            builder.UseSetting(name, value);
        }
    }
}
