using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using PubSub.Hosting.Rest;
using PubSub.Hosting.Sockets;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Startup;

/// <summary>The settings reach the parts of the framework that they are meant for.</summary>
public sealed class CompositionTests
{
    [TestCase("*", @"^http://\[::\]:\d+$")]
    [TestCase("127.0.0.1", @"^http://127\.0\.0\.1:\d+$")]
    [TestCase("0.0.0.0", @"^http://0\.0\.0\.0:\d+$")]
    [TestCase("localhost", @"^http://127\.0\.0\.1:\d+$")]
    public void A_host_listens_at_the_address_it_is_bound_to(string bind, string address)
    {
        using var host = new RunningHost(("BIND", bind));

        Assert.That(host.Addresses, Has.Count.EqualTo(1).And.All.Match(address));
    }

    [Test]
    public void A_port_of_localhost_is_taken_under_all_its_addresses()
    {
        var port = Ports.Free();

        using var host = new RunningHost(("BIND", "localhost"), ("PORT", Frames.Text(port)));

        Assert.That(host.Addresses, Is.EqualTo(new[] { $"http://localhost:{port}" }));
    }

    [Test]
    public void Bounds_and_timeouts_are_as_set()
    {
        using var host = new RunningHost(
            ("MAX_MESSAGE_BYTES", "2000"),
            ("HANDSHAKE_TIMEOUT", "2.5"),
            ("MAX_CONNECTIONS", "7"),
            ("DRAIN_TIMEOUT", "3"),
            ("MAX_QUEUE_SIZE", "9"));
        var kestrel = Of<KestrelServerOptions>(host);

        Assert.That(kestrel.Limits.MaxRequestBodySize, Is.EqualTo(2000));
        Assert.That(
            (kestrel.Limits.RequestHeadersTimeout, kestrel.Limits.KeepAliveTimeout),
            Is.EqualTo((TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(2.5))));
        Assert.That(
            (kestrel.Limits.MaxConcurrentConnections, kestrel.Limits.MaxConcurrentUpgradedConnections),
            Is.EqualTo(((long?)null, (long?)null)));
        Assert.That(Of<HostOptions>(host).ShutdownTimeout, Is.EqualTo(TimeSpan.FromSeconds(8)));
    }

    [Test]
    public void A_connection_buffers_little_input_and_no_output()
    {
        using var host = new RunningHost();
        var sockets = Of<SocketTransportOptions>(host);

        Assert.That((sockets.MaxReadBufferSize, sockets.MaxWriteBufferSize), Is.EqualTo(((long?)65536, (long?)2)));
    }

    [Test]
    public void The_readable_JSON_contract_comes_first()
    {
        using var host = new RunningHost();

        Assert.That(Of<JsonOptions>(host).SerializerOptions.TypeInfoResolverChain[0], Is.SameAs(RestJson.Readable));
    }

    [Test]
    public void Sessions_begin_and_end_with_the_host()
    {
        using var host = new RunningHost();

        Assert.That(host.Services.GetServices<IHostedService>(), Does.Contain(host.Services.GetRequiredService<Sessions>()));
    }

    [Test]
    public void Lines_for_people_are_short_and_in_UTC()
    {
        using var host = new RunningHost(("LOG_FORMAT", "text"));
        var text = Of<SimpleConsoleFormatterOptions>(host);

        Assert.That(Of<ConsoleLoggerOptions>(host).FormatterName, Is.EqualTo(ConsoleFormatterNames.Simple));
        Assert.That((text.SingleLine, text.UseUtcTimestamp, text.TimestampFormat), Is.EqualTo((true, true, "yyyy-MM-ddTHH:mm:ss.fffZ ")));
    }

    [Test]
    public void Lines_for_machines_are_JSON_and_in_UTC()
    {
        using var host = new RunningHost(("LOG_FORMAT", "json"));

        Assert.That(Of<ConsoleLoggerOptions>(host).FormatterName, Is.EqualTo(ConsoleFormatterNames.Json));
        Assert.That(Of<JsonConsoleFormatterOptions>(host).UseUtcTimestamp, Is.True);
    }

    [Test]
    public void A_log_that_is_not_read_blocks_nothing()
    {
        using var host = new RunningHost();
        var console = Of<ConsoleLoggerOptions>(host);

        Assert.That((console.QueueFullMode, console.MaxQueueLength), Is.EqualTo((ConsoleLoggerQueueFullMode.DropWrite, 2_500)));
    }

    [TestCase("debug", LogLevel.Debug)]
    [TestCase("info", LogLevel.Information)]
    [TestCase("warn", LogLevel.Warning)]
    [TestCase("error", LogLevel.Error)]
    public void The_log_has_the_level_that_is_set_and_only_warnings_of_the_framework(string level, LogLevel least)
    {
        using var host = new RunningHost(("LOG_LEVEL", level));
        var loggers = host.Services.GetRequiredService<ILoggerFactory>();
        LogLevel Least(string category) =>
            Enum.GetValues<LogLevel>().Where(loggers.CreateLogger(category).IsEnabled).DefaultIfEmpty(LogLevel.None).First();

        Assert.That(Least("PubSub.Host"), Is.EqualTo(least));
        Assert.That(Least("Microsoft.AspNetCore.Routing"), Is.EqualTo(LogLevel.Warning));
        Assert.That(Least("Microsoft.Extensions.Hosting.Internal.Host"), Is.EqualTo(LogLevel.None));
        Assert.That(host.Services.GetServices<ILoggerProvider>().Count(), Is.EqualTo(2), "the console, and the provider of these tests");
    }

    private static T Of<T>(RunningHost host) where T : class => host.Services.GetRequiredService<IOptions<T>>().Value;
}
