using System.Collections.Concurrent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.Concurrency;

public sealed class ConcurrencyTests
{
    private const string End = "end";

    [Test]
    public void A_subscriber_that_joins_amid_publishes_receives_a_window_of_one_order([Values] bool eager)
    {
        const int publishers = 3, subscribers = 30, each = 800, retained = 64;
        var seed = Seed();
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 100_000, MaxQueueBytes: int.MaxValue, MaxMessages: retained));
        var (topic, witness) = (Create(broker, "topic"), broker.Admit());
        topic.Subscribe(witness);
        var moments = Enumerable.Range(0, subscribers).Select(place => each * publishers * place / (subscribers + 5)).ToArray();
        var joins = moments.Select(_ => new ManualResetEventSlim()).ToArray();
        var joined = moments.Select(_ => new ManualResetEventSlim()).ToArray();
        var windows = new List<string>[subscribers];
        var published = 0;

        void Publish(int publisher)
        {
            var (random, wakes) = (new Random(seed + publisher), new Wakes());
            for (var number = 0; number < each; number++)
            {
                topic.Publish(Frames.Of($"{publisher} {number}"), wakes);
                var total = Interlocked.Increment(ref published);
                if (Array.BinarySearch(moments, total - 1) is var place and >= 0)
                {
                    // The subscribe races with later publishes, but the publishers do not finish before the first subscribers have joined.
                    joins[place].Set();
                    Require(joined[Math.Max(0, place - 2)].Wait(Threads.Patience), "a subscribe ends while others publish");
                }

                if (random.Next(4) == 0)
                {
                    wakes.Release();
                }
            }

            wakes.Release();
            if (Volatile.Read(ref published) == publishers * each && Interlocked.Exchange(ref published, -1) > 0)
            {
                topic.TryPublish(Frames.Of(End));
            }
        }

        void Read(int place)
        {
            var (random, subscriber, wakes) = (new Random(seed - place), broker.Admit(eager), new Wakes());
            joins[place].Wait(Threads.Patience);
            topic.Subscribe(subscriber, lastN: retained, Frames.Of("ack"), wakes);
            wakes.Release();
            joined[place].Set();
            windows[place] = subscriber.ReadUntil(End, random);
        }

        Threads.Together(
        [
            .. Enumerable.Range(0, publishers).Select(publisher => (Action)(() => Publish(publisher))),
            .. Enumerable.Range(0, subscribers).Select(place => (Action)(() => Read(place))),
        ]);
        var order = witness.TakeAll();
        Array.ForEach([.. joins, .. joined], signal => signal.Dispose());

        Assert.That(order, Has.Length.EqualTo((publishers * each) + 1));
        for (var publisher = 0; publisher < publishers; publisher++)
        {
            var own = $"{publisher} ";
            Assert.That(
                order.Where(text => text.StartsWith(own, StringComparison.Ordinal)),
                Is.EqualTo(Enumerable.Range(0, each).Select(number => $"{publisher} {number}")),
                "each publisher's messages once, in its order");
        }

        foreach (var window in windows)
        {
            Assert.That(window[0], Is.EqualTo("ack"));
            Assert.That(window.Skip(1), Is.EqualTo(order.TakeLast(window.Count - 1)), "no gap, no duplicate, one order");
        }

        Assert.That(
            windows.Count(window => window.Count > retained + 2 && window.Count < order.Length),
            Is.GreaterThan(5),
            "many must have joined in the middle of it");
    }

    [Test]
    public void No_event_of_a_topic_follows_the_notice_of_its_deletion([Values] bool disconnect)
    {
        const int rounds = 25;
        _ = Seed();
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 1_000_000, MaxQueueBytes: int.MaxValue, MaxTopics: 2));
        var generations = new ConcurrentDictionary<Topic, int>();
        var (lives, acks, events, over) = (0, 0, 0, false);
        broker.Create("topic");

        string Generation(Topic topic) => Frames.Text(generations.GetOrAdd(topic, _ => Interlocked.Increment(ref lives)));

        void Publish()
        {
            while (!Volatile.Read(ref over))
            {
                if (broker.Find("topic") is { } topic)
                {
                    topic.TryPublish(Frames.Of(Generation(topic)));
                }
            }
        }

        void DeleteAndCreate()
        {
            for (var round = 0; round < rounds; round++)
            {
                // A deletion only races if the topic has a subscriber and messages.
                var topic = broker.Find("topic")!;
                SpinWait.SpinUntil(() => topic.Count() is { Subscribers: > 0, Messages: > 2 }, Threads.Patience);
                Require(broker.TryDelete("topic", Frames.Of("notice"), disconnect), "the topic was there to be deleted");
                Require(broker.Create("topic") == CreateResult.Created, "the name was free again");
            }

            Volatile.Write(ref over, true);
            broker.TryDelete("topic", Frames.Of("notice"), disconnect);
        }

        void Subscribe()
        {
            var (subscriber, current, wakes) = (broker.Admit(), "", new Wakes());
            while (!Volatile.Read(ref over))
            {
                if (broker.Find("topic") is { } topic)
                {
                    topic.Subscribe(subscriber, lastN: 3, Frames.Of($"ack {Generation(topic)}"), wakes);
                    wakes.Release();
                }

                (subscriber, current) = Check(subscriber, current);
            }

            // After the last deletion the subscriber gets the notice, or finds no topic.
            SpinWait.SpinUntil(() => broker.Find("topic") is null, Threads.Patience);
            (_, current) = Check(subscriber, current);
            Require(current.Length == 0, "every subscription was ended by a notice");
        }

        (Subscriber Subscriber, string Current) Check(Subscriber subscriber, string current)
        {
            var closed = subscriber.Closed;
            foreach (var text in subscriber.TakeAll())
            {
                if (text.StartsWith("ack ", StringComparison.Ordinal))
                {
                    Require(current.Length == 0 || current == text[4..], "subscribed to the next topic only when the last had ended");
                    current = text[4..];
                    Interlocked.Increment(ref acks);
                }
                else if (text == "notice")
                {
                    Require(current.Length > 0, "a notice only for a subscription");
                    current = "";
                }
                else
                {
                    Require(current == text, $"an event of {text} while subscribed to '{current}'");
                    Interlocked.Increment(ref events);
                }
            }

            if (closed == CloseReason.None)
            {
                return (subscriber, current);
            }

            Require(disconnect && closed == CloseReason.TopicDeleted && current.Length == 0, "closed by the deletion, behind its notice");
            return (broker.Admit(), "");
        }

        Threads.Together(Publish, Publish, Subscribe, Subscribe, Subscribe, DeleteAndCreate);

        Assert.That(lives, Is.GreaterThanOrEqualTo(rounds));
        Assert.That(acks, Is.GreaterThanOrEqualTo(rounds));
        Assert.That(events, Is.GreaterThan(rounds));
    }

    [Test]
    public void Slow_consumers_do_not_affect_fast_ones()
    {
        const int bound = 50, burst = 20, bursts = 40, publishers = 2, fast = 4, slow = 4;
        var seed = Seed();
        var broker = new Broker(new BrokerLimits(MaxQueueSize: bound));
        var topic = Create(broker, "topic");
        var slowOnes = Enumerable.Range(0, slow).Select(_ => broker.Admit()).ToList();
        var fastOnes = Enumerable.Range(0, fast).Select(_ => broker.Admit()).ToList();
        foreach (var (slowOne, fastOne) in slowOnes.Zip(fastOnes))
        {
            topic.Subscribe(slowOne);
            topic.Subscribe(fastOne);
        }

        var received = new int[fast];
        var reads = Enumerable.Range(0, fast).Select(_ => new List<string>()).ToArray();
        using var phase = new Barrier(publishers);

        void Publish(int publisher)
        {
            for (var number = 0; number < bursts * burst; number++)
            {
                topic.TryPublish(Frames.Of($"{publisher} {number}"));
                if ((number + 1) % burst == 0)
                {
                    // At most two bursts are outstanding for a fast subscriber, which is less than the bound.
                    var expected = (number + 1) * publishers;
                    Require(phase.SignalAndWait(Threads.Patience), "the other publisher came as far");
                    Require(
                        SpinWait.SpinUntil(() => Array.TrueForAll(received, count => count >= expected), Threads.Patience),
                        "the fast ones received everything so far");
                }
            }
        }

        void Read(int place)
        {
            var random = new Random(seed + place);
            while (reads[place].Count < bursts * burst * publishers && fastOnes[place].Wait())
            {
                reads[place].AddRange(fastOnes[place].Take(random.Next(1, 100)).Texts());
                fastOnes[place].Release();
                Volatile.Write(ref received[place], reads[place].Count);
            }
        }

        Threads.Together(
        [
            .. Enumerable.Range(0, publishers).Select(publisher => (Action)(() => Publish(publisher))),
            .. Enumerable.Range(0, fast).Select(place => (Action)(() => Read(place))),
        ]);

        Assert.That(reads, Is.All.EqualTo(reads[0]), "one order");
        Assert.That(reads[0].Distinct().Count(), Is.EqualTo(bursts * burst * publishers));
        Assert.That(fastOnes.ConvertAll(one => one.Closed), Is.All.EqualTo(CloseReason.None));
        Assert.That(slowOnes.ConvertAll(one => one.Closed), Is.All.EqualTo(CloseReason.SlowConsumer));
        Assert.That(topic.Count().Subscribers, Is.EqualTo(fast));
    }

    [Test]
    public void A_subscriber_closed_while_it_joins_and_leaves_ends_in_no_topic()
    {
        var seed = Seed();
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 20));
        Topic[] topics = [Create(broker, "a"), Create(broker, "b"), Create(broker, "c")];

        for (var round = 0; round < 60; round++)
        {
            var subscriber = broker.Admit();
            var random = new Random(seed + round);
            var (turns, pause) = (random.Next(1, 60), random.Next(200));

            Threads.Together(
                () =>
                {
                    var (choose, wakes) = (new Random(seed), new Wakes());
                    for (var turn = 0; turn < turns; turn++)
                    {
                        var topic = topics[choose.Next(topics.Length)];
                        if (choose.Next(3) > 0)
                        {
                            topic.Subscribe(subscriber, lastN: 2, ack: null, wakes);
                        }
                        else
                        {
                            topic.TryUnsubscribe(subscriber, ack: null, wakes);
                        }

                        wakes.Release();
                    }
                },
                () => Array.ForEach(topics, topic => topic.TryPublish(Frames.Of("event"))),
                () =>
                {
                    Thread.SpinWait(pause);
                    subscriber.Close(CloseReason.Left);
                });

            Assert.That(topics.Select(topic => topic.Count().Subscribers), Is.All.Zero);
        }
    }

    [Test]
    public void A_requester_that_waits_for_room_is_always_woken()
    {
        const int replies = 2_000;
        var seed = Seed();
        var subscriber = new Broker(new BrokerLimits(MaxReplies: 3)).Admit();
        var read = new List<string>();

        Threads.Together(
            () =>
            {
                var wakes = new Wakes();
                for (var number = 0; number < replies; number++)
                {
                    subscriber.Reply(Frames.Of(number), wakes);
                    wakes.Release();
                    subscriber.WaitForRoomAsync().AsTask().WaitAsync(Threads.Patience).GetAwaiter().GetResult();
                }

                subscriber.Close(CloseReason.Left);
            },
            () => read = subscriber.ReadUntil(Frames.Text(replies - 1), new Random(seed)));

        Assert.That(read, Is.EqualTo(Frames.Texts(0, replies)));
    }

    [Test]
    public void Of_concurrent_creates_of_one_name_exactly_one_creates()
    {
        var broker = new Broker(new BrokerLimits());
        const int rounds = 300;
        var created = new int[rounds];

        Threads.Together([.. Enumerable.Repeat(
            () =>
            {
                for (var round = 0; round < rounds; round++)
                {
                    if (broker.Create(Frames.Text(round)) == CreateResult.Created)
                    {
                        Interlocked.Increment(ref created[round]);
                    }
                }
            },
            6)]);

        Assert.That(created, Is.All.EqualTo(1));
        Assert.That(broker.List(), Has.Count.EqualTo(rounds));
    }

    [Test]
    public void Of_concurrent_deletes_of_one_topic_exactly_one_deletes()
    {
        const int rounds = 300;
        var broker = new Broker(new BrokerLimits(MaxTopics: rounds));
        foreach (var name in Frames.Texts(0, rounds))
        {
            broker.Create(name);
        }

        var deleted = new int[rounds];

        Threads.Together([.. Enumerable.Repeat(
            () =>
            {
                for (var round = 0; round < rounds; round++)
                {
                    if (broker.TryDelete(Frames.Text(round), Frames.Of("notice"), disconnect: true))
                    {
                        Interlocked.Increment(ref deleted[round]);
                    }
                }
            },
            6)]);
        var room = Frames.Texts(0, rounds + 1).Select(name => broker.Create(name)).ToList();

        Assert.That(deleted, Is.All.EqualTo(1));
        Assert.That(room.Count(creating => creating == CreateResult.Created), Is.EqualTo(rounds));
        Assert.That(room[^1], Is.EqualTo(CreateResult.LimitReached));
    }

    [Test]
    public void Concurrent_creates_never_exceed_the_limit()
    {
        var broker = new Broker(new BrokerLimits(MaxTopics: 50));
        var created = 0;

        Threads.Together([.. Enumerable.Range(0, 4).Select(thread => (Action)(() =>
        {
            for (var round = 0; round < 100; round++)
            {
                if (broker.Create($"{thread}/{round}") == CreateResult.Created)
                {
                    Interlocked.Increment(ref created);
                }
            }
        }))]);

        Assert.That((created, broker.List().Count), Is.EqualTo((50, 50)));
    }

    [Test]
    public void A_name_is_free_as_soon_as_its_topic_is_deleted([Values(1, 2)] int maxTopics)
    {
        var broker = new Broker(new BrokerLimits(MaxTopics: maxTopics));
        broker.Create("topic");
        const int rounds = 500;
        var (creating, over) = (new List<CreateResult>(), false);

        Threads.Together(
            () =>
            {
                var (deleted, patience) = (0, new CancellationTokenSource(Threads.Patience));
                while (deleted < rounds && !patience.IsCancellationRequested)
                {
                    deleted += broker.TryDelete("topic", Frames.Of("notice"), disconnect: true) ? 1 : 0;
                }

                Volatile.Write(ref over, true);
                patience.Dispose();
            },
            () =>
            {
                while (!Volatile.Read(ref over))
                {
                    var topic = broker.Find("topic");
                    while (topic?.TryPublish(Frames.Of("event")) == true && !Volatile.Read(ref over))
                    {
                    }

                    if (!Volatile.Read(ref over))
                    {
                        creating.Add(broker.Create("topic"));
                    }
                }
            });

        Assert.That(creating, Is.All.EqualTo(CreateResult.Created), "no other thread creates, and the last topic has been deleted");
        Assert.That(1 + creating.Count, Is.EqualTo(rounds + broker.List().Count), "every topic created is deleted or still exists");
    }

    private static int Seed()
    {
        var seed = Random.Shared.Next(1, 1_000_000);
        TestContext.Out.WriteLine($"seed {seed}");
        return seed;
    }

    private static void Require(bool holds, string law)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"violated: {law}");
        }
    }
}
