using static PubSub.Interleavings.Harness.Steps;

namespace PubSub.Interleavings.Harness;

/// <summary>Random programs of all verbs, with bounds so small that each is reached.</summary>
internal static class RandomPrograms
{
    private static readonly string[] Topics = ["a", "b"];

    public static Program Of(int seed)
    {
        var random = new Random(seed);
        var subscribers = random.Next(1, 4);
        var program = new Program($"random program {seed}")
        {
            Subscribers = subscribers,
            Eager = random.Next(2) == 0,
            Limits = new BrokerLimits(
                MaxQueueSize: random.Next(1, 4),
                MaxMessages: random.Next(1, 5),
                MaxTopics: random.Next(1, 3),
                MaxSubscriptions: random.Next(1, 3),
                MaxReplies: random.Next(1, 4)),
        };
        program.First([.. Enumerable.Range(0, random.Next(1, 5)).Select(place => place == 0 ? Create("a") : Any(random, subscribers))]);

        // A subscriber may have one reader and one requester that waits; any fiber may take the other steps.
        var fibers = random.Next(2, 5);
        for (var fiber = 0; fiber < fibers; fiber++)
        {
            var (steps, own) = (random.Next(2, 5), fiber);
            var reads = fiber < subscribers && random.Next(3) == 0;
            program.And([.. Enumerable.Range(0, steps).Select(_ => reads ? ReadSome(random, own)
                : own < subscribers && random.Next(10) == 0 ? Room(own)
                : Any(random, subscribers))]);
        }

        return program.Ended();
    }

    private static Step ReadSome(Random random, int subscriber) =>
        random.Next(8) == 0 ? Keep(subscriber, random.Next(1, 3)) : Read(subscriber, random.Next(2) == 0 ? Everything : random.Next(1, 3));

    private static Step Any(Random random, int subscribers)
    {
        var (topic, subscriber, later) = (Topics[random.Next(3) / 2], random.Next(subscribers), random.Next(4) == 0);
        return random.Next(24) switch
        {
            < 6 => Publish(topic, later),
            < 7 => PublishAll(topic, random.Next(1, 4), later),
            < 12 => Subscribe(topic, subscriber, random.Next(2) == 0 ? Everything : random.Next(3), later),
            < 14 => Unsubscribe(topic, subscriber),
            < 15 => Delete(topic, random.Next(2) == 0),
            < 17 => Create(topic),
            < 18 => Close(subscriber),
            < 20 => Reply(subscriber, later),
            < 23 => Resume(topic, subscriber, since: random.Next(10)),
            _ => SetBack(),
        };
    }
}
