using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace PubSub.PropertyTests;

/// <summary>The Host in this process, on a free port of its own.</summary>
/// <param name="settings">Other than the defaults.</param>
internal sealed class RunningHost(params (string Name, string Value)[] settings) : WebApplicationFactory<Program>
{
    public Uri Origin
    {
        get
        {
            if (field is null)
            {
                UseKestrel();
                StartServer();
                field = new Uri(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
            }

            return field;
        }
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("PORT", "0").UseSetting("LOG_LEVEL", "warn");
        foreach (var (name, value) in settings)
        {
            builder.UseSetting(name, value);
        }
    }
}
