using System.Globalization;
using NUnit.Framework;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Nodes;

/// <summary>Two Hosts on one Redis keep the promises of one Host, whichever door a client uses.</summary>
[TestFixture(Cluster.OneHost)]
[TestFixture(Cluster.Garnet)]
[TestFixture(Cluster.Redis)]
[Category("Nodes")]
public sealed class PairLaws(string store) : IAsyncDisposable
{
    private const int Retained = 2000;

    private static int _topics;

    private Cluster _cluster = null!;

    private Door A => _cluster.A;

    private Door B => _cluster.B;

    [OneTimeSetUp]
    public async Task StartAsync() => _cluster = await Cluster.StartAsync(
        store, ("MAX_MESSAGES", Frames.Text(Retained)), ("MAX_QUEUE_SIZE", "10000"));

    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;

    [TestCase("""{"a" : [1.0, 1e400,-0],"a":"\u00e9é€\ud83d\ude00"}""")]
    [TestCase("null")]
    public async Task A_subscriber_of_one_node_receives_what_another_publishes_byte_for_byte(string payload)
    {
        var topic = await TopicAsync();
        using var publisher = await SubscribedAsync(A, topic);
        using var subscriber = await SubscribedAsync(B, topic);

        await publisher.SayAsync(Line.Publish(topic, "m", payload));
        var own = await UntilAsync(publisher, "m");
        var other = await UntilAsync(subscriber, "m");
        var (_, read) = await B.GetAsync($"/v1/topics/{topic}/messages");

        Assert.That(other[^1].Text, Does.Contain($$"""{"id":"m","payload":{{payload}}}"""));
        Assert.That(own.Single(heard => heard.Type == "event").Text, Is.EqualTo(other[^1].Text));
        Assert.That(read.GetProperty("events")[0].GetRawText(), Is.EqualTo(other[^1].Text));
    }

    [Test]
    public async Task All_nodes_have_one_order()
    {
        const int publishers = 10, each = 100;
        var topic = await TopicAsync();
        using var first = await SubscribedAsync(A, topic);
        using var second = await SubscribedAsync(B, topic);

        await Task.WhenAll(Enumerable.Range(0, publishers).Select(async number =>
        {
            using var publisher = await (number % 2 == 0 ? A : B).ConnectAsync();
            await publisher.SayAsync([.. Enumerable.Range(0, each).Select(place => Line.Publish(topic, $"{number}.{place}"))]);
            var answers = await publisher.HearAsync(each);
            Assert.That(
                answers.Select(answer => answer.Short), Is.EqualTo(Enumerable.Range(0, each).Select(place => $"ack {number}.{place}")));
        }));
        var seen = await first.HearAsync(publishers * each);
        var alsoSeen = await second.HearAsync(publishers * each);

        Assert.That(alsoSeen.Select(heard => heard.Text), Is.EqualTo(seen.Select(heard => heard.Text)));
        Assert.That(seen.Select(heard => heard.Stamp), Is.Ordered.Ascending);
        Assert.That(seen.Select(heard => heard.Stamp), Is.Unique);
        Assert.That(seen.Select(heard => heard.Id), Is.Unique);
        Assert.That(
            seen.GroupBy(heard => heard.Id.Split('.')[0]),
            Has.All.Matches<IGrouping<string, Heard>>(own => own!.Select(heard => heard.Id).SequenceEqual(
                Enumerable.Range(0, each).Select(place => $"{own!.Key}.{place}"))));
        Assert.That(await A.ReadAsync(topic), Is.EqualTo(seen.Select(heard => heard.Id)));
        Assert.That(await B.ReadAsync(topic), Is.EqualTo(seen.Select(heard => heard.Id)));
    }

    [Test]
    public async Task A_subscriber_has_in_its_replay_all_that_was_acked_elsewhere_before([Values] bool resumes)
    {
        const int rounds = 40;
        var topic = await TopicAsync();
        using var publisher = await A.ConnectAsync();
        var (since, epoch) = await PositionAsync(topic);
        var expected = new List<string>();

        for (var round = 0; round < rounds; round++)
        {
            await publisher.SayAsync(Line.Publish(topic, $"{round}"), Line.Publish(topic, $"{round}+"));
            expected.AddRange([$"{round}", $"{round}+"]);
            await publisher.HearAsync(2);
            using var joiner = await B.ConnectAsync();
            await joiner.SayAsync(resumes ? Line.Resume(topic, since, epoch) : Line.Subscribe(topic, Retained));
            var heard = await joiner.HearAsync(1 + expected.Count);
            var after = await joiner.AskAsync(Line.Ping);

            Assert.That((heard[0].Type, heard[0].IsTorn), Is.EqualTo(("ack", false)));
            Assert.That(heard[1..].Select(one => one.Id), Is.EqualTo(expected));
            Assert.That(heard.Skip(1).Select(one => one.Stamp), Has.All.LessThan(heard[0].Stamp));
            Assert.That(after.Type, Is.EqualTo("pong"), "nothing of the replay comes twice");
        }
    }

    [Test]
    public async Task Subscribers_that_join_amid_publishes_miss_nothing()
    {
        const int joiners = 60;
        var history = new HistoryRecorder();
        await using var traffic = new Traffic(history, _cluster.Doors, [await TopicAsync(history)], publishersEach: 2, followersEach: 2);

        var random = new Random(1);
        for (var number = 0; number < joiners; number++)
        {
            await traffic.JoinAsync(number % 2, random);
        }

        await traffic.EndAsync(Retained);
        Assert.That((traffic.Told, traffic.Unavailable, traffic.Ended), Is.EqualTo((0, 0, 0)), "no fault was made");
    }

    [Test]
    public async Task A_topic_is_known_to_all_nodes_until_it_is_deleted()
    {
        var topic = await TopicAsync();

        Assert.That((await B.CreateAsync(topic)).Status, Is.EqualTo(409));
        Assert.That(await ListedAsync(A), Does.Contain(topic));
        Assert.That(await ListedAsync(B), Does.Contain(topic));
        Assert.That(await B.StatusAsync($"/v1/topics/{topic}"), Is.EqualTo(200));

        Assert.That((await B.DeleteAsync(topic)).Status, Is.EqualTo(200));

        Assert.That((await A.DeleteAsync(topic)).Status, Is.EqualTo(404));
        foreach (var door in _cluster.Doors)
        {
            using var line = await door.ConnectAsync();
            Assert.That((await line.AskAsync(Line.Publish(topic, "m"))).Error, Is.EqualTo("TOPIC_NOT_FOUND"));
            Assert.That((await line.AskAsync(Line.Subscribe(topic))).Error, Is.EqualTo("TOPIC_NOT_FOUND"));
            Assert.That((await line.AskAsync(Line.Publish("no-such-topic", "m"))).Error, Is.EqualTo("TOPIC_NOT_FOUND"));
            Assert.That((await door.PublishAsync(topic, "m")).Status, Is.EqualTo(404));
            Assert.That(await door.StatusAsync($"/v1/topics/{topic}"), Is.EqualTo(404));
            Assert.That(await door.StatusAsync($"/v1/topics/{topic}/messages"), Is.EqualTo(404));
            Assert.That(await door.StatusAsync($"/v1/topics/{topic}/events"), Is.EqualTo(404));
            Assert.That(await ListedAsync(door), Does.Not.Contain(topic));
            Assert.That(await door.CountAsync(topic), Is.Null);
        }
    }

    [Test]
    public async Task A_deletion_ends_the_subscribers_of_all_nodes_behind_their_last_event()
    {
        var topic = await TopicAsync();
        using var own = await SubscribedAsync(A, topic);
        using var other = await SubscribedAsync(B, topic);
        using var stream = await EventReader.OfAsync(B.Origin, topic, "");
        await stream.BlockAsync();
        await A.PublishAsync(topic, "1", "2");

        await A.DeleteAsync(topic);

        foreach (var line in new[] { own, other })
        {
            Assert.That((await line.HearAsync(3)).Select(heard => heard.Short), Is.EqualTo(new[] { "1", "2", "topic_deleted" }));
            Assert.That(() => line.HearAsync(), Throws.InstanceOf<EndOfStreamException>());
            Assert.That(line.Closing, Is.EqualTo("1000 topic deleted"));
        }

        Assert.That(await stream.BlockAsync(), Does.Contain("\"id\":\"1\""));
        Assert.That(await stream.BlockAsync(), Does.Contain("\"id\":\"2\""));
        Assert.That(await stream.BlockAsync(), Does.Contain("topic_deleted"));
        Assert.That(await stream.BlockAsync(), Is.EqualTo("the end"));
    }

    [Test]
    public async Task A_topic_created_again_is_another_topic()
    {
        var topic = await TopicAsync();
        var (since, epoch) = await PositionAsync(topic);
        using var before = await SubscribedAsync(B, topic); // B knows the first life
        await A.PublishAsync(topic, "old");
        await before.HearAsync();

        await A.DeleteAsync(topic);
        await A.CreateAsync(topic);
        await A.PublishAsync(topic, "new");

        foreach (var door in _cluster.Doors)
        {
            using var line = await door.ConnectAsync();
            await line.SayAsync(Line.Resume(topic, since, epoch));
            var heard = await line.HearAsync(2);

            Assert.That((heard[0].Type, heard[0].IsTorn), Is.EqualTo(("ack", true)));
            Assert.That(heard[0].Epoch, Is.Not.EqualTo(epoch));
            Assert.That(heard[1].Id, Is.EqualTo("new"));
            Assert.That(await door.ReadAsync(topic), Is.EqualTo(new[] { "new" }));
            Assert.That((await line.AskAsync(Line.Ping)).Type, Is.EqualTo("pong"), "nothing of the old life follows");
        }
    }

    [Test]
    public async Task Counts_are_those_of_all_nodes()
    {
        var topic = await TopicAsync();
        using var own = await SubscribedAsync(A, topic);
        using var other = await SubscribedAsync(B, topic);
        using var another = await SubscribedAsync(B, topic);
        await A.PublishAsync(topic, "1", "2");
        await B.PublishAsync(topic, "3");

        foreach (var door in _cluster.Doors)
        {
            Assert.That(await door.CountAsync(topic), Is.EqualTo((3, 3)));
            Assert.That(Subscribers((await door.GetAsync($"/v1/topics/{topic}")).Body), Is.EqualTo(3));
            var listed = (await door.GetAsync("/v1/topics")).Body.GetProperty("topics").EnumerateArray();
            Assert.That(Subscribers(listed.Single(one => one.GetProperty("name").GetString() == topic)), Is.EqualTo(3));
            Assert.That((await door.GetAsync("/v1/health")).Body.GetProperty("subscribers").GetInt32(), Is.GreaterThanOrEqualTo(3));
        }

        await UntilAsync(other, "3");
        Assert.That((await other.AskAsync(Line.Unsubscribe(topic))).Short, Is.EqualTo("ack unsubscribe"));
        another.Dispose();

        await Eventually.IsAsync(() => A.CountAsync(topic), Is.EqualTo((1, 3)));
        await Eventually.IsAsync(() => B.CountAsync(topic), Is.EqualTo((1, 3)));

        static int Subscribers(System.Text.Json.JsonElement topic) => topic.GetProperty("subscribers").GetInt32();
    }

    [Test]
    public async Task Nothing_comes_behind_the_ack_of_an_unsubscribe()
    {
        var topic = await TopicAsync();
        using var leaver = await SubscribedAsync(B, topic);
        using var witness = await SubscribedAsync(B, topic);

        await leaver.AskAsync(Line.Unsubscribe(topic));
        await A.PublishAsync(topic, "m");

        Assert.That((await witness.HearAsync()).Id, Is.EqualTo("m"), "so the node has it");
        Assert.That((await leaver.AskAsync(Line.Ping)).Type, Is.EqualTo("pong"));
        Assert.That((await leaver.AskAsync(Line.Subscribe(topic))).Type, Is.EqualTo("ack"), "it may come back");
    }

    [Test]
    public async Task All_of_a_batch_are_neighbours()
    {
        const int batches = 20, size = 50;
        var topic = await TopicAsync();
        using var subscriber = await SubscribedAsync(B, topic);

        await Task.WhenAll(Enumerable.Range(0, batches).Select(batch =>
            _cluster.Doors[batch % 2].PublishAsync(topic, [.. Enumerable.Range(0, size).Select(place => $"{batch}.{place}")])));
        var seen = (await subscriber.HearAsync(batches * size)).Select(heard => heard.Id.Split('.')).ToList();

        Assert.That(
            seen.Chunk(size),
            Has.All.Matches<string[][]>(batch => batch!.Index().All(one =>
                one.Item[0] == batch![0][0] && one.Item[1] == one.Index.ToString(CultureInfo.InvariantCulture))));
        Assert.That(await A.ReadAsync(topic), Is.EqualTo(seen.Select(id => string.Join('.', id))));
    }

    [Test]
    public async Task A_stream_and_a_read_of_one_node_have_what_another_acked()
    {
        var topic = await TopicAsync();
        using var stream = await EventReader.OfAsync(B.Origin, topic, "");
        var ids = Frames.Texts(1, 30);
        foreach (var id in ids)
        {
            var (status, _) = await A.PublishAsync(topic, id);

            Assert.That(status, Is.EqualTo(200));
            Assert.That((await B.ReadAsync(topic))[^1], Is.EqualTo(id), "at once");
        }

        Assert.That(await stream.ShortAsync(until: 30), Is.EqualTo(string.Join(',', ids)));
        using var resumed = await EventReader.OfAsync(A.Origin, topic, "?last_n=7");
        Assert.That(await resumed.ShortAsync(until: 30), Is.EqualTo(string.Join(',', Frames.Texts(24, 7))));
    }

    [Test]
    public async Task A_pong_comes_behind_the_answers_and_the_events_of_earlier_publishes()
    {
        const int count = 100;
        var topic = await TopicAsync();
        using var line = await SubscribedAsync(B, topic);

        await line.SayAsync([.. Enumerable.Range(0, count).Select(number => Line.Publish(topic, $"{number}")), Line.Ping]);
        var heard = await line.HearAsync((2 * count) + 1);

        Assert.That(heard[^1].Type, Is.EqualTo("pong"));
        Assert.That(heard.Where(one => one.Type == "event").Select(one => one.Id), Is.EqualTo(Frames.Texts(0, count)));
        Assert.That(heard.Where(one => one.Type == "ack").Select(one => one.RequestId), Is.EqualTo(Frames.Texts(0, count)));
    }

    /// <summary>Publishes are under way while the requests behind them arrive.</summary>
    [Test]
    public async Task A_request_takes_effect_behind_the_earlier_publishes_of_its_connection()
    {
        const int count = 50;
        var (topic, other) = (await TopicAsync(), await TopicAsync());
        using var line = await B.ConnectAsync();

        await line.SayAsync(
        [
            .. Enumerable.Range(0, count).Select(number => Line.Publish(number % 2 == 0 ? topic : other, $"{number}")),
            Line.Publish("no-such-topic", "refused"),
            Line.Subscribe(topic, lastN: 1),
            Line.Publish(topic, "last"),
            Line.Unsubscribe(topic),
        ]);
        var heard = (await line.HearAsync(count + 6)).Select(one => one.Short).ToList();

        Assert.That(heard.Take(count), Is.EqualTo(Frames.Texts(0, count).Select(number => $"ack {number}")));
        Assert.That(heard[count..(count + 3)], Is.EqualTo(new[] { "TOPIC_NOT_FOUND", "ack subscribe", $"{count - 2}" }));
        Assert.That(heard[(count + 3)..(count + 5)], Is.EquivalentTo(new[] { "last", "ack last" }));
        Assert.That(heard[^1], Is.EqualTo("ack unsubscribe"));
    }

    [Test]
    public async Task A_client_goes_on_at_another_node()
    {
        var topic = await TopicAsync();
        using var first = await A.ConnectAsync();
        var ack = await first.AskAsync(Line.Subscribe(topic));
        await B.PublishAsync(topic, "1", "2");
        var seen = await first.HearAsync();
        first.Dispose();
        await A.PublishAsync(topic, "3");

        using var second = await B.ConnectAsync();
        await second.SayAsync(Line.Resume(topic, seen.Timestamp, ack.Epoch));
        var heard = await second.HearAsync(3);

        Assert.That((heard[0].Epoch, heard[0].IsTorn), Is.EqualTo((ack.Epoch, false)));
        Assert.That(heard[1..].Select(one => one.Id), Is.EqualTo(new[] { "2", "3" }));
    }

    [Test]
    public async Task The_bounds_on_topics_and_messages_are_those_of_all_nodes()
    {
        await using var small = await Cluster.StartAsync(store, ("MAX_TOPICS", "3"), ("MAX_MESSAGES", "3"));
        foreach (var (door, topic) in new[] { (small.A, "a"), (small.B, "b"), (small.A, "c") })
        {
            Assert.That((await door.CreateAsync(topic)).Status, Is.EqualTo(201));
        }

        foreach (var door in small.Doors)
        {
            var (status, body) = await door.CreateAsync("d");
            Assert.That((status, body.GetProperty("code").GetString()), Is.EqualTo((507, "LIMIT_EXCEEDED")));
            Assert.That(body.GetProperty("detail").GetString(), Does.Contain("MAX_TOPICS"));
        }

        await small.A.DeleteAsync("c");
        Assert.That((await small.B.CreateAsync("d")).Status, Is.EqualTo(201));

        var (since, epoch) = await PositionAsync("a", small.A);
        await small.A.PublishAsync("a", "1", "2");
        await small.B.PublishAsync("a", "3", "4");
        await small.A.PublishAsync("a", "5");

        foreach (var door in small.Doors)
        {
            using var line = await door.ConnectAsync();
            await line.SayAsync(Line.Resume("a", since, epoch));
            var heard = await line.HearAsync(4);

            Assert.That(await door.ReadAsync("a"), Is.EqualTo(new[] { "3", "4", "5" }));
            Assert.That(heard[0].IsTorn, Is.True);
            Assert.That(heard[1..].Select(one => one.Id), Is.EqualTo(new[] { "3", "4", "5" }));
            Assert.That((await door.CountAsync("a"))?.Messages, Is.EqualTo(5), "all that were ever published");
        }
    }

    [Test]
    public async Task Every_node_is_alive_and_ready()
    {
        foreach (var door in _cluster.Doors)
        {
            Assert.That((await door.StatusAsync("/livez"), await door.StatusAsync("/readyz")), Is.EqualTo((200, 200)));
        }
    }

    private static async Task<Line> SubscribedAsync(Door door, string topic)
    {
        var line = await door.ConnectAsync();
        Assert.That((await line.AskAsync(Line.Subscribe(topic))).Type, Is.EqualTo("ack"));
        return line;
    }

    /// <summary>Receives messages up to the event with this id.</summary>
    private static async Task<List<Heard>> UntilAsync(Line line, string id)
    {
        var heard = new List<Heard>();
        do
        {
            heard.Add(await line.HearAsync());
        }
        while (heard[^1].Short != id);

        return heard;
    }

    /// <summary>The newest position of a topic.</summary>
    private async Task<(string Since, string Epoch)> PositionAsync(string topic, Door? door = null)
    {
        using var line = await (door ?? A).ConnectAsync();
        var ack = await line.AskAsync(Line.Subscribe(topic));
        return (ack.Timestamp, ack.Epoch);
    }

    /// <summary>A new topic.</summary>
    private async Task<string> TopicAsync(HistoryRecorder? history = null)
    {
        var topic = $"topic-{Interlocked.Increment(ref _topics)}";
        var creation = history?.Create(topic);
        Assert.That((await A.CreateAsync(topic)).Status, Is.EqualTo(201));
        creation?.Acked();
        return topic;
    }

    private static async Task<IEnumerable<string?>> ListedAsync(Door door) =>
        (await door.GetAsync("/v1/topics")).Body.GetProperty("topics").EnumerateArray().Select(one => one.GetProperty("name").GetString());
}
