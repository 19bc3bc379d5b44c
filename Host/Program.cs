using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PubSub;
using PubSub.Hosting;
using PubSub.Hosting.Access;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Description;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Messages;
using PubSub.Hosting.Metrics;
using PubSub.Hosting.Operations;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Redis;
using PubSub.Hosting.Rest;
using PubSub.Hosting.Sockets;
using PubSub.Hosting.Streams;
using PubSub.Hosting.Transport;

if (CommandLine.AsksForHelp(args))
{
    Console.WriteLine(CommandLine.Help());
    return 0;
}

if (args is ["key", ..])
{
    return await KeyCommand.RunAsync(args);
}

if (CommandLine.Fault(args) is { } fault)
{
    await Console.Error.WriteLineAsync(fault);
    return 2;
}

// Without the framework's defaults, which would read configuration files and watch them.
var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Configuration.AddEnvironmentVariables().AddCommandLine(CommandLine.AsksForHealth(args) ? args[1..] : args);

Settings settings;
try
{
    settings = Settings.Read(builder.Configuration);
}
catch (SettingsException illegal)
{
    await Console.Error.WriteLineAsync(illegal.Message);
    return 2;
}

if (CommandLine.AsksForHealth(args))
{
    return await HealthCheck.RunAsync(settings.Bind, settings.Port);
}

builder.AddLogging(settings);
if (settings.HasAccess)
{
    try
    {
        builder.Services.AddAccess(settings);
    }
    catch (SettingsException unusable)
    {
        await Console.Error.WriteLineAsync(unusable.Message);
        return 2;
    }
}

builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Configure(settings));
builder.Services.AddRouting();
builder.Services.AddCors(cors => cors.Configure(settings));
builder.WebHost.UseSockets(sockets => sockets.Configure());
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(settings.DrainTimeout + 5));
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.UseReadableJson());
builder.Services.AddSingleton(settings);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<IMemoryPoolFactory<byte>, BlockPool>();
builder.Services.AddSingleton(new Capacity(settings.MaxConnections, Capacity.FreeDescriptors(), Capacity.Memory));
builder.Services.AddSingleton(services => new Admission(services.GetRequiredService<Capacity>().Connections));
builder.Services.AddSingleton<SocketTransportFactory>();
builder.Services.AddSingleton<IConnectionListenerFactory>(
    services => ActivatorUtilities.CreateInstance<Listeners>(services, services.GetRequiredService<SocketTransportFactory>()));
builder.Services.AddSingleton(new Broker(settings.BrokerLimits));
if (settings.Redis.Length > 0)
{
    builder.Services.AddRedisEngine();
}
else
{
    builder.Services.AddSingleton<IEngine, LocalEngine>();
}

builder.AddMetrics(settings);
builder.Services.AddSingleton(services => new ServerMessage(
    services.GetRequiredService<TimeProvider>(), services.GetService<Instruments>() is { } instruments ? instruments.Refuse : null));
builder.Services.AddSingleton<Sessions>();
builder.Services.AddSingleton<WebSockets>();
builder.Services.AddSingleton<EventStreams>();
builder.Services.AddHostedService(services => services.GetRequiredService<Sessions>());

var app = builder.Build();
app.UseTraces(settings);
app.UseProblems(app.Logger, TimeProvider.System, settings.HasAccess);
app.UseAllowedHosts(settings);
app.UseOtherOrigins(settings);
app.UseHandshakeOnly();
app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
app.UseRawTopicNames();
app.UseRouting();
app.UseAccess(settings);
app.MapTopics();
app.MapPublishing();
app.MapReading();
app.MapStatus();
app.MapWebSockets();
app.MapStreams();
app.MapDescription();
var (engine, sessions) = (app.Services.GetRequiredService<IEngine>(), app.Services.GetRequiredService<Sessions>());
app.MapMetrics(settings, () => engine.IsAvailable, () => sessions.IsDraining);
app.MapConsole(settings);
app.TrimMemoryAfterStart();

using var signals = Signals.Listen(app.Lifetime);
try
{
    await app.RunAsync();
    return 0;
}
catch (Exception refused) when (Listening.Fault(refused, settings) is { } why)
{
    await Console.Error.WriteLineAsync(why);
    return 1;
}

/// <summary>The entry point, public so that tests can start the Host in their own process.</summary>
public partial class Program;
