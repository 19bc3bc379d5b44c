using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using NUnit.Framework;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>How a session ends: the last frames, the fate of pending requests, and the line in the log.</summary>
[Category("Wire")]
public sealed class SessionEndTests : IDisposable
{
    private const string Subscribe = """{"type":"subscribe","topic":"a","client_id":"me"}""";
    private const string Publish = """{"type":"publish","topic":"b","message":{"id":"1","payload":1}}""";
    private const string Ping = """{"type":"ping"}""";

    private readonly RunningHost _host = new(
        ("MAX_MESSAGE_BYTES", "1024"),
        ("MAX_QUEUE_SIZE", "10"),
        ("CLOSE_TIMEOUT", "3600"),
        ("LOG_LEVEL", "info"));

    [SetUp]
    public void Create() => Array.ForEach(["a", "b"], name => _host.Broker.Create(name));

    [TearDown]
    public void Delete() => Array.ForEach(["a", "b"], name => _host.Broker.TryDelete(name, Frames.Of("notice"), disconnect: true));

    public void Dispose() => _host.Dispose();

    [TestCase(1000, "", "close 1000")]
    [TestCase(1001, "going", "close 1001")]
    [TestCase(4999, "", "close 4999")]
    [TestCase(null, "", "close")]
    public async Task A_Close_frame_is_answered_with_the_same_status(int? status, string reason, string answer)
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.CloseAsync(status, reason);

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { answer, "the end" }));
        Logs($"Information PubSub.Hosting.Sockets.Sessions: Session {{0}} closed: closed by the client with {status ?? 1005}");
    }

    [Test]
    public async Task Requests_before_a_Close_frame_are_answered_and_later_ones_are_not()
    {
        using var peer = await Peer.OfAsync(_host);
        byte[] close = ClientFrame.Of(Opcode.Close, []);

        await peer.SendAsync([.. Text(Ping), .. close, .. Text(Publish), .. close]);

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { """{"type":"pong"}""", "close", "the end" }));
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.Zero);
    }

    [Test]
    public async Task A_deleted_topic_disconnects_and_later_requests_are_ignored()
    {
        using var peer = await Peer.OfAsync(_host);
        await peer.AskAsync(Subscribe);

        _host.Broker.TryDelete("a", WebSocketFrame.Pong("notice"u8), disconnect: true);
        Assert.That((await peer.HearAsync(), await peer.HearAsync()), Is.EqualTo(("pong notice", "close 1000 topic deleted")));
        await peer.SendAsync(
            [.. Text(Publish), .. Text(Ping), .. Text("{"), .. ClientFrame.Of(Opcode.Ping, []), .. ClientFrame.Of(Opcode.Close, [])]);

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.Zero);
        Logs("Information PubSub.Hosting.Sockets.Sessions: Session {0} closed: topic deleted");
    }

    [Test]
    public async Task A_slow_consumer_gets_an_error_and_a_Close_frame()
    {
        using var peer = await Peer.OfAsync(_host);
        await peer.AskAsync(Subscribe);
        var wakes = new Wakes();

        for (var published = 0; published < 11; published++)
        {
            _host.Broker.Find("a")!.Publish(WebSocketFrame.Ping, wakes);
        }

        wakes.Release();
        Assert.That(
            (await peer.HearAsync(), await peer.HearAsync()),
            Is.EqualTo((
                """{"type":"error","error":{"code":"SLOW_CONSUMER","message":"the subscriber\u0027s queue overflowed"}}""",
                "close 1008 slow consumer")));
        await peer.CloseAsync(1008);
        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
        Logs("Warning PubSub.Hosting.Sockets.Sessions: Session {0} closed as a slow consumer");
    }

    [Test]
    public async Task A_client_that_breaks_the_protocol_gets_a_Close_frame([Values] bool isText)
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.SendAsync([.. Text(Ping), .. ClientFrame.Of(isText ? Opcode.Text : (Opcode)3, [0xFF]), .. Text(Publish)]);

        Assert.That(
            await peer.HearAllAsync(),
            Is.EqualTo(new[] { """{"type":"pong"}""", isText ? "close 1007" : "close 1002", "the end" }));
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.Zero);
        Logs("Information PubSub.Hosting.Sockets.Sessions: Session {0} closed: the client broke the protocol");
        var rule = isText ? "a text message must be UTF-8" : "the opcode is reserved";
        Assert.That(_host.Logged, Has.Some.Match($"Session \\S+ broke the WebSocket protocol: {rule}$"));
    }

    [Test]
    public async Task A_status_that_no_client_may_send_is_answered_with_1002()
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.CloseAsync(1005);

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "close 1002", "the end" }));
    }

    [Test]
    public async Task A_request_that_is_too_large_is_the_last_one_answered([Values] bool isText)
    {
        using var peer = await Peer.OfAsync(_host);
        using var other = await Peer.OfAsync(_host);
        await other.AskAsync(Subscribe);
        var tooLarge = ClientFrame.Of(isText ? Opcode.Text : Opcode.Binary, new byte[1025]);

        await peer.SendAsync([.. Text(Publish.Replace("\"b\"", "\"a\"", StringComparison.Ordinal)), .. tooLarge, .. Text(Publish)]);

        Assert.That(await peer.HearAsync(), Is.EqualTo("""{"type":"ack","topic":"a","status":"ok"}"""));
        Assert.That(
            (await peer.HearAsync(), await peer.HearAsync()),
            Is.EqualTo((
                """{"type":"error","error":{"code":"BAD_REQUEST","message":"the request must be at most 1024 bytes long """
                    + """(MAX_MESSAGE_BYTES)"}}""",
                "close 1009 request too large")));
        Assert.That(await other.HearAsync(), Does.StartWith("""{"type":"event","topic":"a","""));
        await peer.CloseAsync(1009);
        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.Zero);
        Logs("Information PubSub.Hosting.Sockets.Sessions: Session {0} closed: closed by the client with 1009");
    }

    [Test]
    public async Task A_request_of_exactly_the_largest_size_is_accepted()
    {
        using var peer = await Peer.OfAsync(_host);

        Assert.That(await peer.AskAsync(Ping.PadRight(1024)), Is.EqualTo("""{"type":"pong"}"""));
    }

    [Test]
    public async Task A_client_that_disconnects_without_a_Close_frame_leaves_every_topic([Values] bool politely)
    {
        using var peer = await Peer.OfAsync(_host);
        await peer.AskAsync(Subscribe);

        if (politely)
        {
            peer.Finish();
            Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        }
        else
        {
            peer.BreakOff();
        }

        Assert.That(() => _host.Broker.Count().Subscriptions, Is.Zero.Soon());
        Logs("Information PubSub.Hosting.Sockets.Sessions: Session {0} closed: connection lost");
    }

    [Test]
    public async Task A_client_that_disconnects_during_a_write_leaves_every_topic()
    {
        using var peer = await Peer.OfAsync(_host, window: 16 * 1024);
        await peer.AskAsync(Subscribe);
        _host.Broker.Find("a")!.TryPublish(new Frame(new byte[12 * 1024 * 1024]));
        await peer.ReadAsync(1);

        peer.BreakOff();

        Assert.That(() => _host.Broker.Count().Subscriptions, Is.Zero.Soon());
    }

    /// <summary>The connection is lost before the session has begun.</summary>
    [Test]
    public async Task A_client_that_disconnects_during_the_handshake_is_no_error()
    {
        using var host = new RunningHost(("LOG_LEVEL", "info"));
        host.Before = context => context.Features.Set<IHttpUpgradeFeature>(new UpgradeHook(
            context.Features.Get<IHttpUpgradeFeature>()!,
            after: context.Features.Get<IConnectionSocketFeature>()!.Socket.Dispose));

        using var peer = await Peer.OfAsync(host);

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed: connection lost").Soon());
        Assert.That(host.Logged, Has.None.StartsWith("Error"));
    }

    [Test]
    public async Task An_exception_in_a_reader_ends_only_its_own_session()
    {
        var clock = new SteppingClock();
        using var host = new RunningHost(clock, ("MAX_QUEUE_SIZE", "1"), ("LOG_LEVEL", "info"));
        using var peer = await Peer.OfAsync(host);
        using var other = await Peer.OfAsync(host);
        await other.AskAsync(Ping);
        host.Broker.Create("a");
        await peer.AskAsync(Subscribe);
        var wakes = new Wakes();
        host.Broker.Find("a")!.Publish(WebSocketFrame.Ping, wakes);
        host.Broker.Find("a")!.Publish(WebSocketFrame.Ping, wakes);

        clock.FailNext(new InvalidTimeZoneException("ours"));
        wakes.Release();

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        Assert.That(host.Broker.Count().Subscriptions, Is.Zero);
        Assert.That(await other.AskAsync(Ping), Is.EqualTo("""{"type":"pong"}"""));
        Logs(host, "Error Microsoft.AspNetCore.Server.Kestrel: .*unhandled exception.*");
    }

    private static byte[] Text(string text) => ClientFrame.Of(Opcode.Text, Encoding.UTF8.GetBytes(text));

    /// <summary>Waits for the line, which is logged a moment after the peer has seen the end.</summary>
    private void Logs(string line) => Logs(_host, line);

    private static void Logs(RunningHost host, string line) =>
        Assert.That(() => host.Logged, Has.Some.Match($"^{line.Replace("{0}", "\\S+", StringComparison.Ordinal)}$").Soon());
}
