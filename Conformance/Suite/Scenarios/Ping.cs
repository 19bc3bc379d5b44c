using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Ping
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-PING-001", "one-reply-each", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.SubscriberAsync("client", topic);
            await (await stage.ConnectAsync("publisher")).PublishAsync(topic, "m1").Acked();
            await client.EventsUntilAsync("m1").Given("the connection works");

            var ids = Habits.Ids("req-", 30);
            foreach (var id in ids)
            {
                await client.SendAsync(Request.Ping().WithRequestId(id));
            }

            foreach (var id in ids)
            {
                var reply = await client.ReplyAsync(id).For("a ping is answered by a reply with its request_id");
                stage.Expect.True(reply.IsReply && !reply.IsError, "the answer to a ping is a reply and no error", reply.ToString());
                stage.Expect.Equal(id, reply.RequestId, "a ping is answered by a reply with its request_id");
            }

            await client.HasReceivedNoneAsync(message => message.IsReply, "a ping is answered by exactly one reply");
        }),

        new("PS-PING-001", "before-anything-else", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var reply = await client.PingAsync("req-126");

            stage.Expect.True(
                reply.IsReply && !reply.IsError, "a ping is answered on a connection that has done nothing else", reply.ToString());
            stage.Expect.Equal("req-126", reply.RequestId, "the reply carries the ping's request_id");
            stage.Expect.Observe("reply to a ping", reply.Type);
        }),

        new("PS-PING-002", "a-pong", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var reply = await client.PingAsync("req-126");

            stage.Expect.True(reply.IsPong, "the reply to a ping is a pong", reply.ToString());
            stage.Expect.Equal("req-126", reply.RequestId, "a pong has the ping's request_id");
            stage.Expect.True(reply.IsDated, "a pong has a timestamp", reply.ToString());
        }),

        new("PS-PING-003", "without-request-id", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");
            var known = await client.PingAsync("req-126").Given("a ping with request_id is answered");
            stage.Require(!known.IsError, $"a ping with request_id is answered by no error ({known})", "PS-PING-001");

            var reply = await client.RequestAsync(Request.Ping().WithoutRequestId());

            stage.Expect.Equal(known.Type, reply.Type, "a ping without request_id is answered as one with it");
            stage.Expect.True(!reply.HasRequestId, "a pong that answers a ping without request_id has none", reply.ToString());
        }),

        new("PS-PING-004", "behind-the-events-already-queued", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var round in Habits.Ids("round", 20))
            {
                var ids = Habits.Ids($"{round}-", stage.Burst(20));
                await publisher.PublishAllAsync(topic, ids, $"\"{new string('x', 500)}\"");
                var pong = await subscriber.PingAsync().Given("the subscriber is answered");

                var events = await subscriber.EventsUntilAsync(ids[^1]).Given("the events arrive");
                stage.Expect.Sequence(
                    ids, events.Where(message => message.Index < pong.Index).Ids(),
                    "a pong comes after the events of messages already acked");
            }
        })
        { Also = ["PS-PUB-012"] },

        new("PS-PING-004", "behind-the-replay", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var newcomer = await stage.ConnectAsync("newcomer");
            var ids = Habits.Ids("m", Math.Min(100, stage.Limits.Ring));
            await publisher.PublishAllAsync(topic, ids);

            var subscribe = await newcomer.SendAsync(Request.Subscribe(topic, newcomer.ClientId, lastN: ids.Length));
            var ping = await newcomer.SendAsync(Request.Ping());
            await newcomer.ReplyAsync(subscribe).Acked();
            var pong = await newcomer.ReplyAsync(ping).Given("the ping is answered");

            var events = await newcomer.EventsUntilAsync(ids[^1]).Given("the messages are replayed", "PS-RPL-001");
            stage.Expect.Sequence(
                ids, events.Where(message => message.Index < pong.Index).Ids(), "a pong comes after the events already replayed");
        }),

        new("PS-PING-004", "behind-one-s-own-replies-and-events", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.SubscriberAsync("client", topic);
            await client.PublishAsync(topic, "before").Acked();
            await client.EventsUntilAsync("before").Given("a message is delivered");

            var ids = Habits.Ids("m", stage.Burst(50));
            var acks = new List<string>();
            foreach (var id in ids)
            {
                acks.Add(await client.SendPublishAsync(topic, id));
            }

            var pong = await client.PingAsync().Given("the ping is answered");
            var events = await client.EventsUntilAsync(ids[^1]).Given("the events arrive");
            stage.Expect.Sequence(
                ids, events.Where(message => message.Index < pong.Index).Ids(),
                "a pong comes after the events that the connection caused before");
            stage.Expect.SameItems(
                acks,
                client.Received.Where(message => message.IsAck && message.Index < pong.Index && acks.Contains(message.RequestId ?? ""))
                    .Select(message => message.RequestId!),
                "a pong comes after the acks of earlier requests");
        }),
    ];
}
