using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>
/// Requests exactly as SPEC.md writes them. All other scenarios use the target's own spelling, so that each of its deviations is reported
/// only here.
/// </summary>
internal static class AsSpecified
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-REST-001", "as-specified", async stage =>
        {
            var name = stage.FreshName();
            var plain = stage.RestAt(Speaking(stage, wants => wants with { TopicName = "name", Slashes = [], Created = null }));

            var answer = await plain.CreateTopicAsync(name);

            stage.Expect.Status(201, answer, "POST of {\"name\":…} to /topics, with no slash at its end, is answered with 201");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-006", "as-specified", async stage =>
        {
            var topic = await stage.ListedTopicAsync();
            var plain = stage.RestAt(Speaking(stage, wants => wants with { Slashes = [], Deleted = null }));

            var answer = await plain.DeleteTopicAsync(topic);

            stage.Expect.Status(200, answer, "DELETE of /topics/{name}, with no slash at its end, is answered with 200");
        }),

        new("PS-ENV-009", "no-uuid", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await ConnectAsync(stage, "client", wants => wants with { UuidRequestIds = false });

            const string Taken = "a request_id that is no UUID is accepted";
            var reply = await client.PingAsync("order-17").For(Taken);

            stage.Expect.True(!reply.IsError, Taken, reply.ToString());
        }),

        new("PS-PUB-001", "as-specified", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var publisher = await ConnectAsync(
                stage, "publisher", wants => wants.WithoutAdditions("publish") with { Message = "message", Payload = "payload" });

            const string Acked = "a publish of type, topic, message with id and payload, and request_id is acked";
            var ack = await publisher.PublishAsync(topic, "m1", """{"order_id":"ORD-123","amount":"99.5"}""").For(Acked);

            stage.Expect.Acked(ack, Acked);
        }),

        new("PS-SUB-002", "as-specified", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const string Refused = "a subscribe to a topic that was not created is answered with TOPIC_NOT_FOUND";
            var reply = await client.SubscribeAsync(stage.FreshName("unknown")).For(Refused);

            stage.Expect.True(reply.IsErrorOf("TOPIC_NOT_FOUND"), Refused, reply.ToString());
        }),

        new("PS-PUB-002", "as-specified", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const string Refused = "a publish to a topic that was not created is answered with TOPIC_NOT_FOUND";
            var reply = await client.PublishAsync(stage.FreshName("unknown"), "m1").For(Refused);

            stage.Expect.True(reply.IsErrorOf("TOPIC_NOT_FOUND"), Refused, reply.ToString());
        }),

        new("PS-FAN-005", "as-specified", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await publisher.PublishAsync(topic, "m1", """{"order_id":"ORD-123"}""").Acked();

            var arrived = await subscriber.NextEventAsync(topic).Given("the event is delivered");
            var message = Json.TryParse(arrived.Raw).Member("message");
            stage.Expect.True(
                message.Member("id") is not null && message.Member("payload") is not null,
                "an event has a member message with the members id and payload",
                arrived.ToString());
        }),

        new("PS-PING-001", "as-specified", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await ConnectAsync(stage, "client", wants => wants.WithoutAdditions("ping"));

            const string Answered = "a ping of type and request_id alone is answered by no error";
            var reply = await client.PingAsync("req-126").For(Answered);

            stage.Expect.True(reply.IsReply && !reply.IsError, Answered, reply.ToString());
        }),

        new("PS-PING-001", "with-nothing-before-it", async stage =>
        {
            await stage.TopicAtWorkAsync();

            const string Answered = "a ping is answered by no error when it is the first message of a connection";
            var target = Speaking(stage, wants => wants with { First = null, FirstIsAnswered = false });
            var client = await stage.ConnectAsync("client", new ConnectOptions { Target = target });
            var reply = await client.PingAsync("req-126").For(Answered);

            stage.Expect.True(reply.IsReply && !reply.IsError, Answered, reply.ToString());
        }),

        new("PS-PING-003", "as-specified", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await ConnectAsync(stage, "client", wants => wants with { RequestIdRequired = false });
            var known = await client.PingAsync("req-126").Given("a ping with request_id is answered");
            stage.Require(!known.IsError, $"a ping with request_id is answered by no error ({known})");

            const string Answered = "a ping without request_id is answered by no error";
            var reply = await client.RequestAsync(Request.Ping().WithoutRequestId()).For(Answered);

            stage.Expect.True(!reply.IsError, Answered, reply.ToString());
        }),
    ];

    private static Target Speaking(Stage stage, Func<Accommodations, Accommodations> otherwise) =>
        stage.Target.Accommodating(otherwise(stage.Target.Accommodations));

    private static Task<Client> ConnectAsync(Stage stage, string name, Func<Accommodations, Accommodations> otherwise) =>
        stage.ConnectAsync(name, new ConnectOptions { Target = Speaking(stage, otherwise) });
}
