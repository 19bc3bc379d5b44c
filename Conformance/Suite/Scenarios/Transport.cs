namespace PubSub.Conformance.Scenarios;

internal static class Transport
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-WS-010", "unmasked-frame", async stage =>
        {
            var rude = await stage.RawAsync("rude");
            await rude.SendAsync(Request.Ping().WithRequestId("masked"));
            await rude.ReadMessageAsync(message => message.RequestId == "masked").Given("a masked request is answered");

            await rude.SendAsync(Frame.Text(Request.Ping().WithRequestId("unmasked")) with { Masked = false });
            var closure = await rude.ClosedAsync();

            stage.Expect.True(rude.Closure is not null, "An unmasked frame ends the connection");
            stage.Expect.Observe("close code", closure.Code);
        }),
    ];
}
