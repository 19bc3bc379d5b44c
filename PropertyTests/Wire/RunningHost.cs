using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using PubSub.Hosting.Sockets;

namespace PubSub.PropertyTests.Wire;

/// <summary>The Host in this process, on a free port of its own.</summary>
internal sealed class RunningHost : WebApplicationFactory<Program>
{
    private readonly TimeProvider _time;
    private readonly (string Name, string Value)[] _settings;
    private readonly FakeLogCollector _log = new();

    /// <param name="settings">Other than the defaults.</param>
    public RunningHost(params (string Name, string Value)[] settings)
        : this(TimeProvider.System, settings)
    {
    }

    /// <param name="time">What its clocks show.</param>
    /// <param name="settings">Other than the defaults.</param>
    public RunningHost(TimeProvider time, params (string Name, string Value)[] settings)
    {
        (_time, _settings) = (time, settings);
        UseKestrel();
        StartServer();
        Addresses = [.. Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Origin = new Uri(Addresses[0]);
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<string> Addresses { get; }

    public Uri Origin { get; }

    /// <summary>The lines it has logged: level, category and text.</summary>
    public IReadOnlyList<string> Logged =>
        [.. _log.GetSnapshot().Select(line => $"{line.Level} {line.Category}: {line.Message}")];

    /// <summary>The lines that it has logged with a trace.</summary>
    /// <param name="trace">The id of the trace, as hexadecimal digits.</param>
    public IReadOnlyList<string> Traced(string trace) =>
        [.. _log.GetSnapshot().Where(line => line.Scopes.Any(scope => $"{scope}".Contains(trace))).Select(line => line.Message)];

    public Broker Broker => Services.GetRequiredService<Broker>();

    public Sessions Sessions => Services.GetRequiredService<Sessions>();

    /// <summary>What happens to every request before the Host sees it; unless set, nothing.</summary>
    public Action<HttpContext>? Before { get; set; }

    /// <summary>Answers a request in place of the Host, unless it returns false.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>What it does with a request that none of its own endpoints takes; unless set, it does not see it.</summary>
    public Action<HttpContext>? Otherwise { get; set; }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("PORT", "0").UseSetting("LOG_LEVEL", "warn");
        foreach (var (name, value) in _settings)
        {
            builder.UseSetting(name, value);
        }

        builder.ConfigureServices(services => services
            .AddSingleton(_time)
            .AddSingleton<ILoggerProvider>(new FakeLoggerProvider(_log))
            .AddSingleton<IStartupFilter>(new Extension(this)));
    }

    private sealed class Extension(RunningHost host) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, following) =>
            {
                host.Before?.Invoke(context);
                if (host.Instead is null || !await host.Instead(context))
                {
                    await following(context);
                }
            });
            next(app);
            app.Use(_ => context =>
            {
                context.Response.StatusCode = 404;
                host.Otherwise?.Invoke(context);
                return Task.CompletedTask;
            });
        };
    }
}
