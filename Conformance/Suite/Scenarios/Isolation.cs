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
    ];
}
