namespace PubSub.Conformance.Scenarios;

internal static class Lifecycle
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-LIF-001", "sigterm-closes-with-1001-and-exits-0", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);

            stage.Server.Terminate();

            stage.Expect.Equal(1001, (await subscriber.ClosedAsync()).Code, "SIGTERM closes a WebSocket with 1001");
            stage.Expect.Equal(0, await stage.Server.ExitedAsync(), "the server exits with 0 after SIGTERM");
        })
        { Launch = new Dictionary<string, string>() },
    ];
}
