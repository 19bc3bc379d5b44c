using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>
/// The server disconnects a peer that reads nothing, or does not answer a Close frame, but not one that is slow (PS-BPR-011).
/// </summary>
[Category("Wire")]
public sealed class UnresponsivePeerTests
{
    /// <summary>The size of a frame in bytes that no socket buffer holds.</summary>
    private const int Large = 12 * 1024 * 1024;

    private const double WriteTimeout = 10, CloseTimeout = 5;

    private readonly SteppingClock _clock = new();

    [Test]
    public async Task A_write_may_wait_until_its_deadline([Values(1, 3)] int frames)
    {
        using var host = Start();
        using var peer = await SubscribedAsync(host);
        Publish(host, frames);

        for (var read = 0; read < frames; read++)
        {
            await peer.ReadAsync(1);
            _clock.Advance(WriteTimeout);
            await peer.ReadAsync(Large - 1);
        }

        Assert.That(await peer.AskAsync("""{"type":"ping"}"""), Is.EqualTo("""{"type":"pong"}"""));
        _clock.Advance(10 * WriteTimeout);
        Assert.That(await peer.AskAsync("""{"type":"ping"}"""), Is.EqualTo("""{"type":"pong"}"""), "no write waits");
    }

    [Test]
    public async Task A_peer_that_reads_nothing_is_disconnected_and_unsubscribed()
    {
        using var host = Start();
        using var peer = await StuckAsync(host);

        AdvanceUntil(() => host.Broker.Count().Subscriptions == 0);

        Assert.That(
            host.Logged,
            Has.One.Match(@"^Warning PubSub.Hosting.Sockets.Sessions: Session \S+ read nothing for 10 s and was ended$"));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed: write timed out").Soon());
        Assert.That(async () => await peer.ReadAsync(Large), Throws.Exception, "the rest is not sent");
    }

    [Test]
    public async Task A_peer_that_reads_nothing_is_disconnected_although_a_Close_frame_is_queued()
    {
        using var host = Start(("CLOSE_TIMEOUT", "3600"));
        using var peer = await StuckAsync(host);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("closed: topic deleted", StringComparison.Ordinal)));

        Assert.That(host.Logged, Has.Some.Contains("read nothing for 10 s"));
    }

    [Test]
    public async Task A_Close_frame_may_be_answered_until_its_deadline()
    {
        using var host = Start(("MAX_MESSAGE_BYTES", "1024"));
        using var peer = await SubscribedAsync(host);
        await RefuseAsync(peer);

        _clock.Advance(CloseTimeout);
        await peer.CloseAsync(1009);

        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed by the client with 1009").Soon());
    }

    [Test]
    public async Task A_peer_that_does_not_answer_a_Close_frame_is_disconnected()
    {
        using var host = Start(("MAX_MESSAGE_BYTES", "1024"));
        using var peer = await SubscribedAsync(host);
        await RefuseAsync(peer);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("a request was too large", StringComparison.Ordinal)));

        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
    }

    [Test]
    public async Task Before_a_Close_frame_each_queued_frame_has_its_own_deadline()
    {
        const int frames = 3;
        using var host = Start();
        using var peer = await StuckAsync(host, frames);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        for (var read = 0; read < frames; read++)
        {
            _clock.Advance(CloseTimeout - 1);
            await peer.ReadAsync(Large); // the last byte belongs to the next frame, so the write before has ended
        }

        Assert.That(await peer.ReadAsync("otice".Length), Is.EqualTo("otice"u8.ToArray()));
        Assert.That(await peer.HearAsync(), Is.EqualTo("close 1000 topic deleted"));
    }

    [Test]
    public async Task A_peer_that_does_not_read_its_Close_frame_is_disconnected()
    {
        using var host = Start(("WRITE_TIMEOUT", "3600"));
        using var peer = await StuckAsync(host);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("closed: topic deleted", StringComparison.Ordinal)));

        Assert.That(host.Logged, Has.None.Contains("read nothing"));
    }

    /// <summary>Starts a server that sends no Pings.</summary>
    private RunningHost Start(params (string Name, string Value)[] settings) =>
        new(_clock, [.. settings, ("KEEPALIVE_INTERVAL", "0"), ("MAX_QUEUE_BYTES", Frames.Text(4 * Large)), ("LOG_LEVEL", "info")]);

    private static async Task<Peer> SubscribedAsync(RunningHost host)
    {
        host.Broker.Create("a");
        var peer = await Peer.OfAsync(host, window: 16 * 1024);
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        return peer;
    }

    /// <summary>
    /// A peer that has read the first byte of the frames that wait for it, and no more. Windows accepts one frame of any size at once, but
    /// not two.
    /// </summary>
    private static async Task<Peer> StuckAsync(RunningHost host, int frames = 2)
    {
        var peer = await SubscribedAsync(host);
        Publish(host, frames);
        await peer.ReadAsync(1);
        return peer;
    }

    private static void Publish(RunningHost host, int frames)
    {
        for (var published = 0; published < frames; published++)
        {
            host.Broker.Find("a")!.TryPublish(new Frame(new byte[Large]));
        }
    }

    private static async Task RefuseAsync(Peer peer)
    {
        await peer.SayAsync(new string('x', 1025));
        Assert.That(await peer.HearAsync(), Does.Contain("MAX_MESSAGE_BYTES"));
        Assert.That(await peer.HearAsync(), Is.EqualTo("close 1009 request too large"));
    }

    /// <summary>
    /// Advances the clock in steps: a session may notice a write, and start its deadline, a moment after the peer has seen the bytes.
    /// </summary>
    private void AdvanceUntil(Func<bool> over) => Assert.That(
        () =>
        {
            _clock.Advance(1);
            return over();
        },
        Is.True.Soon());
}
