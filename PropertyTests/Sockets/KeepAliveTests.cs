using NUnit.Framework;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>The server sends a Ping to a silent peer, and disconnects it if it does not answer (PS-LIF-006, 007, 013).</summary>
[Category("Wire")]
public sealed class KeepAliveTests
{
    private const string Ask = """{"type":"ping"}""", Answer = """{"type":"pong"}""";
    private const double Interval = 30, Timeout = 10;

    /// <summary>Seconds between two checks of the deadlines.</summary>
    private const double Sweep = 0.25;

    private readonly SteppingClock _clock = new();

    [Test]
    public async Task No_Ping_is_sent_before_the_interval_is_over()
    {
        using var host = new RunningHost(_clock);
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);

        _clock.Advance(Interval);

        Assert.That(await peer.AskAsync(Ask), Is.EqualTo(Answer));
    }

    [Test]
    public async Task A_silent_peer_gets_one_Ping()
    {
        using var host = new RunningHost(_clock);
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);

        _clock.Advance(Interval + Sweep);
        _clock.Advance(Timeout - Sweep);

        Assert.That(await peer.HearAsync(), Is.EqualTo("ping"));
        Assert.That(await peer.AskAsync(Ask), Is.EqualTo(Answer), "the deadline has not come");
    }

    [Test]
    public async Task A_peer_that_does_not_answer_the_Ping_is_disconnected()
    {
        using var host = new RunningHost(_clock, ("LOG_LEVEL", "info"));
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);

        _clock.Advance(Interval + Sweep);
        Assert.That(await peer.HearAsync(), Is.EqualTo("ping"));
        _clock.Advance(Timeout);

        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
        Assert.That(
            host.Logged,
            Has.One.Match(@"^Warning PubSub.Hosting.Sockets.Sessions: Session \S+ answered no Ping for 10 s and was ended$"));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed: ping unanswered").Soon());
    }

    [Test]
    public async Task Any_sign_of_life_answers_the_Ping_and_starts_the_interval_anew([Values] bool pong)
    {
        using var host = new RunningHost(_clock);
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);

        for (var time = 0; time < 3; time++)
        {
            _clock.Advance(Interval + Sweep);
            Assert.That(await peer.HearAsync(), Is.EqualTo("ping"));
            _clock.Advance(Timeout - Sweep);
            await peer.SendAsync(pong ? ClientFrame.Of(Opcode.Pong, []) : []);
            Assert.That(await peer.AskAsync(Ask), Is.EqualTo(Answer));
        }

        _clock.Advance(Interval);
        Assert.That(await peer.AskAsync(Ask), Is.EqualTo(Answer));
    }

    [Test]
    public async Task No_Ping_is_sent_when_keepalive_is_off()
    {
        using var host = new RunningHost(_clock, ("KEEPALIVE_INTERVAL", "0"));
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);

        _clock.Advance(1_000);

        Assert.That(await peer.AskAsync(Ask), Is.EqualTo(Answer));
    }

    [Test]
    public async Task No_Ping_is_sent_after_a_Close_frame()
    {
        using var host = new RunningHost(_clock, ("CLOSE_TIMEOUT", "3600"), ("WRITE_TIMEOUT", "3600"));
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Ask);
        host.Broker.Create("a");
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        host.Broker.TryDelete("a", WebSocketFrame.Ping, disconnect: true);
        Assert.That((await peer.HearAsync(), await peer.HearAsync()), Is.EqualTo(("ping", "close 1000 topic deleted")));

        _clock.Advance(Interval + Timeout + 1);
        await peer.CloseAsync();

        Assert.That(await peer.HearAllAsync(), Is.EqualTo(new[] { "the end" }));
        Assert.That(host.Logged, Has.None.Contains("answered no Ping"));
    }
}
