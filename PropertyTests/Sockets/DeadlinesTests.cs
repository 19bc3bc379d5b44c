using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using PubSub.Hosting;
using PubSub.Hosting.Sockets;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Sockets;

/// <summary>The deadlines of a peer, as the sweep checks them: none is shorter than its setting.</summary>
public sealed class DeadlinesTests
{
    private const int Write = 10, Close = 5, Interval = 30, Pong = 7;

    private readonly FakeTimeProvider _clock = new();

    [Test]
    public void A_write_deadline_starts_when_the_wait_is_first_seen()
    {
        var peer = new Peer(_clock);
        peer.Check(after: 100);

        Assert.That(peer.Check(after: 1, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: Write - 0.1, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: 0.1, isWaiting: true), Is.EqualTo(Due.AbortUnread));
    }

    [Test]
    public void A_peer_that_takes_something_gets_a_new_deadline([Values] bool isClosing)
    {
        var peer = new Peer(_clock);
        peer.Check(isWaiting: true, isClosing: isClosing);

        for (var time = 0; time < 10; time++)
        {
            Assert.That(
                peer.Check(after: (isClosing ? Close : Write) - 0.1, took: 1, isWaiting: true, isClosing: isClosing),
                Is.EqualTo(Due.Nothing));
        }
    }

    [Test]
    public void A_wait_that_is_over_does_not_shorten_the_next()
    {
        var peer = new Peer(_clock);
        peer.Check(isWaiting: true);
        peer.Check(after: Write - 1);

        Assert.That(peer.Check(after: 2, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: Write - 0.1, isWaiting: true), Is.EqualTo(Due.Nothing));
    }

    [Test]
    public void Receiving_does_not_extend_a_write_deadline()
    {
        var peer = new Peer(_clock);
        peer.Check(isWaiting: true);

        Assert.That(peer.Check(after: Write, received: 5, isWaiting: true), Is.EqualTo(Due.AbortUnread));
    }

    [Test]
    public void A_close_has_its_own_deadline([Values] bool isWaiting)
    {
        var peer = new Peer(_clock);
        peer.Check(after: Interval - 1);

        Assert.That(peer.Check(after: 2, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.Nothing), "no Ping after the close");
        Assert.That(peer.Check(after: Close - 0.1, received: 1, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: 0.1, received: 1, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.Abort));
    }

    [Test]
    public void A_silent_peer_gets_one_Ping_and_is_then_disconnected()
    {
        var peer = new Peer(_clock);
        peer.Check();

        Assert.That(peer.Check(after: Interval - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: 0.1), Is.EqualTo(Due.Ping));
        Assert.That(peer.Check(after: Pong - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: 0.1), Is.EqualTo(Due.AbortSilent));
    }

    [Test]
    public void Any_byte_received_or_taken_is_a_sign_of_life([Values] bool comes)
    {
        var peer = new Peer(_clock);
        peer.Check(after: Interval);

        Assert.That(peer.Check(after: Pong, received: comes ? 1 : 0, took: comes ? 0 : 1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: Interval - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Check(after: 0.1), Is.EqualTo(Due.Ping));
    }

    /// <summary>The server itself may have stopped reading then: it waits for room for its replies (PS-BPR-010).</summary>
    [Test]
    public void While_a_write_waits_no_Ping_is_sent_and_no_Pong_is_due()
    {
        var patient = new Peer(_clock, write: 3600);
        var asked = new Peer(_clock, write: 3600);
        asked.Check(after: Interval);

        Assert.That(patient.Check(after: 10 * Interval, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(asked.Check(after: 10 * Pong, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(asked.Check(after: 1, took: 1), Is.EqualTo(Due.Nothing), "the write has ended");
    }

    [Test]
    public void No_Ping_is_sent_when_keepalive_is_off() =>
        Assert.That(new Peer(_clock, interval: 0).Check(after: 100_000), Is.EqualTo(Due.Nothing));

    private sealed class Peer(FakeTimeProvider clock, int write = Write, int interval = Interval)
    {
        private readonly Deadlines _deadlines = new(Of(write, interval));
        private long _received;
        private long _taken;

        public Due Check(double after = 0, int received = 0, int took = 0, bool isWaiting = false, bool isClosing = false)
        {
            clock.Advance(TimeSpan.FromSeconds(after));
            return _deadlines.Check(TimeSpan.FromTicks(clock.GetTimestamp()), _received += received, _taken += took, isWaiting, isClosing);
        }

        private static Settings Of(int write, int interval) => TestSettings.Read(
            ("WRITE_TIMEOUT", Frames.Text(write)),
            ("CLOSE_TIMEOUT", Frames.Text(Close)),
            ("KEEPALIVE_INTERVAL", Frames.Text(interval)),
            ("KEEPALIVE_TIMEOUT", Frames.Text(Pong)));
    }
}
