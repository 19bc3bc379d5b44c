using System.Text;
using NUnit.Framework;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>How a session handles the requests of its peer.</summary>
[Category("Wire")]
public sealed class SessionTests : IDisposable
{
    private const string Ping = """{"type":"ping"}""", Pong = """{"type":"pong"}""";

    private readonly SteppingClock _clock = new();
    private readonly RunningHost _host;

    public SessionTests() => _host = new RunningHost(
        _clock,
        ("MAX_SUBSCRIPTIONS", "1"),
        ("MAX_QUEUE_SIZE", "100"),
        ("MAX_QUEUE_BYTES", Frames.Text(64 * 1024 * 1024)),
        ("LOG_LEVEL", "debug"));

    [SetUp]
    public void Create() => Array.ForEach(["a", "b"], name => _host.Broker.Create(name, new Origin(0, $"epoch of {name}")));

    [TearDown]
    public void Delete() => Array.ForEach(["a", "b"], name => _host.Broker.TryDelete(name, Frames.Of("notice"), disconnect: true));

    public void Dispose() => _host.Dispose();

    [Test]
    public async Task Requests_take_effect_and_are_answered()
    {
        using var peer = await Peer.OfAsync(_host);

        Assert.That(
            await peer.AskAsync("""{"type":"publish","topic":"a","message":{"id":"1","payload":[0]},"request_id":"r1"}"""),
            Is.EqualTo("""{"type":"ack","request_id":"r1","topic":"a","status":"ok"}"""));
        Assert.That(
            await peer.AskAsync("""{"type":"subscribe","topic":"\u0061","client_id":"me","last_n":1,"request_id":"r2"}"""),
            Is.EqualTo("""{"type":"ack","request_id":"r2","topic":"\u0061","status":"ok","epoch":"epoch of a"}"""));
        Assert.That(await peer.HearAsync(), Is.EqualTo("""{"type":"event","topic":"a","message":{"id":"1","payload":[0]}}"""));
        Assert.That(
            await peer.AskAsync("""{"type":"unsubscribe","topic":"a","client_id":"me","request_id":"r3"}"""),
            Is.EqualTo("""{"type":"ack","request_id":"r3","topic":"a","status":"ok"}"""));
        Assert.That(_host.Broker.Count(), Is.EqualTo((2, 0)));
        Assert.That(await peer.AskAsync("""{"type":"ping","request_id":"r4"}"""), Is.EqualTo("""{"type":"pong","request_id":"r4"}"""));
        await peer.SendAsync(ClientFrame.Of(Opcode.Ping, "there?"u8));
        Assert.That(await peer.HearAsync(), Is.EqualTo("pong there?"));
    }

    [TestCase("""{"type":"publish","topic":"c","message":{"id":"1","payload":0},"request_id":"r"}""", "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("""{"type":"subscribe","topic":"c","client_id":"me","request_id":"r"}""", "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("""{"type":"unsubscribe","topic":"c","client_id":"me","request_id":"r"}""", "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("""{"type":"ping","request_id":"r","request_id":"r"}""", "BAD_REQUEST", "request_id must not be given twice")]
    public async Task A_refused_request_does_not_end_the_session(string request, string code, string message)
    {
        using var peer = await Peer.OfAsync(_host);

        Assert.That(
            await peer.AskAsync(request),
            Is.EqualTo($$$"""{"type":"error","request_id":"r","error":{"code":"{{{code}}}","message":"{{{message}}}"}}"""));
        Assert.That(await peer.AskAsync(Ping), Is.EqualTo(Pong));
    }

    [Test]
    public async Task A_subscription_over_the_limit_is_refused_and_the_others_go_on()
    {
        using var peer = await Peer.OfAsync(_host);
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");

        Assert.That(
            await peer.AskAsync("""{"type":"subscribe","topic":"b","client_id":"me","request_id":"r"}"""),
            Does.StartWith(
                """{"type":"error","request_id":"r","error":{"code":"BAD_REQUEST","message":"""
                + "\"topic must be one of at most 1 that a connection subscribes to"));
        Assert.That(_host.Broker.Count().Subscriptions, Is.EqualTo(1));
        Assert.That(
            await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}"""),
            Is.EqualTo("""{"type":"ack","topic":"a","status":"ok","epoch":"epoch of a"}"""));
    }

    [Test]
    public async Task A_binary_message_is_refused()
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.SendAsync(ClientFrame.Of(Opcode.Binary, Encoding.UTF8.GetBytes(Ping)));

        Assert.That(
            await peer.HearAsync(),
            Is.EqualTo(
                """{"type":"error","error":{"code":"BAD_REQUEST","message":"the request must be a text message, not a binary one"}}"""));
        Assert.That(await peer.AskAsync(Ping), Is.EqualTo(Pong));
    }

    [Test]
    public async Task An_unsolicited_Pong_is_ignored()
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.SendAsync(ClientFrame.Of(Opcode.Pong, "unasked"u8));

        Assert.That(await peer.AskAsync(Ping), Is.EqualTo(Pong));
    }

    [Test]
    public async Task An_exception_in_a_request_is_answered_with_INTERNAL_and_logged_in_full()
    {
        using var peer = await Peer.OfAsync(_host);

        _clock.FailNext(new InvalidTimeZoneException("ours"));

        Assert.That(
            await peer.AskAsync("""{"type":"publish","topic":"a","message":{"id":"1","payload":0}}"""),
            Is.EqualTo("""{"type":"error","error":{"code":"INTERNAL","message":"the server failed to handle the request"}}"""));
        Assert.That(_host.Broker.Find("a")!.Count().Messages, Is.Zero);
        Assert.That(_host.Logged, Has.One.Match(@"^Error PubSub.Hosting.Sockets.Sessions: Session \S+: a request failed unexpectedly$"));
        Assert.That(await peer.AskAsync(Ping), Is.EqualTo(Pong));
    }

    [Test]
    public async Task Every_request_has_a_line_in_the_log_and_no_payload_has()
    {
        using var peer = await Peer.OfAsync(_host);

        await peer.AskAsync("""{"type":"publish","topic":"a","message":{"id":"1","payload":"secret"}}""");
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me","last_n":0}""");
        await peer.AskAsync("""{"type":"unsubscribe","topic":"a","client_id":"me"}""");
        await peer.AskAsync("""{"type":"secret"}""");

        const string debug = @"^Debug PubSub.Hosting.Sockets.Sessions: Session \S+ ";
        Assert.That(_host.Logged, Has.Some.Match(debug + "published to a: 29 bytes$"));
        Assert.That(_host.Logged, Has.Some.Match(debug + "asked to subscribe to a with last_n 0$"));
        Assert.That(_host.Logged, Has.Some.Match(debug + "asked to unsubscribe from a$"));
        Assert.That(
            _host.Logged,
            Has.Some.Match(debug + "sent a bad request: type must be subscribe, publish, unsubscribe or ping$"));
        Assert.That(
            _host.Logged,
            Has.Some.Match(@"^Information PubSub.Hosting.Sockets.Sessions: Session \S+ opened from (::ffff:)?127\.0\.0\.1$"));
        Assert.That(_host.Logged, Has.None.Contains("secret"));
    }

    /// <summary>All requests arrive at once, so the server could handle them without a pause.</summary>
    [Test]
    public async Task A_burst_does_not_cut_a_subscriber_that_had_no_chance_to_read()
    {
        const int burst = 1000;
        using var subscriber = await Peer.OfAsync(_host);
        await subscriber.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        using var publisher = await Peer.OfAsync(_host);

        await publisher.SayAsync([.. Enumerable.Range(0, burst).Select(id => Publish("a", id))]);

        for (var id = 0; id < burst; id++)
        {
            Assert.That(await publisher.HearAsync(), Is.EqualTo("""{"type":"ack","topic":"a","status":"ok"}"""));
            Assert.That(await subscriber.HearAsync(), Is.EqualTo(Event("a", id)));
        }
    }

    /// <summary>
    /// The peer may have received an event, and the next one may be published, before the sending thread goes on (PS-BPR-006).
    /// </summary>
    [Test]
    public async Task A_reader_that_has_received_everything_is_never_cut()
    {
        const int rounds = 4000;
        using var host = new RunningHost(("MAX_QUEUE_SIZE", "1"));
        host.Broker.Create("a");
        var topic = host.Broker.Find("a")!;
        using var reader = await Peer.OfAsync(host);
        await reader.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        var frame = Frames.Of("event");

        // The two threads take turns: each publishes when the other's event has arrived.
        void Take(int turn)
        {
            for (; turn < rounds; turn += 2)
            {
                SpinWait.SpinUntil(() => turn == 0 || reader.TryRead(frame.Length) || topic.Count().Subscribers == 0);
                topic.TryPublish(frame);
            }
        }

        Threads.Together(() => Take(0), () => Take(1));

        Assert.That(topic.Count().Subscribers, Is.EqualTo(1));
    }

    /// <summary>The last event sent may have to wait for the peer; it is outstanding all that time (PS-BPR-001).</summary>
    [Test]
    public async Task An_event_that_waits_for_the_peer_is_outstanding()
    {
        const int most = 3, large = 64 * 1024;
        using var host = new RunningHost(("MAX_QUEUE_SIZE", Frames.Text(most)));
        host.Broker.Create("a");
        var topic = host.Broker.Find("a")!;
        using var idle = await Peer.OfAsync(host, window: 16 * 1024);
        await idle.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        var frame = new Frame(WebSocketFrame.Text(large, out var text));
        text.Fill((byte)'x');

        var published = 0;
        for (; topic.Count().Subscribers == 1; published++)
        {
            topic.TryPublish(frame);
            Threads.SettlePool();
        }

        var received = 0;
        while ((await idle.HearAsync()).Length == large)
        {
            received++;
        }

        Assert.That(published - received, Is.EqualTo(most), "the event that waited was sent, and the one over the bound was not");
    }

    /// <summary>
    /// The server takes no more requests of a client that does not read; the earlier requests have their effect (PS-BPR-010).
    /// </summary>
    [Test]
    public async Task Requests_wait_while_too_many_replies_are_unread_and_other_clients_do_not_wait()
    {
        const int large = 12 * 1024 * 1024, most = 128, more = 10;
        using var other = await Peer.OfAsync(_host);
        await other.AskAsync("""{"type":"subscribe","topic":"b","client_id":"me"}""");
        using var idle = await Peer.OfAsync(_host, window: 16 * 1024);
        await idle.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        _host.Broker.Find("a")!.TryPublish(new Frame(new byte[large]));
        await idle.ReadAsync(1);

        await idle.SayAsync([.. Enumerable.Range(0, most + more).Select(id => Publish("b", id))]);
        for (var id = 0; id < most; id++)
        {
            Assert.That(await other.HearAsync(), Is.EqualTo(Event("b", id)));
        }

        Assert.That(await other.AskAsync(Ping), Is.EqualTo(Pong), "no event comes before the reply");
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.EqualTo(most));
        await idle.ReadAsync(large - 1);
        for (var id = 0; id < most + more; id++)
        {
            Assert.That(await idle.HearAsync(), Is.EqualTo("""{"type":"ack","topic":"b","status":"ok"}"""));
        }

        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.EqualTo(most + more));
    }

    [Test]
    public async Task A_request_that_waits_for_room_ends_with_its_session([Values] bool told)
    {
        using var idle = await Peer.OfAsync(_host, window: 16 * 1024);
        await idle.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        _host.Broker.Find("a")!.TryPublish(new Frame(new byte[12 * 1024 * 1024]));
        await idle.ReadAsync(1);
        await idle.SayAsync([.. Enumerable.Range(0, 200).Select(id => Publish("b", id))]);
        Assert.That(() => _host.Broker.Find("b")!.Count().Messages, Is.EqualTo(128).Soon());

        if (told)
        {
            _host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);
        }

        idle.BreakOff();

        Assert.That(() => _host.Broker.Count().Subscriptions, Is.Zero.Soon());
        Assert.That(_host.Broker.Find("b")!.Count().Messages, Is.EqualTo(128), "the waiting requests have no effect");
    }

    private static string Publish(string topic, int id) =>
        $$$"""{"type":"publish","topic":"{{{topic}}}","message":{"id":"{{{id}}}","payload":0}}""";

    private static string Event(string topic, int id) =>
        $$$"""{"type":"event","topic":"{{{topic}}}","message":{"id":"{{{id}}}","payload":0}}""";
}
