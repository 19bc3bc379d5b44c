using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Publishing while the server has few or very many topics: whether the cost of finding a topic grows.</summary>
internal sealed class Topics : ScenarioVerb
{
    public const string Scenario = "topics";

    private const string Busy = "topics_published_to"; // parameter
    private const int MostTopics = 100_000;
    private const int Asked = 100; // topics whose replay is checked
    private const int CreatorTasks = 8;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly Option<int[]> _topics = OptionFactory.Wholes(
        "--topics", "Topics that exist.", [1, 10, 100, 1000, 10_000, MostTopics], 1, MostTopics);

    private readonly Option<int> _busy = OptionFactory.Whole(
        "--busy", "The number of topics to publish to, at most.", MostTopics, 1, MostTopics);
    private readonly Option<int> _seed = OptionFactory.Seed();
    private readonly LoadOptions _load;

    public Topics()
        : base(
            Scenario,
            "What does a publish cost with 1 … 100,000 topics?",
            "One connection publishes to random topics without subscribers, --outstanding unanswered at a time: the cost is that of\n" +
            "finding the topic and retaining the message. With --busy 1 the other topics only exist, which shows whether the server\n" +
            "searches for a topic; otherwise each publish goes to another topic, which adds the cost of cache misses. Afterwards the\n" +
            "server's counts must add up to the acknowledged messages, and the replay of a hundred topics must end with the last\n" +
            "messages sent to each, in order.",
            compares: false)
    {
        Add(_topics);
        Add(_busy);
        Add(_seed);
        _load = new LoadOptions(this);
    }

    /// <summary>The default limit has no room for the 100,000 topics of this scenario if any other topic exists.</summary>
    public static readonly (string Name, string Value)[] ManyTopics = [("MAX_TOPICS", "1000000")];

    protected override (string Name, string Value)[] Settings => ManyTopics;

    /// <param name="bench">The server, and the results.</param>
    /// <param name="topics">The number of topics that exist.</param>
    /// <param name="load">Payload, window and repetitions.</param>
    /// <param name="seed">The seed of all random choices.</param>
    /// <param name="busy">The number of topics to publish to, at most.</param>
    public static IReadOnlyList<Run> Measure(Bench bench, int topics, ClosedLoad load, int seed, int busy = MostTopics)
    {
        var server = bench.Lineup.First;
        var stem = $"topics-{Guid.NewGuid():N}-";
        Progress.Say($"{Scenario}: creating {topics:N0} topics");
        Each(topics, n => server.ChangeTopic(stem + Digits.Text(n), create: true));

        var parameters = load.Parameters;
        parameters[Names.Topics] = topics;
        parameters[Busy] = Math.Min(busy, topics);
        parameters[Names.Seed] = seed;
        var published = new Published((int)parameters[Busy]);
        var runs = bench.Repeat(
            new Load(
                Scenario,
                $"{topics:N0} topics, {published.Topics:N0} of them published to, {load.PayloadBytes} bytes, " +
                $"{load.Outstanding} outstanding, seed {seed}",
                parameters),
            load.Repetitions,
            run => Once(server, stem, published, load, new Random(seed + run)));

        Progress.Say($"{Scenario}: deleting {topics:N0} topics");
        Each(topics, n => server.ChangeTopic(stem + Digits.Text(n), create: false));
        return runs;
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        foreach (var topics in parsed.GetValue(_topics)!)
        {
            Measure(bench, topics, _load.Read(parsed), parsed.GetValue(_seed), parsed.GetValue(_busy));
        }
    }

    private static Measured Once(PubSubContender server, string stem, Published published, ClosedLoad load, Random random)
    {
        using var loop = new Loop();
        var publisher = server.Open(loop, load.PayloadBytes);
        publisher.PublishToNumbered(stem);
        Publish(load.Warmup);

        var count = published.Count;
        publisher.RoundTrips = new Latencies();
        var cpu = new CpuMeter(server.Cost);
        Publish(load.Window);
        cpu.Stop();
        count = published.Count - count;
        loop.Until(() => publisher.Unanswered == 0, AnswerTimeout, "for the last publishes to be answered");

        var counts = server.CountMessages().GetAwaiter().GetResult();
        var counted = counts.Where(topic => topic.Key.StartsWith(stem, StringComparison.Ordinal)).Sum(topic => topic.Value);
        if (counted != published.Count)
        {
            throw new RunFailed($"the server counts {counted} messages, but acknowledged {published.Count}");
        }

        var asked = Enumerable.Range(0, Math.Min(Asked, published.Topics)).Select(_ => random.Next(published.Topics)).Distinct();
        foreach (var topic in asked)
        {
            AskForReplay(server, loop, stem, topic, published, load.PayloadBytes);
        }

        var measured = new Measured()
            .Add(Names.Publishes, count / cpu.Window.TotalSeconds, "1/s", Measured.More)
            .Add(Names.CpuPerPublish, cpu.Server?.TotalMicroseconds / count, "µs", Measured.Less)
            .Add(Names.Resident, server.Cost?.Resident / 1e6, "MB")
            .Add(Names.AckLatency, publisher.RoundTrips);
        cpu.AddTo(measured);
        return measured;

        void Publish(TimeSpan length)
        {
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < length)
            {
                for (var room = load.Outstanding - publisher.Unanswered; room > 0; room--)
                {
                    var topic = random.Next(published.Topics);
                    publisher.Publish(topic, published.Next(topic));
                }

                publisher.Flush();
                loop.Turn(100);
            }
        }
    }

    private static void AskForReplay(PubSubContender server, Loop loop, string stem, int topic, Published published, int payloadBytes)
    {
        var retained = server.Retained ?? published.Last(topic);
        var inbox = new ReplayInbox(topic, published.Last(topic), retained);
        var connection = server.Open(loop, payloadBytes);
        connection.Inbox = inbox;
        connection.Subscribe(stem + Digits.Text(topic), Published.Remembered);
        connection.Ping();
        connection.Flush();
        loop.Until(() => connection.Unanswered == 0, AnswerTimeout, "for a replay");
        inbox.Check();
        connection.Dispose();
    }

    private static void Each(int count, Func<long, Task<bool>> act) => Parallel.ForAsync(
        0,
        count,
        new ParallelOptions { MaxDegreeOfParallelism = CreatorTasks },
        async (n, _) =>
        {
            if (!await act(n).ConfigureAwait(false))
            {
                throw new RunFailed($"topic {n} existed before its creation, or did not exist at its deletion");
            }
        }).GetAwaiter().GetResult();

    /// <summary>The number of messages published to each topic; within a topic they are numbered from 1.</summary>
    private sealed class Published(int topics)
    {
        /// <summary>The most messages that a replay asks for.</summary>
        public const int Remembered = 100;

        private readonly long[] _last = new long[topics];

        public int Topics => topics;

        public long Count { get; private set; }

        public long Next(int topic)
        {
            Count++;
            return ++_last[topic];
        }

        public long Last(int topic) => _last[topic];
    }

    /// <summary>Expects the last messages of a topic, without a gap: as many as are retained and asked for.</summary>
    private sealed class ReplayInbox(int topic, long last, long retained) : Inbox
    {
        private readonly long _owed = Math.Min(Math.Min(last, retained), Published.Remembered);

        public override void Take(long id)
        {
            var expected = last - _owed + ++Count;
            if (id != expected)
            {
                throw new RunFailed($"topic {topic} replayed message {id} where {expected} was due");
            }
        }

        public void Check()
        {
            if (Count != _owed)
            {
                throw new RunFailed($"topic {topic} replayed {Count} of {_owed} messages");
            }
        }
    }
}
