namespace PubSub.Conformance.Scenarios;

internal static class FanOut
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-FAN-001", "each-subscriber-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var alice = await stage.SubscriberAsync("alice", topic);
            var bob = await stage.SubscriberAsync("bob", topic);
            var publisher = await stage.ConnectAsync("publisher");

            string[] sent = ["m1", "m2", "m3", "m4", "m5"];
            await publisher.PublishAllAsync(topic, sent);

            await alice.ReceivesExactlyAsync(sent, publisher, topic, "alice receives each message once");
            await bob.ReceivesExactlyAsync(sent, publisher, topic, "bob receives each message once");
        })
        { Also = ["PS-FAN-002"] },
    ];
}
