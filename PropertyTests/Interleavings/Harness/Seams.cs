using static PubSub.Interleavings.Harness.Steps;

namespace PubSub.Interleavings.Harness;

/// <summary>Programs about races between two or more verbs.</summary>
internal static class Seams
{
    private static readonly BrokerLimits Roomy = new(MaxQueueSize: 20);

    public static IEnumerable<Program> All => [.. Written().Select(program => program.Ended())];

    public static Program Named(string name) => All.Single(program => program.Name == name);

    private static IEnumerable<Program> Written()
    {
        yield return new Program("a subscribe among publishes") { Limits = Roomy }
            .First(Create("a"), Publish("a"))
            .And(Publish("a"), Publish("a"))
            .And(Subscribe("a", 0, Everything));

        yield return new Program("two publishers and two subscribers") { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Subscribe("a", 0))
            .And(Publish("a"))
            .And(Publish("a"))
            .And(Subscribe("a", 1, lastN: 1));

        yield return new Program("two subscribers of two publishers") { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Subscribe("a", 0), Subscribe("a", 1))
            .And(Publish("a"))
            .And(Publish("a"));

        yield return new Program("a small ring that turns while a client subscribes twice") { Limits = Roomy with { MaxMessages = 2 } }
            .First(Create("a"), Publish("a"), Publish("a"))
            .And(Publish("a"), Publish("a"))
            .And(Subscribe("a", 0, Everything), Unsubscribe("a"), Subscribe("a", 0, lastN: 1));

        yield return new Program("a resume among publishes") { Limits = Roomy }
            .First(Create("a"), Publish("a"), Publish("a"))
            .And(Publish("a"), Publish("a"))
            .And(Resume("a", 0, since: 1));

        yield return new Program("a resume among publishes to a small ring") { Limits = Roomy with { MaxMessages = 2 } }
            .First(Create("a"), Publish("a"), Publish("a"))
            .And(Publish("a"), Publish("a"))
            .And(Resume("a", 0, since: 1));

        yield return new Program("a resume of a subscriber that may be here already") { Limits = Roomy }
            .First(Create("a"), Publish("a"))
            .And(Subscribe("a"))
            .And(Publish("a"))
            .And(Resume("a", 0, since: 1));

        yield return new Program("a resume against a topic created again by a clock set back") { Limits = Roomy }
            .First(Create("a"), Publish("a"), Publish("a"))
            .And(SetBack(), Delete("a"), Create("a"), Publish("a"), Publish("a"))
            .And(Resume("a", 0, since: 1));

        yield return new Program("publishes and a subscribe by a clock set back") { Limits = Roomy }
            .First(Create("a"), Subscribe("a"), Publish("a"))
            .And(Publish("a"))
            .And(SetBack(), Publish("a"))
            .And(Subscribe("a"));

        yield return new Program("a batch among publishes") { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Subscribe("a", 0))
            .And(PublishAll("a", 2))
            .And(Publish("a"))
            .And(Subscribe("a", 1, Everything));

        yield return new Program("a batch against a resume from the middle of another") { Limits = Roomy with { MaxMessages = 3 } }
            .First(Create("a"), PublishAll("a", 2))
            .And(PublishAll("a", 2))
            .And(Publish("a"))
            .And(Resume("a", 0, since: 1));

        yield return new Program("a batch over the bound against a publish") { Limits = new BrokerLimits(MaxQueueSize: 1) }
            .First(Create("a"), Subscribe("a"))
            .And(PublishAll("a", 2))
            .And(Publish("a"))
            .And(Read());

        yield return new Program("an unsubscribe among publishes") { Limits = Roomy }
            .First(Create("a"), Subscribe("a"))
            .And(Publish("a"), Publish("a"))
            .And(Unsubscribe("a"))
            .And(Subscribe("a", 0, lastN: 1));

        yield return new Program("a delete against a subscribe and a publish") { Limits = Roomy }
            .First(Create("a"), Publish("a"))
            .And(Delete("a"))
            .And(Subscribe("a", 0, Everything))
            .And(Publish("a"));

        yield return new Program("a delete that disconnects, against a subscribe and a publish") { Limits = Roomy }
            .First(Create("a"), Create("b"), Subscribe("b"))
            .And(Delete("a", disconnect: true))
            .And(Subscribe("a"), Publish("b"))
            .And(Publish("a"));

        yield return new Program("a delete against the subscribers of two topics") { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Create("b"), Subscribe("a", 0), Subscribe("b", 0), Subscribe("a", 1))
            .And(Delete("a", disconnect: true), Publish("b"))
            .And(Delete("b", disconnect: true));

        yield return new Program("a topic created again while its deleter still forgets it") { Limits = new BrokerLimits(MaxTopics: 1) }
            .First(Create("a"))
            .And(Delete("a"))
            .And(Create("a"), Subscribe("a"), Delete("a"))
            .And(Create("a"));

        yield return new Program(
            "a topic created again while its deleter still forgets it, and then others")
        { Limits = new BrokerLimits(MaxTopics: 2) }
            .First(Create("a"))
            .And(Delete("a"))
            .And(Create("a"), Create("b"), Create("c"));

        yield return new Program(
            "a topic created again while the subscribers of the last are still told")
        { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Subscribe("a", 0), Subscribe("a", 1))
            .And(Delete("a"))
            .And(Create("a"), Subscribe("a", 0), Publish("a"))
            .And(Create("a"), Unsubscribe("a", 1));

        yield return new Program("a new topic subscribed to before the notice of the last deletion") { Limits = Roomy, Subscribers = 2 }
            .First(Create("a"), Subscribe("a", 0), Subscribe("a", 1))
            .And(Delete("a"))
            .And(Create("a"), Subscribe("a", 1), Publish("a"));

        yield return new Program("two creates of one name")
            .And(Create("a"), Subscribe("a"))
            .And(Create("a"), Publish("a"));

        yield return new Program("two creates and two deletes of one name") { Limits = new BrokerLimits(MaxTopics: 1) }
            .And(Create("a"), Delete("a"))
            .And(Create("a"), Delete("a"));

        yield return new Program("the last free place for a topic") { Limits = new BrokerLimits(MaxTopics: 2) }
            .First(Create("a"))
            .And(Create("b"))
            .And(Create("c"))
            .And(Delete("a"));

        yield return new Program("an overflow against a close and an unsubscribe") { Limits = new BrokerLimits(MaxQueueSize: 1) }
            .First(Create("a"), Subscribe("a"), Publish("a"))
            .And(Publish("a"))
            .And(Close())
            .And(Unsubscribe("a"));

        yield return new Program("an overflow in one topic against another") { Limits = new BrokerLimits(MaxQueueSize: 1), Subscribers = 2 }
            .First(Create("a"), Create("b"), Subscribe("a", 0), Subscribe("a", 1), Subscribe("b", 1), Subscribe("b", 0))
            .And(Publish("a"))
            .And(Publish("b"))
            .And(Read(0));

        yield return new Program("an overflow against a reader") { Limits = new BrokerLimits(MaxQueueSize: 1) }
            .First(Create("a"), Subscribe("a"), Publish("a"))
            .And(Publish("a"), Publish("a"))
            .And(Read(), Read());

        yield return new Program("a bound that two publishers reach at once") { Limits = new BrokerLimits(MaxQueueSize: 2) }
            .First(Create("a"), Create("b"), Subscribe("a"), Subscribe("b"), Publish("a"))
            .And(Publish("a"))
            .And(Publish("b"))
            .And(Keep(0, atMost: 1));

        yield return new Program("a close against a subscribe") { Limits = Roomy }
            .First(Create("a"), Create("b"), Subscribe("b"))
            .And(Close())
            .And(Subscribe("a", 0, Everything), Reply())
            .And(Publish("a"));

        yield return new Program("a close against an unsubscribe and a delete") { Limits = Roomy }
            .First(Create("a"), Create("b"), Subscribe("a"), Subscribe("b"))
            .And(Close())
            .And(Unsubscribe("b"))
            .And(Delete("a", disconnect: true));

        yield return new Program("a reader that one publisher wakes twice") { Limits = Roomy }
            .First(Create("a"), Subscribe("a"))
            .And(Read(), Read(), Read())
            .And(Publish("a"), Publish("a"));

        foreach (var eager in new[] { false, true })
        {
            var how = eager ? " eagerly" : "";
            yield return new Program($"a reader asleep{how} while two publishers note it") { Limits = Roomy, Eager = eager }
                .First(Create("a"), Subscribe("a"), Reply())
                .And(Read(), Read(), Read())
                .And(Publish("a", later: true), Publish("a"))
                .And(Publish("a", later: true), Reply());

            yield return new Program($"a reader{how} against a close") { Limits = Roomy, Eager = eager }
                .First(Create("a"))
                .And(Read(), Read())
                .And(Reply())
                .And(Close());

            yield return new Program($"a reader{how} against an overflow") { Limits = new BrokerLimits(MaxQueueSize: 1), Eager = eager }
                .First(Create("a"), Subscribe("a"))
                .And(Read(), Read(0, atMost: 1))
                .And(Publish("a", later: true), Publish("a"));
        }

        yield return new Program("a close against who waits for room") { Limits = new BrokerLimits(MaxReplies: 1) }
            .And(Reply(), Room())
            .And(Close())
            .And(Read());

        yield return new Program("two that reply to one who waits for room") { Limits = new BrokerLimits(MaxReplies: 2) }
            .First(Reply())
            .And(Reply(), Room())
            .And(Reply(), Reply())
            .And(Read());

        yield return new Program("room for one at a time") { Limits = new BrokerLimits(MaxReplies: 1) }
            .And(Reply(), Room(), Reply(), Room())
            .And(Read(0, atMost: 1), Read(0, atMost: 1))
            .And(Reply());

        yield return new Program("a replay that takes all room") { Limits = new BrokerLimits(MaxReplies: 2) }
            .First(Create("a"), Publish("a"), Publish("a"))
            .And(Subscribe("a", 0, Everything), Room(), Unsubscribe("a"))
            .And(Read(0, atMost: 1), Read())
            .And(Publish("a"));

        yield return new Program("more topics than one may subscribe to") { Limits = new BrokerLimits(MaxSubscriptions: 1) }
            .First(Create("a"), Create("b"))
            .And(Subscribe("a"), Unsubscribe("a"))
            .And(Subscribe("b"), Publish("b"));
    }
}
