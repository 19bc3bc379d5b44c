using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Robustness
{
    private const string Lonely = "\"\\ud800\"";

    private static readonly ConnectOptions NoHandshake = new() { Handshake = false };

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-ROB-001", "random-frames-from-rude-clients", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var random = new Random(6455);
            var rudeness = Enumerable.Range(0, 4).Select(i => BarrageAsync(stage, $"rude-{i}", new Random(random.Next()), 25)).ToList();

            while (!rudeness.TrueForAll(rude => rude.IsCompleted))
            {
                await neighbours.UndisturbedAsync("while others send random frames");
            }

            await neighbours.UndisturbedByAsync(() => Task.WhenAll(rudeness), "after random frames");
        })
        { IsLengthy = true },

        new("PS-ROB-001", "random-requests-from-rude-clients", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var random = new Random(8259);
            var publish = Request.Publish(await stage.TopicAsync("wild"), "m1", "{\"a\":[1,2,{\"b\":null}]}").WithRequestId("r");
            var whole = publish.To(stage.Target).ToString();
            await neighbours.UndisturbedByAsync(async () =>
            {
                for (var i = 0; i < 40; i++)
                {
                    var rude = await stage.RawAsync($"rude-{i}");
                    await TryAsync(async () =>
                    {
                        for (var j = 0; j < 20; j++)
                        {
                            var spoilt = whole.ToCharArray();
                            spoilt[random.Next(spoilt.Length)] = "{}[]\",:0\\ -e"[random.Next(12)];
                            await rude.SendTextAsync(new string(spoilt)[..random.Next(1, spoilt.Length + 1)]);
                        }
                    });
                }
            }, "after hundreds of spoilt requests");
        })
        { IsLengthy = true },

        new("PS-ROB-001", "no-http-at-all", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var headers = stage.Target.HeaderLines(stage.Target.WebSocket);
            var socket = stage.Target.WebSocket.AbsolutePath;
            var topics = $"{stage.Target.Rest.AbsolutePath.TrimEnd('/')}{RestPaths.Topics}";
            string[] texts =
            [
                "\r\n\r\n\r\n",
                "\0\0\0\0\0\0\0\0",
                "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "GET / HTTP/9.9\r\n\r\n",
                $"GET {new string('/', 100_000)} HTTP/1.1\r\n{headers}\r\n",
                $"GET {socket} HTTP/1.1\r\n{headers}X: {new string('x', 200_000)}\r\n\r\n",
                $"GET {socket} HTTP/1.1\r\n{headers}{string.Concat(Enumerable.Repeat("X: y\r\n", 5_000))}\r\n",
                $"POST {topics} HTTP/1.1\r\n{headers}Content-Length: -1\r\n\r\n",
                $"POST {topics} HTTP/1.1\r\n{headers}Content-Length: 99999999999999999999\r\n\r\n",
                $"POST {topics} HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                $"POST {topics} HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nffffffffffffffff\r\n",
                "{\"type\":\"ping\"}",
            ];
            await neighbours.UndisturbedByAsync(async () =>
            {
                foreach (var text in texts)
                {
                    var rude = await stage.RawAsync("rude", NoHandshake);
                    await TryAsync(() => rude.SendBytesAsync(Encoding.Latin1.GetBytes(text)));
                }
            }, "after bytes that are no HTTP");

            // Other scenarios may have changed the answer meanwhile (PS-REST-031).
            var answer = await stage.Rest.ListTopicsAsync().For("REST is served after bytes that are no HTTP");
            stage.Expect.True(
                answer.Status is not (502 or 503 or 504), "REST is served after bytes that are no HTTP", $"{answer.SentStatus}");
        }),

        new("PS-ROB-001", "a-megabyte-of-brackets", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            string[] texts =
            [
                new('[', 1024 * 1024),
                new('{', 1024 * 1024),
                string.Concat(Enumerable.Repeat("{\"a\":", 200_000)),
                new('"', 1024 * 1024),
            ];
            await neighbours.UndisturbedByAsync(async () =>
            {
                foreach (var text in texts)
                {
                    var rude = await stage.RawAsync("rude");
                    await TryAsync(() => rude.SendTextAsync(text));
                }
            }, "after megabytes of brackets");
        }),

        new("PS-ROB-001", "ten-megabytes-at-once", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var rude = await stage.RawAsync("rude");

            var sending = TryAsync(() => rude.SendTextAsync(LargePing(10 * 1024 * 1024)));
            await neighbours.UndisturbedAsync("while another sends 10 MB");
            await sending;

            await neighbours.UndisturbedAsync("after another has sent 10 MB");
        })
        { IsLoad = true },

        new("PS-ROB-002", "wherever-it-is-deep", async stage =>
        {
            stage.Supports(stage.Limits.MessageBytes > LongestDeep, $"messages over {stage.Limits.MessageBytes} bytes");
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await publisher.PublishAsync(topic, "plain").Acked();
            await subscriber.EventsUntilAsync("plain").Given("a message is delivered");
            var arrays = Nested("[", "0", "]", Depth);
            (string What, string Text)[] rows =
            [
                ("a payload of arrays", Request.Publish(topic, "deep", arrays).To(stage.Target).ToString()),
                ("a payload of objects", Request.Publish(topic, "deep", Nested("{\"\":", "0", "}", Depth)).To(stage.Target).ToString()),
                ("an unknown member of a ping", Request.Ping().With("extra", arrays).ToString()),
                ("an unknown member of an unknown request", Request.Of("nonsense").With("extra", arrays).ToString()),
                ("brackets that are never closed", new string('[', Depth)),
            ];
            var once = await stage.ConnectAsync("once");
            await once.SendAsync("not json");
            await once.NextAsync(message => message.IsReply, "a reply").IfAnswered();
            var survives = await once.PingAsync().IfAnswered() is not null;
            var exceptions = new List<string>();
            foreach (var (what, text) in rows)
            {
                var client = await stage.ConnectAsync("client");
                var reply = await client.AnswerAsync(text).IfAnswered();
                exceptions.AddRange(
                    reply?.IsErrorOf("BAD_REQUEST") != true
                        ? [$"{what}: {(reply is null ? $"{client.Closure?.ToString() ?? "silence"}" : $"{reply}")}"]
                    : survives && await client.PingAsync().IfAnswered() is null
                        ? [$"{what}: refused, and then {client.Closure?.ToString() ?? "silence"}"]
                    : []);
            }

            stage.Expect.WithoutException(
                exceptions, "A request nested 10,000 levels deep is answered with BAD_REQUEST, and the connection stays open");
            await subscriber.ReceivesNothingAsync(publisher, topic, "what was refused is not delivered");
        }),

        new("PS-ROB-003", "sixty-four-deep", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.SubscriberAsync("client", topic);
            await client.PublishAsync(topic, "plain").Acked();
            await client.NextEventAsync(topic).Given("a message is delivered");
            string[] payloads =
            [
                Nested("[", "", "]", 64),
                Nested("{\"a\":", "null", "}", 64),
                Nested("[{\"a\":", "1", "}]", 32),
                Nested("[", "\"x\"", "]", 63),
            ];
            foreach (var (at, payload) in payloads.Index())
            {
                stage.Expect.Acked(await client.PublishAsync(topic, $"deep-{at}", payload), "a payload nested 64 levels deep is accepted");
                stage.Expect.JsonEqual(payload, (await client.NextEventAsync(topic)).Payload, "and delivered");
            }
        }),

        new("PS-ROB-004", "declared-in-one-frame", async stage =>
        {
            await LimitOfAsync(stage);
            var client = await stage.ConnectAsync("talker");

            var sending = TryAsync(() => client.SendAsync(LargePing(10 * 1024 * 1024)));

            await RefusedAsTooLargeAsync(stage, client, "a message of 10 MB in one frame");
            await sending;
        })
        { IsLoad = true },

        new("PS-ROB-004", "whatever-it-is-made-of", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var limit = await LimitOfAsync(stage);
            (string What, Func<Client, Task> Send)[] ways =
            [
                ("one byte more", client => client.SendAsync(LargePing(limit + 1))),
                ("a binary message", client => client.SendFramesAsync(Frame.Binary(new byte[limit + 1]))),
                ("fragments without end", async client =>
                {
                    await client.SendFramesAsync(Frame.Text(LargePing(4096)[..4096]) with { Final = false });
                    for (var i = 0; i < Math.Max(1500, limit / 4096 * 2); i++)
                    {
                        await client.SendFramesAsync(Frame.Continuation(new string('x', 4096)) with { Final = false });
                    }
                }),
                ("a fragment that claims 2^63-1 bytes", client => client.SendFramesAsync(
                    Frame.Text("x") with { Final = false },
                    Frame.Continuation(new string('x', limit)) with { Final = false, ClaimedLength = long.MaxValue })),
            ];
            var exceptions = new List<string>();
            foreach (var (what, send) in ways)
            {
                var client = await stage.ConnectAsync("talker", new ConnectOptions { EndsAfterClose = TimeSpan.Zero });
                var sending = TryAsync(() => send(client));
                exceptions.AddRange(await FlawOfRefusalAsync(client) is { } flaw ? [$"{what}: {flaw}"] : []);
                await sending;
            }

            stage.Expect.WithoutException(exceptions, "A message larger than the limit is answered with BAD_REQUEST and a Close with 1009");
        }),

        new("PS-ROB-005", "reset-within-a-frame", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var publish = Request.Publish(neighbours.Topic, "broken", Json.Quote(new string('x', 1000)));
            var whole = publish.To(stage.Target).ToFrame().Encode();
            await neighbours.UndisturbedByAsync(async () =>
            {
                foreach (var cut in (int[])[1, 2, 3, 5, 8, 9, 100, whole.Length - 1])
                {
                    var rude = await stage.RawAsync("rude");
                    await rude.SendBytesAsync(whole.AsMemory(0, cut));
                    rude.Abort();
                }
            }, "after resets within frames");
        }),

        new("PS-ROB-005", "reset-between-fragments", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var whole = Request.Publish(neighbours.Topic, "broken").To(stage.Target).ToFrame();
            await neighbours.UndisturbedByAsync(async () =>
            {
                for (var i = 0; i < 5; i++)
                {
                    var rude = await stage.RawAsync("rude");
                    await rude.SendAsync(Frame.Fragments(whole.Payload, 10).SkipLast(1));
                    rude.Abort();
                }
            }, "after resets between fragments");
        }),

        new("PS-ROB-005", "reset-within-the-handshake", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            var handshake = Encoding.ASCII.GetBytes(
                $"GET {stage.Target.WebSocket.PathAndQuery} HTTP/1.1\r\n{stage.Target.HeaderLines(stage.Target.WebSocket)}"
                + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
            await neighbours.UndisturbedByAsync(async () =>
            {
                foreach (var cut in (int[])[0, 1, 20, handshake.Length - 1, handshake.Length])
                {
                    var rude = await stage.RawAsync("rude", NoHandshake);
                    await rude.SendBytesAsync(handshake.AsMemory(0, cut));
                    rude.Abort();
                }
            }, "after resets within handshakes");
        }),

        new("PS-ROB-005", "reset-under-a-stream-of-events", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            for (var i = 0; i < 5; i++)
            {
                var rude = await stage.SubscriberAsync($"rude-{i}", neighbours.Topic);
                await neighbours.WorkAsync();
                rude.Abort();
                await neighbours.UndisturbedAsync("after the reset of another subscriber");
            }
        }),

        new("PS-ROB-006", "unpaired-surrogates", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var clientId = stage.FreshClientId("client");
            foreach (var lonely in (string[])[Lonely, "\"\\udc00\"", "\"a\\ud83d\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\""])
            {
                (string Where, Request Request)[] requests =
                [
                    ("type", Request.Ping().With("type", lonely)),
                    ("topic of a subscribe", Request.Subscribe(topic, clientId).With("topic", lonely)),
                    ("topic of a publish", Request.Publish(topic, "m").With("topic", lonely)),
                    ("client_id", Request.Subscribe(topic, clientId).With("client_id", lonely)),
                    ("client_id of an unsubscribe", Request.Unsubscribe(topic, clientId).With("client_id", lonely)),
                    ("message.id", Request.Publish(topic, "m").With("message.id", lonely)),
                    ("request_id", Request.Ping().With("request_id", lonely)),
                ];
                await stage.EachAsync(requests, async row =>
                {
                    // Whether the connection stays open is another requirement (PS-ERR-002).
                    await using var client = await stage.ConnectAsync("client");
                    var expectation = $"{lonely} as {row.Where} is refused";
                    var reply = await client.AnswerAsync(row.Request.To(stage.Target).ToString()).For(expectation);
                    stage.Expect.Error(reply, "BAD_REQUEST", expectation);
                });
            }
        }),

        new("PS-ROB-007", "half-closed", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var raw = await SubscribedAsync(stage, topic);

            raw.HalfClose();

            var closure = await raw.ClosedAsync();
            stage.Expect.True(closure is not null, "a client that ends its side of the connection is disconnected");
            await stage.Expect.EventuallyAsync<long?>(0, () => SubscribersAsync(stage, topic), "its subscription is no longer counted");
        }),

        new("PS-ROB-007", "half-closed-within-a-frame", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var raw = await SubscribedAsync(stage, topic);

            await raw.SendBytesAsync(Request.Ping().ToFrame().Encode().AsMemory(..^1));
            raw.HalfClose();

            var closure = await raw.ClosedAsync();
            stage.Expect.True(closure is not null, "a client that ends its side of the connection within a frame is disconnected");
            await stage.Expect.EventuallyAsync<long?>(0, () => SubscribersAsync(stage, topic), "its subscription is no longer counted");
        }),

        new("PS-ROB-008", "headers-that-never-end", async stage =>
        {
            var control = await stage.RawAsync("control");
            var silent = await stage.RawAsync("silent", NoHandshake);
            var begun = await stage.RawAsync("begun", NoHandshake);
            await begun.SendBytesAsync(Encoding.ASCII.GetBytes($"GET {stage.Target.WebSocket.AbsolutePath} HTTP/1.1\r\nHost: "));

            await silent.ReadToEndAsync();
            await begun.ReadToEndAsync();

            stage.Expect.True(true, "connections without a request, or with half of one, are closed");
            await control.SendAsync(Request.Ping().WithRequestId("still"));
            await control.ReadMessageAsync(message => message.RequestId == "still", "a pong on a connection that did shake hands");
        })
        { Launch = new Dictionary<string, string> { ["HANDSHAKE_TIMEOUT"] = "1" } },

        new("PS-ROB-008", "headers-drop-by-drop", async stage =>
        {
            // Fewer than the headers that a server may refuse as too many.
            const int enough = 60;
            var drops = 0;
            await stage.RawAsync("swift");
            var slow = await stage.RawAsync("slow", NoHandshake);
            var dripping = TryAsync(async () =>
            {
                await slow.SendBytesAsync(Encoding.ASCII.GetBytes($"GET {stage.Target.WebSocket.AbsolutePath} HTTP/1.1\r\n"));
                for (; drops < enough; drops++)
                {
                    await slow.SendBytesAsync(Encoding.ASCII.GetBytes($"X-{drops}: drip\r\n"));
                    await Task.Delay(TimeSpan.FromMilliseconds(250), stage.Time, stage.Cancellation);
                }
            });

            await slow.ReadToEndAsync(TimeSpan.FromSeconds(13));
            await dripping;

            stage.Expect.True(drops < enough, "a connection that goes on sending headers is closed before they end", $"{drops} headers");
        })
        { Launch = new Dictionary<string, string> { ["HANDSHAKE_TIMEOUT"] = "1" } },

        new("PS-ROB-009", "a-hundred-that-connect-and-hang", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            await stage.EachAsync(Enumerable.Range(0, 100), async i =>
            {
                var silent = await stage.RawAsync($"silent-{i}", NoHandshake);
                if (i % 2 == 0)
                {
                    await silent.SendBytesAsync(Encoding.ASCII.GetBytes($"GET {stage.Target.WebSocket.AbsolutePath} HTTP/1.1\r\nHost:"));
                }
            });

            await neighbours.UndisturbedAsync("beside 100 connections that hang");
            await NewcomersAreServedAsync(stage, "beside 100 connections that hang");
        })
        { IsLoad = true },

        new("PS-ROB-009", "a-hundred-that-upgrade-and-hang", async stage =>
        {
            var neighbours = await Neighbours.SettleAsync(stage);
            await stage.EachAsync(Enumerable.Range(0, 100), async i =>
            {
                var silent = await stage.RawAsync($"silent-{i}");
                if (i % 2 == 0)
                {
                    await silent.SendBytesAsync(Request.Ping().ToFrame().Encode().AsMemory(0, 5));
                }
            });

            await neighbours.UndisturbedAsync("beside 100 sessions that hang");
            await NewcomersAreServedAsync(stage, "beside 100 sessions that hang");
        })
        { IsLoad = true },

        new("PS-ROB-010", "one-too-many", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var first = await stage.SubscriberAsync("first", topic);
            var second = await stage.SubscriberAsync("second", topic);
            var publisher = await stage.ConnectAsync("publisher");

            for (var i = 0; i < 5; i++)
            {
                var answer = await (await stage.RawAsync("late", NoHandshake)).HandshakeAsync();
                stage.Expect.Status(503, answer, "a handshake beyond MAX_CONNECTIONS is refused");
                stage.Expect.Equal("LIMIT_EXCEEDED", answer.ErrorCode, "and told why");
            }

            await first.ReceivesExactlyAsync([], publisher, topic, "the open connections are undisturbed");
            await second.ReceivesExactlyAsync([], publisher, topic, "the open connections are undisturbed");
            stage.Expect.Status(200, await stage.Rest.ListTopicsAsync(), "REST is still served");
        })
        { Launch = new Dictionary<string, string> { ["MAX_CONNECTIONS"] = "3" } },

        new("PS-ROB-010", "room-again-when-one-leaves", async stage =>
        {
            var leaver = await stage.ConnectAsync("leaver");
            var vanisher = await stage.ConnectAsync("vanisher");
            await stage.ConnectAsync("stayer");
            stage.Require(await HandshakeAsync(stage) == 503, "the server is full");

            await leaver.CloseAsync().Given("one leaves");
            await stage.Expect.EventuallyAsync(101, () => HandshakeAsync(stage), "there is room when one has left");
            vanisher.Abort();
            await stage.Expect.EventuallyAsync(101, () => HandshakeAsync(stage), "there is room when one has vanished");
            stage.Expect.Equal(503, await HandshakeAsync(stage), "and no more room than that");
        })
        { Launch = new Dictionary<string, string> { ["MAX_CONNECTIONS"] = "3" } },

        new("PS-ROB-011", "one-too-many", async stage =>
        {
            string[] topics = [await stage.TopicAsync("a"), await stage.TopicAsync("b"), await stage.TopicAsync("c")];
            var extra = stage.FreshName("extra");

            var answer = await stage.Rest.CreateTopicAsync(extra);

            stage.Expect.Status(507, answer, "a topic beyond MAX_TOPICS is refused");
            stage.Expect.Equal("LIMIT_EXCEEDED", answer.ErrorCode, "and told why");
            stage.Expect.SameItems(
                topics, (await stage.Rest.ListTopicsAsync()).Topics?.Select(topic => topic.Name ?? "") ?? [], "nothing is created");
            stage.Expect.Status(409, await stage.Rest.CreateTopicAsync(topics[0]), "an existing topic is still an existing topic");

            await stage.Rest.DeleteTopicAsync(topics[1]).Succeeded();
            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(extra), "there is room when one has been deleted");
            stage.Expect.Status(507, await stage.Rest.CreateTopicAsync(stage.FreshName("more")), "and no more room than that");
        })
        { Launch = new Dictionary<string, string> { ["MAX_TOPICS"] = "3" } },

        new("PS-ROB-012", "two-kilobytes", stage => LimitAsync(stage))
        { Launch = new Dictionary<string, string> { ["MAX_MESSAGE_BYTES"] = "2048" } },

        new("PS-ROB-012", "two-hundred-kilobytes", stage => LimitAsync(stage))
        { Launch = new Dictionary<string, string> { ["MAX_MESSAGE_BYTES"] = "200000" } },
    ];

    private static string Nested(string open, string inner, string close, int depth) =>
        $"{string.Concat(Enumerable.Repeat(open, depth))}{inner}{string.Concat(Enumerable.Repeat(close, depth))}";

    /// <summary>A ping of exactly this many bytes, padded with white space.</summary>
    private static string LargePing(int bytes)
    {
        var ping = Request.Ping().WithRequestId("large").ToString();
        return $"{ping[..^1]}{new string(' ', bytes - ping.Length)}}}";
    }

    private static async Task<long?> SubscribersAsync(Stage stage, string topic) =>
        (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers;

    private static async Task<RawClient> SubscribedAsync(Stage stage, string topic)
    {
        var raw = await stage.RawAsync("subscriber");
        await raw.SendAsync(Request.Subscribe(topic, stage.FreshClientId("subscriber")));
        await raw.ReadMessageAsync(message => message.IsAck).Given("the subscribe is acked", "PS-SUB-001");
        stage.Require(await SubscribersAsync(stage, topic) == 1, "the subscription is counted", "PS-REST-005");
        return raw;
    }

    private static async Task<int> HandshakeAsync(Stage stage) =>
        (await (await stage.RawAsync("newcomer", NoHandshake)).HandshakeAsync()).Status;

    private static async Task NewcomersAreServedAsync(Stage stage, string when)
    {
        stage.Expect.Status(101, await (await stage.RawAsync("newcomer", NoHandshake)).HandshakeAsync(), $"{when} a handshake is answered");
        stage.Expect.True((await stage.Rest.ListTopicsAsync()).IsSuccess, $"{when} REST is answered");
    }

    private const int Depth = 10_000;
    private const int LongestDeep = 50_000; // bytes
    private const int LargestMessage = 1024 * 1024; // bytes

    /// <summary>
    /// The size of the largest message that is known to be accepted, so that one byte more is too large. The real limit may be larger than
    /// assumed, so some sizes are tried.
    /// </summary>
    private static async Task<int> LimitOfAsync(Stage stage)
    {
        int[] sizes = [stage.Limits.MessageBytes, 128 * 1024, LargestMessage];
        foreach (var size in sizes.Where(size => size >= stage.Limits.MessageBytes))
        {
            await using var client = await stage.ConnectAsync("large");
            if (await client.AnswerAsync(LargePing(size + 1)).IfAnswered() is null or { IsError: true })
            {
                return size;
            }
        }

        throw new Unsupported($"the target does not offer a limit of messages: {LargestMessage} bytes were accepted");
    }

    /// <summary>What is wrong with the refusal of a message that is too large; null if nothing is.</summary>
    private static async Task<string?> FlawOfRefusalAsync(Client client)
    {
        var reply = await client.NextAsync(message => message.IsReply, "an answer").IfAnswered();
        var closure = await client.ClosedAsync(TimeSpan.FromSeconds(11)).IfAnswered();
        return reply?.IsErrorOf("BAD_REQUEST") == true && closure?.Code == 1009
            ? null
            : $"{(reply is null ? "no error" : $"{reply}")}, then {closure?.ToString() ?? "an open connection"}";
    }

    private static async Task RefusedAsTooLargeAsync(Stage stage, Client client, string what)
    {
        stage.Supports(stage.Target.IsMessageLimitKnown, "a message limit that was found");
        var error = await client.NextAsync(message => message.IsReply, $"the answer to {what}");
        stage.Expect.Error(error, "BAD_REQUEST", $"{what} is answered with BAD_REQUEST");
        stage.Expect.Equal(1009, (await client.ClosedAsync(TimeSpan.FromSeconds(13))).Code, $"{what} ends in a Close with 1009");
    }

    /// <summary>Decisive: a message of the largest size is answered, whole or in fragments; with one byte more it is not.</summary>
    private static async Task LimitAsync(Stage stage)
    {
        var limit = stage.Limits.MessageBytes;
        var client = await stage.ConnectAsync("client");
        stage.Expect.True(!(await client.RequestAsync(LargePing(limit))).IsError, $"a request of {limit} bytes is accepted");
        await client.SendFramesAsync(Frame.Fragments(Encoding.UTF8.GetBytes(LargePing(limit)), 1000));
        var reply = await client.NextAsync(message => message.RequestId == "large", "the reply to a fragmented request");
        stage.Expect.True(!reply.IsError, $"a fragmented request of {limit} bytes is accepted", reply.ToString());

        await client.SendAsync(LargePing(limit + 1));
        await RefusedAsTooLargeAsync(stage, client, $"a request of {limit + 1} bytes");

        var other = await stage.ConnectAsync("other");
        await TryAsync(() => other.SendFramesAsync(Frame.Fragments(Encoding.UTF8.GetBytes(LargePing(limit + 1)), 1000)));
        await RefusedAsTooLargeAsync(stage, other, $"a fragmented request of {limit + 1} bytes");
    }

    /// <summary>One rude client after the other: each sends random frames or bytes and ends without a closing handshake.</summary>
    private static async Task BarrageAsync(Stage stage, string name, Random random, int clients)
    {
        for (var i = 0; i < clients; i++)
        {
            var rude = await stage.RawAsync($"{name}-{i}");
            await TryAsync(async () =>
            {
                for (var j = 0; j < 10; j++)
                {
                    var bytes = new byte[random.Next(300)];
                    random.NextBytes(bytes);
                    await (random.Next(4) == 0 ? rude.SendBytesAsync(bytes) : rude.SendAsync(new Frame((Opcode)random.Next(16), bytes)
                    {
                        Final = random.Next(3) > 0,
                        Reserved = random.Next(5) == 0 ? random.Next(8) : 0,
                        Masked = random.Next(10) > 0,
                        ClaimedLength = random.Next(10) == 0 ? random.NextInt64() : null,
                    }));
                }
            });

            // The others stay open to the end; they are fewer than Scenario.UsualConnections.
            if (random.Next(3) > 0)
            {
                rude.Abort();
            }
        }
    }

    /// <summary>Sends to a server that may close the connection at any moment, which is allowed.</summary>
    private static async Task TryAsync(Func<Task> send)
    {
        try
        {
            await send();
        }
        catch (Violation)
        {
            // The server closed the connection, or stopped reading.
        }
    }

    /// <summary>A subscriber and a publisher that do nothing unusual and must keep working.</summary>
    private sealed class Neighbours(Stage stage, string topic, Client subscriber, Client publisher)
    {
        private int _sent;

        public string Topic => topic;

        /// <summary>The two on a topic of their own, once a message has been delivered.</summary>
        public static async Task<Neighbours> SettleAsync(Stage stage)
        {
            var topic = await stage.TopicAsync("orders");
            var neighbours = new Neighbours(
                stage, topic, await stage.SubscriberAsync("subscriber", topic), await stage.ConnectAsync("publisher"));
            await neighbours.WorkAsync();
            return neighbours;
        }

        /// <summary>As a precondition, the subscriber receives what the publisher publishes.</summary>
        public async Task WorkAsync()
        {
            var id = $"polite-{++_sent}";
            await publisher.PublishAsync(topic, id).Acked();
            var delivered = await subscriber.NextEventAsync(topic).Given("a message reaches the subscriber");
            stage.Require(delivered.MessageId == id, "a message reaches the subscriber unchanged", "PS-PUB-006");
        }

        /// <summary>Decisive even if the rude clients cannot go on: a server that died of them may be restarting just then.</summary>
        public async Task UndisturbedByAsync(Func<Task> rudeness, string when)
        {
            try
            {
                await rudeness();
            }
            catch (Exception e) when (e is Inconclusive or Violation)
            {
                await UndisturbedAsync(when);
                throw;
            }

            await UndisturbedAsync(when);
        }

        /// <summary>Decisive: the subscriber receives what the publisher publishes.</summary>
        public async Task UndisturbedAsync(string when)
        {
            for (var i = 0; i < 5; i++)
            {
                var id = $"polite-{++_sent}";
                var acked = $"{when} the others are undisturbed: a publish is acked";
                var received = $"{when} the others are undisturbed: every message is received";
                stage.Expect.Acked(await publisher.PublishAsync(topic, id).For(acked), acked);
                stage.Expect.Equal(id, (await subscriber.NextEventAsync(topic).For(received)).MessageId, received);
            }
        }
    }
}
