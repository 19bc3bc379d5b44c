using NUnit.Framework;

namespace PubSub.PropertyTests;

/// <summary>Whoever reads nothing, or does not say goodbye, is not waited for for ever; whoever is slow is (PS-BPR-011).</summary>
[Category("Wire")]
public sealed class PatienceLaws
{
    /// <summary>Bytes of a frame that no socket takes at once.</summary>
    private const int Large = 12 * 1024 * 1024;

    private const double WriteTimeout = 10, CloseTimeout = 5;

    private readonly HandClock _clock = new();

    [Test]
    public async Task A_write_may_wait_until_its_time_is_over([Values(1, 3)] int frames)
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
        Assert.That(await peer.AskAsync("""{"type":"ping"}"""), Is.EqualTo("""{"type":"pong"}"""), "nothing waits any more");
    }

    [Test]
    public async Task Whoever_reads_nothing_is_ended_and_what_it_had_is_given_back()
    {
        using var host = Start();
        using var peer = await StuckAsync(host);

        AdvanceUntil(() => host.Broker.Count().Subscriptions == 0);

        Assert.That(host.Logged, Has.One.Match(@"^Warning PubSub.Hosting.Sockets.Sessions: Session \S+ read nothing for 10 s and was ended$"));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed: connection lost").Soon());
        Assert.That(async () => await peer.ReadAsync(Large), Throws.Exception, "the rest is not sent any more");
    }

    [Test]
    public async Task Whoever_reads_nothing_is_ended_although_it_is_told_goodbye()
    {
        using var host = Start(("CLOSE_TIMEOUT", "3600"));
        using var peer = await StuckAsync(host);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("closed: topic deleted", StringComparison.Ordinal)));

        Assert.That(host.Logged, Has.Some.Contains("read nothing for 10 s"));
    }

    [Test]
    public async Task A_goodbye_may_be_answered_until_its_time_is_over()
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
    public async Task Whoever_does_not_say_goodbye_is_ended()
    {
        using var host = Start(("MAX_MESSAGE_BYTES", "1024"));
        using var peer = await SubscribedAsync(host);
        await RefuseAsync(peer);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("a request was too large", StringComparison.Ordinal)));

        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
    }

    [Test]
    public async Task Whoever_is_told_goodbye_has_time_for_each_frame_that_is_still_to_come()
    {
        const int frames = 3;
        using var host = Start();
        using var peer = await StuckAsync(host, frames);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        for (var read = 0; read < frames; read++)
        {
            _clock.Advance(CloseTimeout - 1);
            await peer.ReadAsync(Large); // and a byte of what follows, so the last write is known to have ended
        }

        Assert.That(await peer.ReadAsync("otice".Length), Is.EqualTo("otice"u8.ToArray()));
        Assert.That(await peer.HearAsync(), Is.EqualTo("close 1000 topic deleted"));
    }

    [Test]
    public async Task Whoever_is_told_goodbye_and_reads_nothing_is_ended()
    {
        using var host = Start(("WRITE_TIMEOUT", "3600"));
        using var peer = await StuckAsync(host);
        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);

        AdvanceUntil(() => host.Logged.Any(line => line.EndsWith("closed: topic deleted", StringComparison.Ordinal)));

        Assert.That(host.Logged, Has.None.Contains("read nothing"));
    }

    /// <summary>Nobody is asked whether it is still there.</summary>
    private RunningHost Start(params (string Name, string Value)[] settings) =>
        new(_clock, [.. settings, ("KEEPALIVE_INTERVAL", "0"), ("MAX_QUEUE_BYTES", Frames.Text(4 * Large)), ("LOG_LEVEL", "info")]);

    private static async Task<Peer> SubscribedAsync(RunningHost host)
    {
        host.Broker.Create("a");
        var peer = await Peer.OfAsync(host, window: 16 * 1024);
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        return peer;
    }

    /// <summary>A peer that has read the first byte of the frames that wait for it, and no more.</summary>
    private static async Task<Peer> StuckAsync(RunningHost host, int frames = 1)
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

    /// <summary>What a session notes of a write it may note a moment after its peer has seen of it, so that its time may begin after this has begun.</summary>
    private void AdvanceUntil(Func<bool> over) => Assert.That(
        () =>
        {
            _clock.Advance(1);
            return over();
        },
        Is.True.Soon());
}
