using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Tests;

/// <summary>The tool must fail a faulty server for the right reason, and pass a correct one.</summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class WrongServerTests
{
    private static readonly ClosedLoad Short = ScriptedServer.Short;

    private static readonly ReconnectLoad Reconnecting = new(
        Clients: 20, Topics: 10, Rate: 800, Share: 1, Away: TimeSpan.FromSeconds(0.6), Doors.Ws);

    [TestCase(1)]
    [TestCase(2)]
    public void A_correct_server_passes_with_any_number_of_threads(int loops)
    {
        using var server = new ScriptedServer();

        var measured = FanOut.Once(server.Contender, 3, Short with { Loops = loops });

        Assert.That(
            measured.Figures[Names.Deliveries].Value,
            Is.EqualTo(3 * measured.Figures[Names.Publishes].Value).Within(3 * Short.Outstanding / Short.Window.TotalSeconds),
            "they differ at most by the messages under way");
        Assert.That(measured.Latencies[Names.AckLatency].Count, Is.GreaterThan(0));
    }

    [Test]
    public void A_server_of_the_classic_dialect_is_sent_ids_that_it_accepts()
    {
        using var server = new ScriptedServer(variation: Variation.Classic);
        using var classic = new PubSubContender("classic", "", server.Url, Conformance.Targets.Dialect.Classic, pid: null);

        Assert.That(() => FanOut.Once(classic, 2, Short), Throws.Nothing);
    }

    [TestCase("loses one", "lost or reordered")]
    [TestCase("doubles one", "duplicated or reordered")]
    [TestCase("doubles the last", "duplicated or reordered")]
    [TestCase("swaps two", "lost or reordered")]
    [TestCase("changes a payload", "unexpected")]
    [TestCase("leaks another topic", "unexpected")]
    [TestCase("skips an answer", "was answered after request")]
    [TestCase("hangs up", "the server ended a connection")]
    public void A_closed_loop_fails_for_the_right_reason(string wrong, string reason)
    {
        using var server = new ScriptedServer(wrong);

        Assert.That(() => FanOut.Once(server.Contender, 2, Short), Throws.TypeOf<RunFailed>().With.Message.Contains(reason));
    }

    [TestCase("loses one")]
    [TestCase("doubles one")]
    [TestCase("swaps two")]
    public void An_open_loop_and_pairs_fail_for_the_right_reason(string wrong)
    {
        using var open = new ScriptedServer(wrong);
        using var pairs = new ScriptedServer(wrong);
        var load = Short with { Outstanding = 5 };

        Assert.That(() => Latency.Once(open.Contender, 2000, 2, Short), Throws.TypeOf<RunFailed>().With.Message.Contains("reordered"));
        Assert.That(() => Pairs.Once(pairs.Contender, 1, load), Throws.TypeOf<RunFailed>().With.Message.Contains("reordered"));
    }

    [TestCase("has two orders", "TwoOrders")]
    [TestCase("forgets to replay one", "Gap")]
    [TestCase("doubles one", "Duplicated")]
    [TestCase("loses one", "Lost")]
    [TestCase("hangs up on joiners", "was ended")]
    public void A_join_storm_fails_for_the_right_reason(string wrong, string reason)
    {
        using var server = new ScriptedServer(wrong);

        Assert.That(
            () => JoinStorm.Once(server.Contender, 5, 2, TimeSpan.FromSeconds(1), 1500, new Random(1)),
            Throws.TypeOf<RunFailed>().With.Message.Contains(reason));
    }

    [Test]
    public void A_correct_server_passes_the_history_checker()
    {
        using var server = new ScriptedServer();

        Assert.That(() => JoinStorm.Once(server.Contender, 5, 2, TimeSpan.FromSeconds(1), 1500, new Random(1)), Throws.Nothing);
        Assert.That(
            () => Churn.Once(server.Contender, new ChurnLoad(5, 2, 2, 1000, 200, TimeSpan.FromSeconds(1)), new Random(1)), Throws.Nothing);
    }

    [TestCase(nameof(Doors.Ws))]
    [TestCase(nameof(Doors.Sse))]
    [TestCase(nameof(Doors.Both))]
    public void Clients_that_reconnect_to_a_correct_server_lose_nothing_untold(string doors)
    {
        using var server = new ScriptedServer();

        var load = Reconnecting with { Doors = Enum.Parse<Doors>(doors) };
        var measured = Reconnect.Once(server.Contender, load, TimeSpan.FromSeconds(2), new Random(1));

        Assert.That(measured.Latencies["connect_to_caught_up"].Count, Is.GreaterThan(5));
        Assert.That(measured.Figures[Reconnect.Told].Value, Is.GreaterThan(0), "rings are too short for some");
    }

    [TestCase("forgets one at a resume", "Untold")]
    [TestCase("doubles one at a resume", "Duplicated")]
    [TestCase("swaps two at a resume", "Reordered")]
    [TestCase("tells of no loss", "Untold")]
    [TestCase("tells of a loss that is none", "was told that events are missing after")]
    public void Clients_that_reconnect_notice_what_is_wrong(string wrong, string reason)
    {
        foreach (var doors in (Doors[])[Doors.Ws, Doors.Sse])
        {
            using var server = new ScriptedServer(wrong);

            Assert.That(
                () => Reconnect.Once(server.Contender, Reconnecting with { Doors = doors }, TimeSpan.FromSeconds(2), new Random(1)),
                Throws.TypeOf<RunFailed>().With.Message.Contains(reason),
                $"{doors}");
        }
    }

    [TestCase(1)]
    [TestCase(100)]
    public void A_publish_over_HTTP_is_acked_and_received(int batch)
    {
        using var server = new ScriptedServer();

        var measured = HttpPublish.Once(server.Contender, new(batch, 2, 1, 20, TimeSpan.Zero, TimeSpan.FromSeconds(0.5)));

        Assert.That(measured.Figures[Names.Publishes].Value, Is.GreaterThan(batch));
    }

    [Test]
    public void A_publish_over_HTTP_that_is_not_received_fails()
    {
        using var server = new ScriptedServer("doubles one");

        Assert.That(
            () => HttpPublish.Once(server.Contender, new(10, 1, 1, 20, TimeSpan.Zero, TimeSpan.FromSeconds(0.5))),
            Throws.TypeOf<RunFailed>().With.Message.Contains("counted by the server"));
    }

    [TestCase(null, null)]
    [TestCase("loses one", "lost or reordered")]
    [TestCase("doubles one", "duplicated or reordered")]
    [TestCase("changes a payload", "unexpected")]
    public void Subscribers_by_streams_are_checked_too(string? wrong, string? reason)
    {
        using var server = new ScriptedServer(wrong);
        using var streams = new StreamContender(server.Contender);

        Assert.That(
            () => FanOut.Once(streams, 2, Short),
            reason is null ? Throws.Nothing : Throws.TypeOf<RunFailed>().With.Message.Contains(reason));
    }

    [Test]
    public void A_pause_counts_for_every_message_that_waits()
    {
        using var open = new ScriptedServer("pauses for a second");
        using var closed = new ScriptedServer("pauses for a second");
        var load = Short with { Warmup = TimeSpan.Zero, Window = TimeSpan.FromSeconds(2.5) };
        const double second = 1e6; // microseconds

        var latency = Latency.Once(open.Contender, 500, 1, load).Latencies[Names.DeliveryLatency];
        var ack = FanOut.Once(closed.Contender, 1, load with { Outstanding = 1 }).Latencies[Names.AckLatency];

        Assert.That(latency.P999, Is.GreaterThan(0.9 * second), "two fifths of all messages were due in the pause");
        Assert.That(latency.P90, Is.GreaterThan(0.3 * second));
        Assert.That(ack.P99, Is.LessThan(latency.P99 / 5), "a publisher that waits for each answer measures the pause only once");
    }

    [Test]
    public void Messages_under_way_at_the_end_of_a_phase_count()
    {
        using var server = new ScriptedServer("pauses for a second");
        using var loops = new Loops(1);
        server.Contender.CreateTopic("phase");
        var schedule = new Schedule(perSecond: 400);
        var audience = new Audience(loops, server.Contender, "phase", 2, 20, outstanding: null, schedule);
        var publisher = server.Contender.Open(loops.Home, 20);
        publisher.PublishTo("phase");
        var open = new OpenLoop(loops.Home, publisher, schedule);
        schedule.Start();

        var phase = Phase.Of(open, audience, schedule, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(10));

        Assert.That(phase.Lateness.Summarize()!.Count, Is.EqualTo(200).Within(1));
        Assert.That(phase.Latencies.Summarize()!.Count, Is.EqualTo(2 * phase.Lateness.Summarize()!.Count));
        Assert.That(phase.Latencies.Summarize()!.Max, Is.GreaterThan(900_000), "the pause began in the phase and ended after it");
    }

    [Test]
    public void Messages_due_in_the_last_turn_are_published_before_a_run_ends()
    {
        using var server = new ScriptedServer();
        using var loop = new Loop();
        using var busy = new ManualResetEventSlim();
        server.Contender.CreateTopic("end");
        var publisher = server.Contender.Open(loop, 20);
        publisher.PublishTo("end");
        var schedule = new Schedule(perSecond: 1000);
        var open = new OpenLoop(loop, publisher, schedule);
        schedule.Start();

        open.Run(TimeSpan.FromMilliseconds(50), () => busy.Wait(200));

        Assert.That(open.Published, Is.InRange(50, 100), "all messages due by the end of the run, and no later ones");
    }

    [Test]
    public void A_replay_that_is_too_short_fails_the_topics_scenario()
    {
        using var server = new ScriptedServer("forgets to replay one");
        using var lineup = new Lineup();
        lineup.Lend(server.Contender);
        var bench = new Bench("test", lineup, folder: null);

        Scenarios.Topics.Measure(bench, 3, Short, seed: 1);

        Assert.That(bench.Runs.Single().Failure, Does.Contain("replayed"));
        Assert.That(bench.Close(), Is.False);
    }
}
