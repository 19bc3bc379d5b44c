using Microsoft.AspNetCore.Http.Features;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>A server that is asked to stop tells all clients, and waits for them as long as is set (PS-LIF-001 to 003).</summary>
[Category("Wire")]
public sealed class DrainTests
{
    private const double DrainTimeout = 5;
    private const string Goodbye = "close 1001 server is shutting down";

    private readonly SteppingClock _clock = new();

    [Test]
    public async Task A_drain_without_sessions_ends_at_once([Values] bool anymore)
    {
        using var host = Start();
        if (anymore)
        {
            using var peer = await Peer.OfAsync(host);
            await peer.CloseAsync();
            await peer.HearAllAsync();
        }

        await StopAsync(host).WaitAsync(Threads.Patience);

        Assert.That(host.Sessions.IsDraining);
        Assert.That(host.Logged, Has.Some.EndsWith("Sessions: Draining 0 sessions").And.None.Contains("had not drained"));
    }

    [Test]
    public async Task Every_client_gets_a_Close_frame_and_is_waited_for()
    {
        using var host = Start();
        using var gone = await Peer.OfAsync(host);
        gone.BreakOff();
        using var one = await Peer.OfAsync(host);
        using var other = await Peer.OfAsync(host);
        await one.AskAsync("""{"type":"ping"}""");
        await other.AskAsync("""{"type":"ping"}""");

        var stopping = StopAsync(host);
        Assert.That((await one.HearAsync(), await other.HearAsync()), Is.EqualTo((Goodbye, Goodbye)));
        await one.CloseAsync(1001);
        Assert.That(await one.HearAsync(), Is.EqualTo("the end"));
        Threads.SettlePool();
        var stoppedEarly = stopping.IsCompleted;
        _clock.Advance(DrainTimeout - 0.1);
        await other.CloseAsync(1001);

        await stopping.WaitAsync(Threads.Patience);
        Assert.That(stoppedEarly, Is.False, "one session is left");
        Assert.That(await other.HearAsync(), Is.EqualTo("the end"));
        Assert.That(host.Logged, Has.Some.EndsWith("closed: draining").And.None.Contains("had not drained"));
    }

    [Test]
    public async Task Queued_frames_are_sent_before_the_Close_frame()
    {
        using var host = Start();
        using var peer = await Peer.OfAsync(host);
        host.Broker.Create("a");
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        var wakes = new Wakes();
        host.Broker.Find("a")!.Publish(Hosting.WebSocket.WebSocketFrame.Pong("last"u8), wakes);

        var stopping = StopAsync(host);

        Assert.That((await peer.HearAsync(), await peer.HearAsync()), Is.EqualTo(("pong last", Goodbye)));
        await peer.CloseAsync();
        await stopping.WaitAsync(Threads.Patience);
    }

    [Test]
    public async Task A_client_that_stays_is_disconnected_after_the_drain_timeout([Values] bool impatient)
    {
        using var host = Start();
        using var stop = new CancellationTokenSource();
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("""{"type":"ping"}""");
        var stopping = host.Sessions.StoppingAsync(stop.Token);
        await peer.HearAsync();
        _clock.Advance(DrainTimeout - 0.1);
        Threads.SettlePool();
        var stoppedEarly = stopping.IsCompleted;

        if (impatient)
        {
            await stop.CancelAsync();
        }
        else
        {
            _clock.Advance(0.1);
        }

        await stopping.WaitAsync(Threads.Patience);
        Assert.That(stoppedEarly, Is.False);
        Assert.That(await peer.HearAsync(), Is.EqualTo("the end"));
        Assert.That(host.Logged, Has.Some.EndsWith("Sessions: 1 sessions had not drained after 5 s and were ended"));
    }

    [Test]
    public async Task A_drain_waits_for_a_session_that_came_after_the_last_one_ended()
    {
        using var host = Start();
        using (var before = await Peer.OfAsync(host))
        {
            await before.CloseAsync();
            await before.HearAllAsync();
        }

        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("""{"type":"ping"}""");

        var stopping = StopAsync(host);
        await peer.HearAsync();
        Threads.SettlePool();

        Assert.That(stopping.IsCompleted, Is.False, "the session that ended before the drain does not count");
        await peer.CloseAsync();
        await stopping.WaitAsync(Threads.Patience);
    }

    [Test]
    public async Task A_session_that_begins_during_the_drain_gets_a_Close_frame()
    {
        using var host = Start();
        Task? stopping = null;
        host.Before = context =>
        {
            if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
            {
                context.Features.Set<IHttpUpgradeFeature>(new UpgradeHook(upgrade, before: () => stopping = StopAsync(host)));
            }
        };

        using var peer = await Peer.OfAsync(host);

        Assert.That(await peer.HearAsync(), Is.EqualTo(Goodbye));
        Assert.That(stopping!.IsCompleted, Is.False);
        await peer.CloseAsync();
        await stopping.WaitAsync(Threads.Patience);
    }

    [Test]
    public async Task Sessions_can_be_stopped_again_after_disposal()
    {
        using var host = Start();
        var sessions = host.Sessions;

        await sessions.StopAsync(CancellationToken.None).WaitAsync(Threads.Patience);
        sessions.Dispose();

        await sessions.StopAsync(CancellationToken.None).WaitAsync(Threads.Patience);
    }

    private static Task StopAsync(RunningHost host) => host.Sessions.StoppingAsync(CancellationToken.None);

    private RunningHost Start() => new(_clock, ("CLOSE_TIMEOUT", "3600"), ("LOG_LEVEL", "info"));
}
