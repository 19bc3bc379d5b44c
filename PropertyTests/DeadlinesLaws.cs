using NUnit.Framework;
using PubSub.Hosting;
using PubSub.Hosting.Sockets;

namespace PubSub.PropertyTests;

/// <summary>How long a peer has for what it is to do, as the sweep sees it: nobody has less time than is set.</summary>
public sealed class DeadlinesLaws
{
    private const int Write = 10, Close = 5, Interval = 30, Pong = 7;

    private readonly HandClock _clock = new();

    [Test]
    public void Whoever_takes_nothing_has_so_much_time_from_when_that_was_first_seen()
    {
        var peer = new Peer(_clock);
        peer.Look(after: 100);

        Assert.That(peer.Look(after: 1, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: Write - 0.1, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: 0.1, isWaiting: true), Is.EqualTo(Due.EndUnread));
    }

    [Test]
    public void Whoever_takes_something_now_and_then_has_as_much_time_again([Values] bool isClosing)
    {
        var peer = new Peer(_clock);
        peer.Look(isWaiting: true, isClosing: isClosing);

        for (var time = 0; time < 10; time++)
        {
            Assert.That(peer.Look(after: (isClosing ? Close : Write) - 0.1, took: 1, isWaiting: true, isClosing: isClosing), Is.EqualTo(Due.Nothing));
        }
    }

    [Test]
    public void A_wait_that_is_over_does_not_count_for_the_next()
    {
        var peer = new Peer(_clock);
        peer.Look(isWaiting: true);
        peer.Look(after: Write - 1);

        Assert.That(peer.Look(after: 2, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: Write - 0.1, isWaiting: true), Is.EqualTo(Due.Nothing));
    }

    [Test]
    public void Whoever_only_sends_is_not_waited_for_either()
    {
        var peer = new Peer(_clock);
        peer.Look(isWaiting: true);

        Assert.That(peer.Look(after: Write, received: 5, isWaiting: true), Is.EqualTo(Due.EndUnread));
    }

    [Test]
    public void A_goodbye_has_its_time_whatever_was_waited_for_before([Values] bool isWaiting)
    {
        var peer = new Peer(_clock);
        peer.Look(after: Interval - 1);

        Assert.That(peer.Look(after: 2, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.Nothing), "no Ping any more");
        Assert.That(peer.Look(after: Close - 0.1, received: 1, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: 0.1, received: 1, isWaiting: isWaiting, isClosing: true), Is.EqualTo(Due.End));
    }

    [Test]
    public void Silence_is_questioned_once_and_then_ended()
    {
        var peer = new Peer(_clock);
        peer.Look();

        Assert.That(peer.Look(after: Interval - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: 0.1), Is.EqualTo(Due.Ping));
        Assert.That(peer.Look(after: Pong - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: 0.1), Is.EqualTo(Due.EndSilent));
    }

    [Test]
    public void A_sign_of_life_is_whatever_comes_and_whatever_is_taken([Values] bool comes)
    {
        var peer = new Peer(_clock);
        peer.Look(after: Interval);

        Assert.That(peer.Look(after: Pong, received: comes ? 1 : 0, took: comes ? 0 : 1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: Interval - 0.1), Is.EqualTo(Due.Nothing));
        Assert.That(peer.Look(after: 0.1), Is.EqualTo(Due.Ping));
    }

    /// <summary>It is the server that does not read then: it waits for room for its replies (PS-BPR-010).</summary>
    [Test]
    public void While_something_waits_silence_is_not_questioned_and_no_question_falls_due()
    {
        var patient = new Peer(_clock, write: 3600);
        var asked = new Peer(_clock, write: 3600);
        asked.Look(after: Interval);

        Assert.That(patient.Look(after: 10 * Interval, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(asked.Look(after: 10 * Pong, isWaiting: true), Is.EqualTo(Due.Nothing));
        Assert.That(asked.Look(after: 1, took: 1), Is.EqualTo(Due.Nothing), "it was taken at last");
    }

    [Test]
    public void Nobody_is_questioned_when_that_is_turned_off() =>
        Assert.That(new Peer(_clock, interval: 0).Look(after: 100_000), Is.EqualTo(Due.Nothing));

    private sealed class Peer(HandClock clock, int write = Write, int interval = Interval)
    {
        private readonly Deadlines _deadlines = new(Of(write, interval));
        private long _received;
        private long _taken;

        public Due Look(double after = 0, int received = 0, int took = 0, bool isWaiting = false, bool isClosing = false)
        {
            clock.Advance(after);
            return _deadlines.Look(TimeSpan.FromTicks(clock.GetTimestamp()), _received += received, _taken += took, isWaiting, isClosing);
        }

        private static Settings Of(int write, int interval) => SettingsLaws.Read(
            ("WRITE_TIMEOUT", Frames.Text(write)),
            ("CLOSE_TIMEOUT", Frames.Text(Close)),
            ("KEEPALIVE_INTERVAL", Frames.Text(interval)),
            ("KEEPALIVE_TIMEOUT", Frames.Text(Pong)));
    }
}
