using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Subscribers join a busy topic with replay: whatever the moment, each sees a gapless window of the topic's one order.</summary>
internal static class JoinStorm
{
    public static readonly Verb Verb = new("join-storm", "is replay seamless while several publish and many join?", $"""
          --subscribers N       subscribers that join (60)
          --publishers N        connections that publish to the one topic (3)
          --seconds S           in which they join, at random times (3)
          --seed N              of those times (random, printed)
          --out FILE            write the results as JSON
        {PubSubContender.Help}
        """, Run);

    private const int LastN = 100;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private static bool Run(Arguments arguments)
    {
        var subscribers = arguments.Number("--subscribers", 60, 1, 10_000);
        var publishers = arguments.Number("--publishers", 3, 1, 9);
        var length = arguments.Seconds("--seconds", 3);
        var seed = arguments.Number("--seed", Random.Shared.Next(), 0, int.MaxValue);
        var output = arguments.Output("--out");
        using var pubsub = new PubSubContender(arguments, payloadBytes: 100);
        var setting = Setting.Of($"{pubsub.Name}: {pubsub.Version}");
        setting.Print();
        Console.WriteLine($"seed       {seed}");

        var topic = $"join-storm-{Guid.NewGuid():N}";
        pubsub.CreateTopic(topic);
        using var loop = new Loop();
        var crowd = new Crowd(loop, pubsub, topic, publishers);
        var witness = crowd.Join(LastN);
        loop.Until(() => witness.IsAnswered, AnswerTimeout, "for the witness's subscribe to be answered");
        var joined = Storm(loop, crowd, subscribers, length, new Random(seed));

        if (witness.Received.Count != crowd.Published)
        {
            throw new RunFailed($"the witness received {witness.Received.Count} of {crowd.Published} messages");
        }

        var windows = joined.Select((joiner, i) => joiner.Compare(witness, LastN, $"subscriber {i + 1}")).ToArray();
        var report = new JoinStormReport(setting, seed, subscribers, publishers, witness.Received.Count, windows.Min(), windows.Max());
        pubsub.DeleteTopic(topic);
        Console.WriteLine(report);
        Results.Write(output, report);
        return true;
    }

    private static List<Joiner> Storm(Loop loop, Crowd crowd, int subscribers, TimeSpan length, Random random)
    {
        var times = Enumerable.Range(0, subscribers).Select(_ => random.NextDouble() * length).Order().ToArray();
        var joined = new List<Joiner>();
        var start = Stopwatch.GetTimestamp();
        for (var now = TimeSpan.Zero; now < length || joined.Count < subscribers; now = Stopwatch.GetElapsedTime(start))
        {
            while (joined.Count < subscribers && now >= times[joined.Count])
            {
                joined.Add(crowd.Join(LastN));
            }

            crowd.Publish();
            loop.Turn(1);
        }

        // Publishing goes on behind the last join, so that each joiner has something to wait for.
        loop.Until(
            () =>
            {
                crowd.Publish();
                return joined.TrueForAll(j => j.HeardEveryPublisher);
            },
            AnswerTimeout,
            "for every subscriber to hear of every publisher");
        loop.Until(() => crowd.IsDrained, AnswerTimeout, "for the last events of every subscriber");
        return joined;
    }
}
