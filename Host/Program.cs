using Microsoft.AspNetCore.Connections;
using PubSub;
using PubSub.Hosting;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Rest;
using PubSub.Hosting.Sockets;

// Not the working directory, which may be the root of a file system: the framework watches the content root's files.
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

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

if (args is ["healthcheck"])
{
    return await HealthCheck.RunAsync(settings.Bind, settings.Port);
}

builder.AddLogging(settings);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Configure(settings));
builder.WebHost.UseSockets(sockets => sockets.Configure());
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(settings.DrainTimeout + 5));
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.UseReadableJson());
builder.Services.AddSingleton(settings);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<IMemoryPoolFactory<byte>, BlockPool>();
builder.Services.AddSingleton(new Broker(settings.BrokerLimits));
builder.Services.AddSingleton<ServerMessage>();
builder.Services.AddSingleton<Sessions>();
builder.Services.AddHostedService(services => services.GetRequiredService<Sessions>());

var app = builder.Build();
app.UseProblems(app.Logger, TimeProvider.System);
app.UseHandshakeOnly();
app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
app.UseRawTopicNames();
app.UseRouting();
app.MapTopics();
app.MapStatus();
app.MapSessions();
app.GiveBackWhatStartingTook();

using var impatience = SecondSignal.EndTheProcess();
try
{
    await app.RunAsync();
    return 0;
}
catch (IOException inUse) when (inUse.InnerException is AddressInUseException)
{
    await Console.Error.WriteLineAsync($"PORT {settings.Port} is already in use on {settings.Bind}: stop the other process or choose another PORT");
    return 1;
}

/// <summary>The entry point, public so that tests can start the Host in their own process.</summary>
public partial class Program;
