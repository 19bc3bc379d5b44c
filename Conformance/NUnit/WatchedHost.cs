using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace PubSub.Conformance.Tests;

/// <summary>Our own Host, with a list of every topic that it ever created.</summary>
internal sealed class WatchedHost : HostServer
{
    /// <summary>The names in the order of creation, including those of deleted topics.</summary>
    public ConcurrentQueue<string> Made { get; } = [];

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureServices(services => services.AddSingleton<IStartupFilter>(new Watch(Made)));
    }

    private sealed class Watch(ConcurrentQueue<string> made) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                await rest(context);
                if (context.Response is { StatusCode: 201, Headers.Location: [{ } location] })
                {
                    made.Enqueue(Uri.UnescapeDataString(location[(location.LastIndexOf('/') + 1)..]));
                }
            });
            next(app);
        };
    }
}
