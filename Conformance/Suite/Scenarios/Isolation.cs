using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Isolation
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-ISO-001", "nothing-of-a-sibling-topic", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var control = await stage.SubscriberAsync("control", orders);
            var bystander = await stage.SubscriberAsync("bystander", payments);
            var publisher = await stage.ConnectAsync("publisher");

            await publisher.PublishAsync(orders, "probe").Acked();
            await control.EventsUntilAsync("probe").Given("the subscriber of the topic receives the probe");

            await bystander.ReceivesNothingAsync(publisher, payments, "a subscriber of payments receives no event of orders");
        }),

        new("PS-ISO-001", "a-publisher-that-does-not-subscribe", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var control = await stage.SubscriberAsync("control", orders);
            var publisher = await stage.SubscriberAsync("publisher", payments);

            await publisher.PublishAllAsync(orders, ["m1", "m2"]);
            await control.EventsUntilAsync("m2").Given("the subscriber of the topic receives the messages");

            await publisher.ReceivesNothingAsync(
                await stage.ConnectAsync("another"), payments, "a publisher receives no event of a topic that it only publishes to");
        }),

        new("PS-ISO-001", "one-client-id-on-two-topics", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var buyer = await stage.ConnectAsync("buyer");
            var payer = await stage.ConnectAsync("payer");
            var control = await stage.SubscriberAsync("control", orders);
            var publisher = await stage.ConnectAsync("publisher");
            var twin = stage.FreshClientId("twin");
            await buyer.SubscribeAsync(orders, clientId: twin).Acked();
            stage.Supports((await payer.SubscribeAsync(payments, clientId: twin)).IsAck, "a client_id to a second connection");

            // The other connection may have taken over the buyer's subscription.
            await publisher.PublishAsync(orders, "o1").Acked();
            await control.EventsUntilAsync("o1").Given("a subscriber of orders receives the order");

            await payer.ReceivesNothingAsync(publisher, payments, "a client_id in common does not mix two connections' topics");
        }),

        new("PS-ISO-001", "bursts-side-by-side", async stage =>
        {
            var publishers = new[] { await stage.ConnectAsync("publisher1"), await stage.ConnectAsync("publisher2") };
            var topics = new List<(string Topic, Client Subscriber)>();
            for (var n = 0; n < 8; n++)
            {
                var topic = await stage.TopicAsync($"orders-{n}");
                topics.Add((topic, await stage.SubscriberAsync($"subscriber{n}", topic)));
            }

            await Task.WhenAll(publishers.Select((publisher, who) => BurstAsync(publisher, who)));

            foreach (var (topic, subscriber) in topics)
            {
                var events = await subscriber.EventsAheadOfSentinelAsync(publishers[0], topic).Given("the sentinel reaches the subscriber");
                stage.Require(events.Any(message => IsOf(message, topic)), "every subscriber receives events of its own topic");
                stage.Expect.Sequence(
                    [], events.Where(message => !IsOf(message, topic)).Ids(),
                    "amid bursts a subscriber receives its own topic's events and no other");
            }

            static bool IsOf(ServerMessage message, string topic) =>
                message.Topic == topic && message.MessageId?.StartsWith($"{topic}:", StringComparison.Ordinal) == true;

            async Task BurstAsync(Client publisher, int who)
            {
                var requests = new List<string>();
                for (var n = 0; n < stage.Burst(80) / 2; n++)
                {
                    foreach (var (topic, _) in topics)
                    {
                        requests.Add(await publisher.SendPublishAsync(topic, $"{topic}:{who}-{n}"));
                    }
                }

                foreach (var request in requests)
                {
                    await publisher.ReplyAsync(request).Acked();
                }
            }
        })
        { IsLengthy = true },

        new("PS-ISO-002", "look-alike-names", async stage =>
        {
            var topics = await LookAlikesAsync(stage);
            var subscribers = await Task.WhenAll(topics.Select(topic => stage.SubscriberAsync("subscriber", topic)));

            var publisher = await stage.ConnectAsync("publisher");
            foreach (var request in await publisher.SendTogetherAsync(topics.Select((topic, n) => Request.Publish(topic, $"to-{n}"))))
            {
                await publisher.ReplyAsync(request).Acked();
            }

            await Task.WhenAll(topics.Select(async (topic, n) =>
            {
                var events = await subscribers[n].EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the subscriber");
                stage.Require(events.Ids().Contains($"to-{n}"), $"the subscriber of '{topic}' receives its event");
                stage.Expect.Sequence(
                    [], events.Ids().Where(id => id != $"to-{n}"), $"'{topic}' shares no events with a name that looks like it");
            }));
        })
        { IsLengthy = true },

        new("PS-ISO-002", "look-alike-names-on-one-connection", async stage =>
        {
            var topics = await LookAlikesAsync(stage);
            var subscriber = await stage.ConnectAsync("subscriber");
            var subscribes = topics.Select(topic => Request.Subscribe(topic, subscriber.ClientId));
            foreach (var request in await subscriber.SendTogetherAsync(subscribes))
            {
                await subscriber.ReplyAsync(request).Acked();
            }

            var publisher = await stage.ConnectAsync("publisher");
            for (var n = 0; n < topics.Count; n++)
            {
                await publisher.PublishAsync(topics[n], $"to-{n}").Acked();
                await subscriber.NextAsync(message => message.MessageId == $"to-{n}", $"the event of '{topics[n]}'").Given(
                    "each topic has its event");
            }

            await subscriber.OutspokenAsync();
            stage.Expect.Sequence(
                topics, subscriber.Received.Events().Select(message => message.Topic ?? "(none)"),
                "each event is of the topic that it names, and comes once");
        }),

        new("PS-ISO-002", "unsubscribing-from-a-look-alike", async stage =>
        {
            var topics = await LookAlikesAsync(stage);
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topics[0]);
            var id = subscriber.ClientId;
            await publisher.PublishAsync(topics[0], "m0").Acked();
            await subscriber.EventsUntilAsync("m0").Given("the subscription is in effect");

            Request[] requests =
            [
                .. topics.Skip(1).SelectMany(other => new[] { Request.Subscribe(other, id), Request.Unsubscribe(other, id) }),
            ];
            foreach (var request in await subscriber.SendTogetherAsync(requests))
            {
                await subscriber.ReplyAsync(request).Acked();
            }

            await publisher.PublishAsync(topics[0], "m1").Acked();
            await subscriber.ReceivesExactlyAsync(
                ["m1"], publisher, topics[0], "a subscription does not end with that to a name that looks like it");
        }),

        new("PS-ISO-003", "replay-of-look-alikes", async stage =>
        {
            var topics = await LookAlikesAsync(stage);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var round in (string[])["a", "b", "c"])
            {
                var publishes = topics.Select((topic, n) => Request.Publish(topic, $"{n}-{round}"));
                foreach (var request in await publisher.SendTogetherAsync(publishes))
                {
                    await publisher.ReplyAsync(request).Acked();
                }
            }

            await Task.WhenAll(Enumerable.Range(0, topics.Count).Select(async n =>
            {
                var newcomer = await stage.SubscriberAsync("newcomer", topics[n], lastN: stage.Limits.Ring);
                var own = $"{n}-";
                var events = await newcomer.EventsAheadOfSentinelAsync(publisher, topics[n]).Given("the sentinel reaches the newcomer");
                stage.Require(
                    events.Any(message => message.MessageId!.StartsWith(own, StringComparison.Ordinal)), $"'{topics[n]}' replays its own");
                stage.Expect.Sequence(
                    [],
                    events.Ids().Where(id => !id.StartsWith(own, StringComparison.Ordinal)
                        && !id.StartsWith(ServerMessage.SentinelPrefix, StringComparison.Ordinal)),
                    $"the replay of '{topics[n]}' has no event of another topic");
            }));
        })
        { IsLengthy = true },

        new("PS-ISO-003", "an-empty-topic-replays-nothing", async stage =>
        {
            var busy = await stage.TopicAsync("busy");
            var empty = await stage.TopicAsync("empty");
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(busy, Habits.Ids("m", 10));
            var control = await stage.SubscriberAsync("control", busy, lastN: 10);
            await control.EventsUntilAsync("m10").Given("the busy topic is replayed");

            var newcomer = await stage.SubscriberAsync("newcomer", empty, lastN: 10);

            await newcomer.ReceivesNothingAsync(publisher, empty, "a topic without messages replays nothing of another");
        }),

        new("PS-ISO-003", "two-replays-on-one-connection", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(orders, ["o1", "o2", "o3"]);
            await publisher.PublishAllAsync(payments, ["p1", "p2"]);

            var newcomer = await stage.ConnectAsync("newcomer");
            await newcomer.SubscribeAsync(orders, lastN: 10).Acked();
            await newcomer.SubscribeAsync(payments, lastN: 10).Acked();
            await newcomer.NextAsync(message => message.MessageId == "o3", "the newest order").Given("orders are replayed");
            await newcomer.NextAsync(message => message.MessageId == "p2", "the newest payment").Given("payments are replayed");

            stage.Expect.Sequence(
                [], newcomer.Received.Events().On(orders).Ids().Where(id => id[0] != 'o'), "the replay of orders has no event of payments");
            stage.Expect.Sequence(
                [], newcomer.Received.Events().On(payments).Ids().Where(id => id[0] != 'p'),
                "the replay of payments has no event of orders");
        }),

        new("PS-ISO-004", "case-makes-a-different-topic", async stage =>
        {
            var lower = stage.FreshName("orders");
            var upper = lower.Replace("orders", "Orders", StringComparison.Ordinal);
            stage.Forget(upper);

            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(lower), "orders is created");
            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(upper), "Orders is created beside orders");

            var publisher = await stage.ConnectAsync("publisher");
            var small = await stage.SubscriberAsync("small", lower);
            var capital = await stage.SubscriberAsync("capital", upper);
            await publisher.PublishAsync(lower, "to-orders").Acked();
            await publisher.PublishAsync(upper, "to-Orders").Acked();
            await small.ReceivesExactlyAsync(["to-orders"], publisher, lower, "orders has its own events");
            await capital.ReceivesExactlyAsync(["to-Orders"], publisher, upper, "Orders has its own events");
        }),

        new("PS-ISO-004", "look-alikes-can-be-created-side-by-side", async stage =>
        {
            await stage.TopicAtWorkAsync();
            foreach (var name in LookAlikes(stage.FreshName("orders")))
            {
                stage.Forget(name);
                var answer = await stage.Rest.CreateTopicAsync(name);
                stage.Expect.True(answer.Status != 409, $"'{name}' is not taken for a name that looks like it", answer.ToString());
            }
        }),

        new("PS-ISO-004", "a-look-alike-is-not-found", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.ConnectAsync("client");
            await client.SubscribeAsync(topic).Acked();

            foreach (var other in LookAlikes(topic).Skip(1))
            {
                // If the name is not legal, the request is bad; the server never treats it as the topic's name.
                var reply = await client.SubscribeAsync(other).Given("the subscribe is answered");
                stage.Expect.True(
                    reply.IsErrorOf("TOPIC_NOT_FOUND") || reply.IsErrorOf("BAD_REQUEST") || stage.Target.Accommodations.CreatesTopics,
                    $"'{other}' is not taken for '{topic}'",
                    reply.ToString());
            }
        }),
    ];

    /// <summary>Creates topics of these names; a name that is refused, or that the server confuses with another, is left out.</summary>
    private static async Task<IReadOnlyList<string>> LookAlikesAsync(Stage stage)
    {
        var names = LookAlikes(stage.FreshName("orders"));
        Array.ForEach(names, name => stage.Forget(name));
        var answers = await Task.WhenAll(names.Select(name => stage.Rest.CreateTopicAsync(name).Given("a topic can be asked for")));
        var topics = names.Where((_, n) => answers[n].IsSuccess).ToList();
        foreach (var name in names.Except(topics))
        {
            stage.Expect.Observe("a name that could not be created beside the others", name);
        }

        stage.Require(topics.Count > 1, "there are names that look alike");
        return topics;
    }

    /// <summary>The name, and names that a lax comparison could confuse with it or with one another.</summary>
    private static string[] LookAlikes(string name) =>
    [
        name, name[..^1], name + "x",
        name.Replace("orders", "ORDERS", StringComparison.Ordinal), name.Replace("orders", "Orders", StringComparison.Ordinal),
        name.Replace("orders", "order\u017f", StringComparison.Ordinal), name.Replace("orders", "\u043erders", StringComparison.Ordinal),
        name + " ", name.Replace("orders", " orders", StringComparison.Ordinal),
        name + "\u00a0", name + "\u200b", name + "\ufe0f", name + "\U0001f600",
        name + ".", name + ".*", name + "*", name + ".>", name + "#", name + "/#", name + "/+", name + "_", name + "%", name + "[a-z]",
        name + "/", name + "/b", name + "%2Fb", name + "%2fb", name + "%252Fb", name + "\\b", name + "//b", name + "/./b", name + "\uff0fb",
        name + "?", name + "?b", name + "%20", name + "+", name + "\"", name + ":b",
        name + "\u00e9", name + "e\u0301", name + "e", name + "\u00df", name + "ss", name + "\u212a", name + "k", name + "K",
        name + "i", name + "\u0131",
    ];
}
