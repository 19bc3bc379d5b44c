using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Deletion
{
    private const int Contenders = 8;
    private const int Rounds = 150;

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-DEL-001", "ends-every-subscription", async stage =>
        {
            var topic = await stage.TopicAsync();
            var elsewhere = await stage.TopicAsync("elsewhere");
            var alice = await stage.SubscriberAsync("alice", topic);
            var bob = await stage.SubscriberAsync("bob", topic);
            await bob.SubscribeAsync(elsewhere).Acked();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            await alice.EventsUntilAsync("before").Given("alice is subscribed");
            await bob.EventsUntilAsync("before").Given("bob is subscribed");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);
            await publisher.PublishAsync(topic, "after").Acked();

            stage.Expect.Sequence([], await EventsOfTheNewTopicAsync(alice, publisher, topic), "A subscription ends with its topic");
            stage.Expect.Sequence([], await EventsOfTheNewTopicAsync(bob, publisher, topic),
                "A subscription among others ends with its topic");
        }),

        new("PS-DEL-002", "notice", async stage =>
        {
            var topic = await stage.TopicAsync();
            Client[] subscribers = [await stage.SubscriberAsync("alice", topic), await stage.SubscriberAsync("bob", topic)];

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            foreach (var subscriber in subscribers)
            {
                var notice = await subscriber.NextAsync(
                    message => message.IsInfo && message.Topic == topic, "the notice that names the topic");
                stage.Expect.True(notice.IsDeletion, "The notice says topic_deleted", notice.Raw);
                stage.Expect.True(notice.IsDated, "The notice has a timestamp", notice.Raw);
            }
        }),

        new("PS-DEL-002", "notice-behind-the-events", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic, options: new ConnectOptions { ReceiveBuffer = 64 * 1024 });
            var publisher = await stage.ConnectAsync("publisher");
            var size = Math.Min(stage.Limits.MessageBytes / 2, stage.Limits.QueueBytes / stage.Limits.QueueSize / 2);
            var payload = Json.Quote(new string('x', size));
            var sent = Ids(stage.Limits.QueueSize / 2);
            subscriber.StopReading();
            await publisher.PublishAllAsync(topic, sent, payload);

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            subscriber.ResumeReading();

            await subscriber.NextAsync(message => IsNoticeOf(message, topic), "the notice");
            var ahead = subscriber.Received.TakeWhile(message => !IsNoticeOf(message, topic)).Events();
            stage.Expect.Sequence(sent, ahead.Ids(), "The notice comes after the events already queued");
            stage.Expect.True(IsNotice(subscriber.Received.Last(message => message.Topic == topic)),
                "Nothing of the topic comes after the notice");
        }),

        new("PS-DEL-002", "notice-names-its-topic", async stage =>
        {
            var kept = await stage.TopicAsync("kept");
            var doomed = $"{stage.FreshName("doomed")}/\"\u00fc\"";
            await stage.CreateAsync(doomed);
            var subscriber = await stage.SubscriberAsync("subscriber", kept);
            await subscriber.SubscribeAsync(doomed).Acked();

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();

            stage.Expect.Equal(
                doomed,
                (await subscriber.NextAsync(
                    message => IsNotice(message) && message.Topic?.StartsWith(doomed[..^4], StringComparison.Ordinal) != false,
                    "the notice")).Topic,
                "The notice names the topic that was deleted");
        }),

        new("PS-DEL-003", "closes-with-1000", async stage =>
        {
            var topic = await stage.TopicAsync();
            Client[] subscribers = [await stage.SubscriberAsync("alice", topic), await stage.SubscriberAsync("bob", topic)];

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            foreach (var subscriber in subscribers)
            {
                stage.Expect.Equal(1000, (await subscriber.ClosedAsync()).Code, "Each subscriber is closed with 1000");
            }
        }),

        new("PS-DEL-003", "closes-with-other-subscriptions", async stage =>
        {
            var kept = await stage.TopicAsync("kept");
            var doomed = await stage.TopicAsync("doomed");
            var subscriber = await stage.SubscriberAsync("subscriber", kept);
            await subscriber.SubscribeAsync(doomed).Acked();

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();

            stage.Expect.Equal(1000, (await subscriber.ClosedAsync()).Code,
                "A subscriber with other subscriptions is closed too, with 1000");
        }),

        new("PS-DEL-003", "closes-the-connection-that-does-not-answer", async stage =>
        {
            var topic = await stage.TopicAsync();
            var silent = await stage.RawAsync("silent");
            await silent.SendAsync(Request.Subscribe(topic, stage.FreshClientId("silent")));
            await silent.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            var frame = await silent.ReadFrameAsync();
            while (frame is { Opcode: not Opcode.Close })
            {
                frame = await silent.ReadFrameAsync();
            }

            stage.Expect.Equal(1000, frame?.CloseCode, "A subscriber that will not answer is sent a close frame with 1000");
        }),

        new("PS-DEL-004", "no-retained-messages", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);
            await (await stage.SubscriberAsync("control", topic, lastN: 3)).EventsUntilAsync("m3").Given("the messages are retained");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);
            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: Math.Min(100, stage.Limits.Ring));

            await newcomer.ReceivesNothingAsync(publisher, topic, "A topic created again retains nothing of its namesake");
        }),

        new("PS-DEL-004", "no-subscribers", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.SubscriberAsync("alice", topic);
            await stage.SubscriberAsync("bob", topic);
            stage.Require(await SubscribersAsync(stage, topic) == 2, "both are counted", "PS-OBS-009");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);

            stage.Expect.Equal(0, await SubscribersAsync(stage, topic), "A topic created again has no subscribers");
        }),

        new("PS-DEL-004", "old-subscriber-still-connected", async stage =>
        {
            var topic = await stage.TopicAsync();
            var old = await stage.SubscriberAsync("old", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            await old.EventsUntilAsync("before").Given("the old subscriber is subscribed");
            old.StopReading();

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);
            var young = await stage.SubscriberAsync("young", topic);
            await publisher.PublishAsync(topic, "after").Acked();
            await young.EventsUntilAsync("after").Given("a new subscriber receives it");
            stage.Expect.Equal(1, await SubscribersAsync(stage, topic), "Only the new subscriber is counted");
            old.ResumeReading();

            stage.Expect.Sequence([], await EventsOfTheNewTopicAsync(old, publisher, topic),
                "The old subscriber, still connected, receives nothing of the new topic");
        })
        { Also = ["PS-DEL-001"] },

        .. new (string Verb, Func<string, Request> Ask)[]
        {
            ("publish", topic => Request.Publish(topic, "m")),
            ("subscribe", topic => Request.Subscribe(topic, $"client of {topic}")),
            ("unsubscribe", topic => Request.Unsubscribe(topic, $"client of {topic}")),
        }.Select(request => new Scenario("PS-DEL-005", $"{request.Verb}-to-a-deleted-topic", async stage =>
        {
            var topic = await stage.TopicAsync();
            var client = await stage.ConnectAsync("client");
            await client.PublishAsync(topic, "before").Acked();

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            stage.Expect.Error(await client.RequestAsync(request.Ask(topic)),
                "TOPIC_NOT_FOUND", $"A {request.Verb} that names a deleted topic is answered with TOPIC_NOT_FOUND");
        })),

        new("PS-DEL-006", "notice-and-nothing-else", async stage =>
        {
            var kept = await stage.TopicAsync("kept");
            var doomed = await stage.TopicAsync("doomed");
            var subscriber = await stage.SubscriberAsync("subscriber", kept);
            await subscriber.SubscribeAsync(doomed).Acked();
            var publisher = await stage.ConnectAsync("publisher");

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();

            stage.Expect.Equal(doomed, (await subscriber.NextAsync(IsNotice, "the notice")).Topic, "The notice is sent");
            await subscriber.ReceivesExactlyAsync([], publisher, kept, "The other subscription goes on");
            stage.Expect.Error(await subscriber.UnsubscribeAsync(doomed), "TOPIC_NOT_FOUND", "The connection is kept, and answered");
        })
        { Launch = Unsubscribing },

        new("PS-DEL-006", "kept-connection-can-subscribe-again", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);
            await publisher.PublishAsync(topic, "unheard").Acked();

            stage.Expect.Acked(await subscriber.SubscribeAsync(topic), "A kept connection can subscribe to the new topic");
            await subscriber.ReceivesExactlyAsync([], publisher, topic, "It receives what is published from then on");
        })
        { Launch = Unsubscribing },

        new("PS-DEL-007", "bystanders-are-undisturbed", async stage =>
        {
            var doomed = await stage.TopicAsync("orders");
            var kept = $"{doomed}-2";
            await stage.CreateAsync(kept);
            await stage.SubscriberAsync("subscriber", doomed);
            var bystander = await stage.SubscriberAsync("bystander", kept);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(kept, "before").Acked();
            await bystander.EventsUntilAsync("before").Given("the bystander receives");

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();
            await publisher.PublishAsync(kept, "after").Acked();

            await bystander.ReceivesExactlyAsync(["after"], publisher, kept, "A subscriber of another topic goes on receiving");
        }),

        new("PS-DEL-007", "former-subscribers-are-undisturbed", async stage =>
        {
            var doomed = await stage.TopicAsync("orders");
            var kept = await stage.TopicAsync("payments");
            var former = await stage.SubscriberAsync("former", doomed);
            await former.SubscribeAsync(kept).Acked();
            await former.UnsubscribeAsync(doomed).Acked();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(doomed, "unheard").Acked();
            await publisher.PublishAsync(kept, "before").Acked();
            await former.EventsUntilAsync("before").Given("the former subscriber receives");

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();

            await former.ReceivesExactlyAsync([], publisher, kept, "A connection that has unsubscribed keeps its other subscription");
        }),

        new("PS-DEL-010", "others-are-told-nothing", async stage =>
        {
            var doomed = await stage.TopicAsync("orders");
            var kept = await stage.TopicAsync("payments");
            var subscriber = await stage.SubscriberAsync("subscriber", doomed);
            var bystander = await stage.SubscriberAsync("bystander", kept);
            var former = await stage.SubscriberAsync("former", doomed);
            await former.SubscribeAsync(kept).Acked();
            await former.UnsubscribeAsync(doomed).Acked();

            await stage.Rest.DeleteTopicAsync(doomed).Succeeded();
            await subscriber.NextAsync(message => IsNoticeOf(message, doomed), "the notice").Given("a subscriber is told", "PS-DEL-002");

            await bystander.HasReceivedNoneAsync(message => IsNoticeOf(message, doomed), "A subscriber of another topic is told nothing");
            await former.HasReceivedNoneAsync(message => IsNoticeOf(message, doomed), "A connection that has unsubscribed is told nothing");
        }),

        new("PS-DEL-008", "what-was-acked-is-delivered", async stage =>
        {
            var publisher = await stage.ConnectAsync("publisher");
            var sent = Ids(stage.Limits.QueueSize / 2);
            for (var round = 0; round < 5; round++)
            {
                var topic = await stage.TopicAsync();
                var subscriber = await stage.SubscriberAsync($"subscriber-{round}", topic);

                await publisher.PublishAllAsync(topic, sent);
                await stage.Rest.DeleteTopicAsync(topic).Succeeded();

                stage.Expect.Sequence(sent, (await subscriber.EventsAsync(sent.Length)).Ids(),
                    "Events accepted before the deletion are delivered");
            }
        }),

        new("PS-DEL-008", "large-backlog-is-delivered", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic, options: new ConnectOptions { ReceiveBuffer = 64 * 1024 });
            var publisher = await stage.ConnectAsync("publisher");
            var size = Math.Max(1, Math.Min(stage.Limits.MessageBytes, stage.Limits.QueueBytes / 32) - 1024);
            var payload = Json.Quote(new string('x', size));
            var sent = Ids(Math.Min(stage.Limits.QueueSize, 30));
            subscriber.StopReading();
            await publisher.PublishAllAsync(topic, sent, payload);

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            subscriber.ResumeReading();

            stage.Expect.Sequence(sent, (await subscriber.EventsAsync(sent.Length)).Ids(),
                "A backlog within the bounds is delivered after the deletion");
        }),

        new("PS-DEL-009", "concurrent-deletions", async stage =>
        {
            var rounds = stage.Rounds(Rounds, roundTrips: 3);
            for (var round = 0; round < rounds; round++)
            {
                var topic = await stage.TopicAsync();

                var answers = await stage.Rest.RaceAsync(Contenders, "DELETE", Rest.TopicPath(topic));

                stage.Expect.Equal(1, answers.Count(answer => answer.Status == 200),
                    $"Of {Contenders} concurrent deletions one is answered with 200");
            }
        })
        { IsLengthy = true },
    ];

    private static IReadOnlyDictionary<string, string> Unsubscribing { get; } =
        new Dictionary<string, string> { ["TOPIC_DELETION"] = "unsubscribe" };

    private static bool IsNotice(ServerMessage message) => message.IsDeletion;

    private static bool IsNoticeOf(ServerMessage message, string topic) => message.IsDeletion && message.Topic == topic;

    /// <summary>
    /// The ids of the events that reached a subscriber of the deleted topic after its re-creation: all of them up to the end of the
    /// connection or, if the server keeps it open, up to a sentinel after a new subscription.
    /// </summary>
    private static async Task<IReadOnlyList<string>> EventsOfTheNewTopicAsync(Client subscriber, Client publisher, string topic)
    {
        try
        {
            await subscriber.SubscribeAsync(topic).Acked();
            return (await subscriber.EventsAheadOfSentinelAsync(publisher, topic)).Ids();
        }
        catch (Exception e) when (e is Violation or Inconclusive)
        {
            await subscriber.ClosedAsync().Given("the subscriber is disconnected, or else can subscribe again");
            return subscriber.Unread.Events().Ids();
        }
    }

    private static async Task<long?> SubscribersAsync(Stage stage, string topic) =>
        (await stage.Rest.StatsAsync().Succeeded()).Of(topic)?.Subscribers;

    private static string[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => $"m{i}")];
}
