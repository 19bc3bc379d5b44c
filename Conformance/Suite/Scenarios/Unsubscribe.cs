using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Unsubscribe
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-UNS-001", "acked", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            await subscriber.EventsUntilAsync("before").Given("the subscription is in effect");

            var reply = await subscriber.UnsubscribeAsync(topic);

            stage.Expect.Acked(reply, "an unsubscribe from a subscribed topic is acked");
        }),

        new("PS-UNS-002", "quiet-after-the-ack", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var control = await stage.SubscriberAsync("control", topic);
            var leaver = await stage.SubscriberAsync("leaver", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            await leaver.EventsUntilAsync("before").Given("the subscription is in effect");

            await leaver.UnsubscribeAsync(topic).Acked();
            await publisher.PublishAllAsync(topic, ["after1", "after2", "after3"]);
            await control.EventsUntilAsync("after3").Given("another subscriber receives what comes after");

            await leaver.SubscribeAsync(topic).Acked();
            await leaver.ReceivesNothingAsync(publisher, topic, "nothing of the topic is delivered after the ack of an unsubscribe");
        }),

        new("PS-UNS-002", "quiet-amid-traffic", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var leaver = await stage.SubscriberAsync("leaver", topic);
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var round in Habits.Ids("round", 10))
            {
                var traffic = publisher.PublishAllAsync(topic, Habits.Ids($"{round}-", stage.Burst(40)));
                await leaver.NextEventAsync(topic).Given("the traffic flows");
                var ack = await leaver.UnsubscribeAsync(topic).Acked();
                await traffic;

                var resubscribed = await leaver.SubscribeAsync(topic).Acked();
                await leaver.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the leaver");
                stage.Expect.Sequence(
                    [],
                    leaver.Received.Events().Where(message => message.Index > ack.Index && message.Index < resubscribed.Index).Ids(),
                    "nothing of the topic is delivered after the ack of an unsubscribe, however much is under way");
            }
        }),

        new("PS-UNS-002", "subscribed-twice-unsubscribed-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var elsewhere = await stage.TopicAsync("payments");
            var control = await stage.SubscriberAsync("control", topic);
            var leaver = await stage.SubscriberAsync("leaver", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await leaver.SubscribeAsync(topic).Given("a second subscribe is answered");
            await leaver.SubscribeAsync(elsewhere).Acked();

            await leaver.UnsubscribeAsync(topic).Acked();
            await publisher.PublishAsync(topic, "after").Acked();
            await control.EventsUntilAsync("after").Given("another subscriber receives what comes after");

            await leaver.ReceivesNothingAsync(
                publisher, elsewhere, "one unsubscribe ends the subscription, however often it was asked for");
        }),

        new("PS-UNS-003", "one-of-many", async stage =>
        {
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");
            var topics = new List<string>();
            for (var n = 0; n < 5; n++)
            {
                topics.Add(await stage.TopicAsync($"orders-{n}"));
                await subscriber.SubscribeAsync(topics[n]).Acked();
            }

            foreach (var topic in topics)
            {
                await publisher.PublishAsync(topic, "before").Acked();
                await subscriber.NextEventAsync(topic).Given("every subscription is in effect");
            }

            foreach (var ended in (int[])[2, 0, 4])
            {
                await subscriber.UnsubscribeAsync(topics[ended]).Acked();
                foreach (var topic in topics.Where((_, n) => n != ended))
                {
                    await publisher.PublishAsync(topic, $"without-{ended}").Acked();
                    await subscriber.ReceivesExactlyAsync(
                        [$"without-{ended}"], publisher, topic, "an unsubscribe leaves the connection's other subscriptions as they were");
                }

                await subscriber.SubscribeAsync(topics[ended]).Acked();
            }
        }),

        new("PS-UNS-004", "from-another-connection", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var victim = await stage.ConnectAsync("victim");
            var stranger = await stage.ConnectAsync("stranger");
            var publisher = await stage.ConnectAsync("publisher");
            await victim.SubscribeAsync(topic).Acked();
            await publisher.PublishAsync(topic, "before").Acked();
            await victim.EventsUntilAsync("before").Given("the subscription is in effect");

            await stranger.UnsubscribeAsync(topic, clientId: victim.ClientId).Given("the stranger is answered");
            await publisher.PublishAsync(topic, "m1").Acked();

            await victim.ReceivesExactlyAsync(
                ["m1"], publisher, topic, "an unsubscribe by a stranger with the same client_id does nothing here");
        }),

        new("PS-UNS-004", "by-a-fellow-subscriber", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var staying = await stage.ConnectAsync("staying");
            var leaving = await stage.ConnectAsync("leaving");
            var publisher = await stage.ConnectAsync("publisher");
            await leaving.SubscribeAsync(topic).Acked();
            await staying.SubscribeAsync(topic).Acked();
            await publisher.PublishAsync(topic, "before").Acked();
            await staying.EventsUntilAsync("before").Given("the subscription is in effect");

            await leaving.UnsubscribeAsync(topic, clientId: staying.ClientId).Given("the unsubscribe is answered");
            await publisher.PublishAsync(topic, "m1").Acked();

            await staying.ReceivesExactlyAsync(["m1"], publisher, topic, "an unsubscribe ends no subscription but the connection's own");
        }),

        new("PS-UNS-004", "by-an-older-connection-of-the-client-id", async stage =>
        {
            const string Stays = "a subscriber receives on when an older connection with the same client_id unsubscribes";
            var topic = await stage.TopicAsync("orders");
            var (older, newer, publisher) = await Subscribe.TwinsAsync(stage, topic);

            // If the newer connection has taken over, the older may be closed, or not subscribed.
            await older.UnsubscribeAsync(topic, clientId: newer.ClientId).IfAnswered();
            await publisher.PublishAsync(topic, "m1").Acked();

            await newer.ReceivesExactlyAsync(["m1"], publisher, topic, Stays);
        }),

        new("PS-UNS-005", "not-subscribed", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            stage.Expect.Acked(await client.UnsubscribeAsync(topic), "an unsubscribe without a subscription is acked");
            await client.SubscribeAsync(topic).Acked();
            await client.UnsubscribeAsync(topic).Acked();
            stage.Expect.Acked(await client.UnsubscribeAsync(topic), "a second unsubscribe is acked");
        }),

        new("PS-UNS-006", "unknown-topic", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var reply = await client.UnsubscribeAsync(stage.FreshName("unknown"));

            stage.Expect.Error(
                reply, "TOPIC_NOT_FOUND", "an unsubscribe from a topic that does not exist is answered with TOPIC_NOT_FOUND");
        }),

        new("PS-UNS-007", "topic-or-client-id-missing-or-no-string", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var control = await stage.ConnectAsync("control");
            var whole = Request.Unsubscribe(topic, control.ClientId);
            await control.SubscribeAsync(topic).Acked();
            await control.RequestAsync(whole).Acked();

            await stage.RefusesAsync(whole.NoString("topic", "client_id"), "an incomplete unsubscribe is answered with BAD_REQUEST");
        }),

        new("PS-UNS-008", "subscribe-again", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var id in Habits.Ids("m", 20))
            {
                stage.Expect.Acked(await subscriber.SubscribeAsync(topic), "a connection can subscribe again after it has unsubscribed");
                await publisher.PublishAsync(topic, id).Acked();
                await subscriber.EventsUntilAsync(id).For("a new subscription receives events");
                await subscriber.UnsubscribeAsync(topic).Acked();
            }
        }),

        new("PS-UNS-009", "whatever-client-id-it-names", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var control = await stage.SubscriberAsync("control", topic);
            var leaver = await stage.ConnectAsync("leaver");
            var publisher = await stage.ConnectAsync("publisher");

            var n = 0;
            foreach (var other in (string[])[stage.FreshClientId("another"), leaver.ClientId.ToUpperInvariant(), $"{leaver.ClientId} "])
            {
                n++;
                await leaver.SubscribeAsync(topic).Acked();
                await leaver.UnsubscribeAsync(topic, clientId: other).Given("the unsubscribe is answered");
                await publisher.PublishAsync(topic, $"after-{n}").Acked();
                await control.EventsUntilAsync($"after-{n}").Given("another subscriber receives what comes after");

                await leaver.SubscribeAsync(topic).Acked();
                await leaver.ReceivesNothingAsync(publisher, topic, "an unsubscribe ends the subscription whatever client_id it names");
                await leaver.UnsubscribeAsync(topic).Acked();
            }
        }),
    ];
}
