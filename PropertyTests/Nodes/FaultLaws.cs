using System.Net;
using NUnit.Framework;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

// The tests of this folder wait most of the time: for leases, for timeouts, and for connections that come back. All others run alone.
[assembly: LevelOfParallelism(4)]

namespace PubSub.PropertyTests.Nodes;

/// <summary>
/// Publishers and followers at two nodes, and one fault. What is acked is not lost, nothing comes twice or out of order, no request waits
/// for ever, and all goes on when the fault is over.
/// </summary>
[Category("Nodes")]
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FaultLaws
{
    private const int Retained = 100_000;

    /// <summary>A node that dies is counted no longer than its lease lasts (seconds), and this much for a busy machine.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10 + 5);

    private static readonly (string Name, string Value)[] Settings =
        [("MAX_MESSAGES", Frames.Text(Retained)), ("MAX_QUEUE_SIZE", "100000"), ("REDIS_TIMEOUT", "1")];

    private readonly HistoryRecorder _history = new();
    private readonly string[] _topics = ["a", "b"];

    [Test]
    public async Task The_clients_of_a_node_that_is_killed_go_on_at_another()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var first = await NodeProcess.StartAsync(redis, Settings);
        await using var second = await NodeProcess.StartAsync(redis, Settings);
        await using var traffic = await TrafficAsync(first.Door, second.Door);
        await traffic.FlowAsync();

        await first.KillAsync();
        var killed = TimeProvider.System.GetTimestamp();
        await traffic.FlowAsync();
        await Eventually.IsAsync(
            async () => (await second.Door.CountAsync("a"))?.Subscribers,
            Is.EqualTo(4));
        var counted = TimeProvider.System.GetElapsedTime(killed);

        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed), Is.EqualTo((0, 0)), "the list reaches back");
        Assert.That(counted, Is.LessThan(Lease), "the subscriptions of the dead node go with its lease");
    }

    [Test]
    public async Task A_node_that_is_stopped_for_a_while_catches_up()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var first = await NodeProcess.StartAsync(redis, Settings);
        await using var second = await NodeProcess.StartAsync(redis, Settings);
        await using var traffic = await TrafficAsync(first.Door, second.Door);
        await traffic.FlowAsync();

        await first.PauseAsync();
        await Task.Delay(TimeSpan.FromSeconds(5));
        await first.ContinueAsync();

        await traffic.FlowAsync();
        await traffic.EndAsync(Retained);
    }

    [Test]
    public async Task A_lost_announcement_is_read_from_the_list()
    {
        const int kills = 20;
        await using var redis = await RedisServer.StartAsync();
        using var first = Start(redis);
        using var second = Start(redis);
        await using var traffic = await TrafficAsync(first, second);

        for (var kill = 0; kill < kills; kill++)
        {
            await redis.TellAsync("CLIENT KILL TYPE pubsub");
            await traffic.FlowAsync(count: 1);
        }

        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed), Is.EqualTo((0, 0)), "the list reaches back");
        Assert.That(traffic.Ended, Is.Zero, "sockets stay");
    }

    /// <summary>The list of one message is too short for what is published while the channel is lost.</summary>
    [Test]
    public async Task A_subscriber_that_may_have_missed_an_event_is_told_and_closed()
    {
        await using var redis = await RedisServer.StartAsync();
        (string, string)[] settings = [("MAX_MESSAGES", "1"), ("REDIS_TIMEOUT", "1")];
        using var first = Start(redis, settings);
        using var second = Start(redis, settings);
        var (door, other) = (new Door(first.Origin), new Door(second.Origin));
        await CreateAsync(door);
        using var line = await door.ConnectAsync();
        var ack = await line.AskAsync(Line.Subscribe("a"));
        using var stream = await EventReader.OfAsync(door.Origin, "a", "");
        await stream.BlockAsync();

        var heard = new List<Heard>();
        var hearing = HearAllAsync();
        var streamed = new List<string>();
        var streaming = ReadAllAsync();
        var begun = TimeProvider.System.GetTimestamp();
        for (var round = 0; !(hearing.IsCompleted && streaming.IsCompleted); round++)
        {
            Assert.That(TimeProvider.System.GetElapsedTime(begun), Is.LessThan(Threads.Patience), "neither was told");
            await redis.TellAsync("CLIENT KILL TYPE pubsub");
            for (var number = 0; number < 5; number++)
            {
                await other.PublishAsync("a", $"{round}.{number}");
            }
        }

        await Task.WhenAll(hearing, streaming);
        Assert.That(heard[^1].Error, Is.EqualTo("MISSED_EVENTS"));
        Assert.That(heard.SkipLast(1).Select(one => one.Type), Has.All.EqualTo("event"));
        Assert.That(line.Closing, Does.StartWith("1012"));
        Assert.That(streamed[^1], Does.StartWith("event: error\ndata: {").And.Contain("MISSED_EVENTS"));

        using var again = await door.ConnectAsync();
        var resumed = await again.AskAsync(Line.Resume("a", heard.Count > 1 ? heard[^2].Timestamp : ack.Timestamp, ack.Epoch));
        Assert.That((resumed.Type, resumed.IsTorn), Is.EqualTo(("ack", true)));

        async Task HearAllAsync()
        {
            try
            {
                while (true)
                {
                    heard.Add(await line.HearAsync());
                }
            }
            catch (EndOfStreamException)
            {
                // Closed.
            }
        }

        async Task ReadAllAsync()
        {
            while (await stream.BlockAsync() is var block and not "the end")
            {
                streamed.Add(block);
            }
        }
    }

    [Test]
    public async Task A_lost_word_of_a_deletion_is_made_up_for()
    {
        const int rounds = 10;
        await using var redis = await RedisServer.StartAsync();
        using var first = Start(redis);
        using var second = Start(redis);
        var (door, other) = (new Door(first.Origin), new Door(second.Origin));
        await CreateAsync(door);
        await other.ReadyAsync();

        for (var round = 0; round < rounds; round++)
        {
            using var line = await other.ConnectAsync();
            await line.AskAsync(Line.Subscribe("a"));

            await redis.TellAsync("CLIENT KILL TYPE pubsub");
            await door.DeleteAsync("a");
            await door.CreateAsync("a");
            await door.PublishAsync("a", $"{round}");

            Assert.That((await line.HearAsync()).Short, Is.EqualTo("topic_deleted"));
            Assert.That(() => line.HearAsync(), Throws.InstanceOf<EndOfStreamException>(), "nothing of the next topic");
            await Eventually.IsAsync(() => other.ReadAsync("a"), Is.EqualTo(new[] { $"{round}" }));
        }
    }

    [Test]
    public async Task A_publish_is_acked_or_unavailable_while_Redis_is_paused([Values("CLIENT PAUSE", "SIGSTOP")] string pause)
    {
        await using var redis = await RedisServer.StartAsync();
        using var first = Start(redis);
        using var second = Start(redis);
        await using var traffic = await TrafficAsync(first, second);
        await traffic.FlowAsync();

        await (pause == "SIGSTOP" ? redis.PauseAsync() : redis.TellAsync("CLIENT PAUSE 3000"));
        await traffic.BecomesUnavailableAsync();
        foreach (var host in new[] { first, second })
        {
            await new Door(host.Origin).UnreadyAsync();
            Assert.That(await new Door(host.Origin).StatusAsync("/livez"), Is.EqualTo(200));
        }

        await (pause == "SIGSTOP" ? redis.ContinueAsync() : Task.CompletedTask);

        await traffic.FlowAsync();
        await new Door(first.Origin).ReadyAsync();
        await new Door(second.Origin).ReadyAsync();
        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed, traffic.Ended), Is.EqualTo((0, 0, 0)), "sockets and subscriptions stay");
    }

    [Test]
    public async Task All_that_was_acked_is_there_after_a_restart_of_Redis_with_its_data()
    {
        await using var redis = await RedisServer.StartAsync(keepsData: true);
        using var first = Start(redis);
        using var second = Start(redis);
        await using var traffic = await TrafficAsync(first, second);
        await traffic.FlowAsync();

        await redis.KillAsync();
        await traffic.BecomesUnavailableAsync();
        await redis.RunAsync();

        await traffic.FlowAsync();
        await traffic.JoinAsync(0, new Random(1));
        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed, traffic.Ended), Is.EqualTo((0, 0, 0)), "sockets and subscriptions stay");
    }

    [Test]
    public async Task A_Redis_that_comes_back_empty_has_deleted_every_topic()
    {
        await using var redis = await RedisServer.StartAsync();
        using var first = Start(redis);
        using var second = Start(redis);
        Door[] doors = [new Door(first.Origin), new Door(second.Origin)];
        await CreateAsync(doors[0]);
        using var own = await doors[0].ConnectAsync();
        using var other = await doors[1].ConnectAsync();
        var before = await own.AskAsync(Line.Subscribe("a"));
        await other.AskAsync(Line.Subscribe("a"));
        await doors[0].PublishAsync("a", "old");

        await redis.KillAsync();
        await redis.RunAsync();

        foreach (var line in new[] { own, other })
        {
            Assert.That((await line.HearAsync(2)).Select(heard => heard.Short), Is.EqualTo(new[] { "old", "topic_deleted" }));
            Assert.That(() => line.HearAsync(), Throws.InstanceOf<EndOfStreamException>());
        }

        foreach (var door in doors)
        {
            await door.ReadyAsync();
            await Eventually.IsAsync(async () => (await door.PublishAsync("a", "none")).Status, Is.EqualTo(404));
        }

        Assert.That((await doors[1].CreateAsync("a")).Status, Is.EqualTo(201));
        await doors[1].PublishAsync("a", "new");
        foreach (var door in doors)
        {
            using var line = await door.ConnectAsync();
            await line.SayAsync(Line.Resume("a", before.Timestamp, before.Epoch));
            var heard = await line.HearAsync(2);

            Assert.That((heard[0].Type, heard[0].IsTorn), Is.EqualTo(("ack", true)));
            Assert.That(heard[0].Epoch, Is.Not.EqualTo(before.Epoch));
            Assert.That(heard[1].Id, Is.EqualTo("new"));
            Assert.That((await line.AskAsync(Line.Ping)).Type, Is.EqualTo("pong"));
        }
    }

    [Test]
    public async Task A_node_that_is_cut_off_from_Redis_delivers_nothing_and_heals([Values] bool silently)
    {
        await using var store = new GarnetStore();
        using var relay = new CuttingRelay(new Uri($"redis://{((IStore)store).Connection}"), () => null);
        using var cut = new RunningHost([("REDIS", $"127.0.0.1:{relay.Port}"), .. Settings]);
        using var healthy = Start(store);
        await new Door(cut.Origin).ReadyAsync();
        await using var traffic = await TrafficAsync(cut, healthy);
        await CreateAsync(new Door(cut.Origin), "quiet");
        using var subscriber = await new Door(cut.Origin).ConnectAsync();
        using var publisher = await new Door(cut.Origin).ConnectAsync();
        await subscriber.AskAsync(Line.Subscribe("quiet"));
        await traffic.FlowAsync();

        if (silently)
        {
            relay.FallSilent();
        }
        else
        {
            relay.Close();
        }

        Heard answer;
        do
        {
            answer = await publisher.AskAsync(Line.Publish("quiet", "never"));
        }
        while (answer.Error.Length == 0 && !silently); // the node may not have noticed yet

        Assert.That(answer.Error, Is.EqualTo("UNAVAILABLE"));
        var told = new List<string>();
        do
        {
            told.Add((await subscriber.AskAsync(Line.Ping)).Short);
        }
        while (told[^1] != "pong ping");

        Assert.That(silently ? told.SkipLast(1) : [], Is.Empty, "nothing is delivered that Redis has not");
        await traffic.BecomesUnavailableAsync();
        await new Door(cut.Origin).UnreadyAsync();
        var (status, problem) = await new Door(cut.Origin).PublishAsync("quiet", "never");
        Assert.That((status, problem.GetProperty("code").GetString()), Is.EqualTo(((int)HttpStatusCode.ServiceUnavailable, "UNAVAILABLE")));
        Assert.That(await new Door(cut.Origin).StatusAsync("/livez"), Is.EqualTo(200));
        Assert.That(await new Door(healthy.Origin).StatusAsync("/readyz"), Is.EqualTo(200));

        relay.Speak();
        relay.Open();

        await traffic.FlowAsync();
        await new Door(cut.Origin).ReadyAsync();
        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed, traffic.Ended), Is.EqualTo((0, 0, 0)), "sockets and subscriptions stay");
    }

    [Test]
    public async Task A_full_Redis_refuses_what_needs_memory_until_there_is_room()
    {
        await using var redis = await RedisServer.StartAsync();
        using var host = Start(redis);
        var door = new Door(host.Origin);
        await CreateAsync(door);
        using var subscriber = await door.ConnectAsync();
        using var other = await door.ConnectAsync();
        await subscriber.AskAsync(Line.Subscribe("a"));

        await redis.TellAsync("CONFIG SET maxmemory 1");

        Assert.That((await other.AskAsync(Line.Publish("a", "refused"))).Error, Is.EqualTo("LIMIT_EXCEEDED"));
        Assert.That((await other.AskAsync(Line.Subscribe("a"))).Error, Is.EqualTo("LIMIT_EXCEEDED"));
        await door.UnreadyAsync(); // the lease cannot be renewed

        await redis.TellAsync("CONFIG SET maxmemory 0");

        await door.ReadyAsync();
        Assert.That((await other.AskAsync(Line.Subscribe("a"))).Type, Is.EqualTo("ack"));
        await door.PublishAsync("a", "accepted");
        Assert.That((await subscriber.HearAsync()).Id, Is.EqualTo("accepted"));
    }

    [Test]
    public async Task A_slow_way_to_Redis_changes_nothing_but_the_time()
    {
        await using var store = new GarnetStore();
        using var relay = new CuttingRelay(new Uri($"redis://{((IStore)store).Connection}"), () => null);
        relay.Delay = TimeSpan.FromMilliseconds(20);
        using var slow = new RunningHost([("REDIS", $"127.0.0.1:{relay.Port}"), .. Settings]);
        using var healthy = Start(store);
        await using var traffic = await TrafficAsync(slow, healthy);
        var random = new Random(1);
        for (var number = 0; number < 10; number++)
        {
            await traffic.JoinAsync(number % 2, random);
        }

        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Missed, traffic.Ended), Is.EqualTo((0, 0, 0)));
    }

    private static RunningHost Start(IStore store, (string, string)[]? settings = null) =>
        new([("REDIS", store.Connection), .. settings ?? Settings]);

    private Task<Traffic> TrafficAsync(RunningHost first, RunningHost second) =>
        TrafficAsync(new Door(first.Origin), new Door(second.Origin));

    private async Task<Traffic> TrafficAsync(params Door[] doors)
    {
        foreach (var topic in _topics)
        {
            await doors[0].ReadyAsync();
            var creation = _history.Create(topic);
            await CreateAsync(doors[0], topic);
            creation.Acked();
        }

        return new Traffic(_history, doors, _topics, publishersEach: 2, followersEach: 2);
    }

    private static async Task CreateAsync(Door door, string topic = "a")
    {
        await door.ReadyAsync();
        Assert.That((await door.CreateAsync(topic)).Status, Is.EqualTo(201));
    }
}
