using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using PubSub.Hosting.Metrics;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Metrics;

/// <summary>What is pushed by OTLP, and what the log says of a trace.</summary>
[Category("Wire")]
public sealed class TracingTests : IDisposable
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c", Parent = "b7ad6b7169203331";
    private const string Publish = """{"id":"1","payload":0}""";

    /// <summary>In milliseconds; the Host takes them from the environment only.</summary>
    private static readonly string[] Intervals = ["OTEL_METRIC_EXPORT_INTERVAL", "OTEL_BSP_SCHEDULE_DELAY"];

    private readonly Collector _collector = new();
    private readonly RunningHost _host;

    public TracingTests()
    {
        Array.ForEach(Intervals, name => Environment.SetEnvironmentVariable(name, "100"));
        _host = new RunningHost(("OTLP_ENDPOINT", $"{_collector.Origin}/otlp/"), ("LOG_LEVEL", "debug"));
        _host.Broker.Create("a");
    }

    public void Dispose()
    {
        _host.Dispose();
        Array.ForEach(Intervals, name => Environment.SetEnvironmentVariable(name, null));
        _collector.Dispose();
    }

    [Test]
    public async Task Metrics_are_pushed()
    {
        await _collector.TakeAsync("/otlp/v1/metrics", "pubsub.connections"u8.ToArray(), "service.name"u8.ToArray());

        await _collector.TakeAsync("/otlp/v1/metrics", "pubsub.engine.available"u8.ToArray());
        Assert.That((await _host.Origin.AskAsync("GET", "/metrics")).Status, Is.EqualTo(404), "METRICS is off");
        Assert.That(_host.Services.GetServices<ILoggerProvider>().Count(), Is.EqualTo(2), "the console, and the provider of these tests");
    }

    [Test]
    public async Task A_publish_over_HTTP_goes_on_with_the_trace_of_its_client_and_the_log_says_so()
    {
        await PublishAsync($"traceparent: 00-{Trace}-{Parent}-01");

        var pushed = await _collector.TakeAsync("/otlp/v1/traces", Convert.FromHexString(Trace), Convert.FromHexString(Parent));

        Assert.That(Encoding.UTF8.GetString(pushed), Does.Contain("POST /v1/topics/{name}/messages").And.Not.Contain("/v1/topics/a"));
        Assert.That(
            () => _host.Traced(Trace),
            Has.Some.StartsWith("POST /v1/topics/a/messages answered 200").And.Some.Contain("published 1 messages").Soon());
    }

    [TestCase("traceparent: nonsense")]
    [TestCase("traceparent: 00-00000000000000000000000000000000-0000000000000000-01")]
    public async Task An_illegal_parent_is_no_parent(string header)
    {
        Assert.That((await PublishAsync(header)).Status, Is.EqualTo(200));

        await _collector.TakeAsync("/otlp/v1/traces", "POST /v1/topics/{name}/messages"u8.ToArray());
    }

    [Test]
    public async Task The_first_request_of_a_WebSocket_is_traced()
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");

        await _collector.TakeAsync("/otlp/v1/traces", "WebSocket Subscribe"u8.ToArray());
    }

    [Test]
    public async Task No_activity_lasts_as_long_as_a_connection()
    {
        var (started, running) = (0, 0);
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Tracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = _ => Interlocked.Add(ref started, Interlocked.Increment(ref running) > 0 ? 1 : 0),
            ActivityStopped = _ => Interlocked.Decrement(ref running),
        };
        ActivitySource.AddActivityListener(listener);
        using var peer = await Peer.OfAsync(_host);
        using var reader = await EventReader.OfAsync(_host, "");

        await peer.AskAsync("""{"type":"ping"}""");
        await PublishAsync("Accept: */*");
        await _host.Origin.AskAsync("GET", "/livez");

        Assert.That(() => Volatile.Read(ref running), Is.Zero.Soon());
        Assert.That(started, Is.EqualTo(2), "the ping and the publish");
    }

    [Test]
    public void The_console_shows_the_trace_of_a_line()
    {
        Assert.That(_host.Services.GetRequiredService<IOptions<SimpleConsoleFormatterOptions>>().Value.IncludeScopes, Is.True);

        using var other = new RunningHost();
        Assert.That(other.Services.GetRequiredService<IOptions<SimpleConsoleFormatterOptions>>().Value.IncludeScopes, Is.False);
    }

    private Task<RawResponse> PublishAsync(string header) => _host.Origin.AskAsync(
        "POST", "/v1/topics/a/messages", Publish, "Content-Type: application/json", header);
}
