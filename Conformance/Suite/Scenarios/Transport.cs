using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Transport
{
    private const string Answered = "A Ping is answered with a Pong";

    private static readonly Dictionary<string, string?> PlainHttp = new()
    {
        ["Upgrade"] = null,
        ["Connection"] = null,
        ["Sec-WebSocket-Key"] = null,
        ["Sec-WebSocket-Version"] = null,
    };

    private static readonly (string What, Dictionary<string, string?> Headers)[] NoHandshakes =
    [
        ("a plain GET", PlainHttp),
        ("a handshake without Upgrade", new() { ["Upgrade"] = null }),
        ("a handshake that upgrades to something else", new() { ["Upgrade"] = "h2c" }),
        ("a handshake without Connection", new() { ["Connection"] = null }),
        ("a handshake whose Connection does not say Upgrade", new() { ["Connection"] = "keep-alive" }),
        ("a handshake without a key", new() { ["Sec-WebSocket-Key"] = null }),
        ("a handshake without a version", new() { ["Sec-WebSocket-Version"] = null }),
        ("a handshake of version 8", new() { ["Sec-WebSocket-Version"] = "8" }),
        ("a handshake of version 14", new() { ["Sec-WebSocket-Version"] = "14" }),
    ];

    private static readonly Frame[] ReservedOpcodes =
        [.. new[] { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 }.Select(opcode => new Frame((Opcode)opcode, Probe("reserved").Payload))];

    private static readonly Frame[] ReservedBits =
    [
        .. new[] { 4, 2, 1, 7 }
            .SelectMany(bits => new[] { Probe("reserved") with { Reserved = bits }, Frame.Ping("x") with { Reserved = bits } }),
    ];

    private static readonly (string What, Frame[] Frames)[] ControlFrames =
    [
        ("a fragmented Ping", [Frame.Ping("a") with { Final = false }, Frame.Continuation("b")]),
        ("a fragmented Close", [Frame.Close() with { Final = false }]),
        ("a Ping of 126 bytes", [Frame.Ping(new string('p', 126))]),
        ("a Pong of 126 bytes", [Frame.Pong(new byte[126])]),
        ("a Close of 126 bytes", [Frame.Close(1000, new string('c', 124))]),
    ];

    private static readonly (string What, Frame[] Frames)[] Fragmentation =
    [
        ("a continuation without a start", [Frame.Continuation(Probe("lost").TextPayload)]),
        ("a continuation after a whole message", [Probe("whole"), Frame.Continuation("")]),
        ("a new message within an unfinished one", [Probe("unfinished") with { Final = false }, Probe("new")]),
        (
            "a new unfinished message within an unfinished one",
            [Probe("unfinished") with { Final = false }, Probe("new") with { Final = false }]),
    ];

    private static readonly (string What, Frame[] Frames)[] Closes =
    [
        ("a Close with a payload of 1 byte", [new(Opcode.Close, new byte[] { 3 })]),
        .. new[] { 0, 999, 1004, 1005, 1006, 1015, 1016, 5000 }
            .Select(code => ($"a Close with the code {code}", new[] { Frame.Close(code) })),
    ];

    private static readonly Frame NegativeLength = Probe("negative") with { ClaimedLength = long.MinValue + 5, LengthBytes = 8 };

    private static readonly (string What, Frame[] Frames)[] InvalidTexts =
    [
        ("a byte that is never legal", [Quoting(0xff)]),
        ("a continuation byte on its own", [Quoting(0x80)]),
        ("an overlong slash", [Quoting(0xc0, 0xaf)]),
        ("an overlong euro sign", [Quoting(0xf0, 0x82, 0x82, 0xac)]),
        ("an encoded surrogate", [Quoting(0xed, 0xa0, 0x80)]),
        ("an encoded pair of surrogates", [Quoting(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)]),
        ("a character beyond U+10FFFF", [Quoting(0xf4, 0x90, 0x80, 0x80)]),
        ("a sequence that ends too early", [Quoting(0xe2, 0x82)]),
        ("a text that ends within a character", [new(Opcode.Text, Bytes(Probe("cut"), 0xe2, 0x82))]),
        ("an invalid byte in the first of two fragments", [Quoting(0xff) with { Final = false }, Frame.Continuation(" ")]),
        (
            "an invalid byte in the last of two fragments",
            [Probe("split") with { Final = false }, new(Opcode.Continuation, new byte[] { 0xff })]),
        ("a sequence that breaks off between two fragments",
            [new(Opcode.Text, Bytes(Probe("split"), 0xe2, 0x82)) { Final = false }, Frame.Continuation(" ")]),
        ("a text that ends within a character, before an empty fragment",
            [new(Opcode.Text, Bytes(Probe("split"), 0xe2, 0x82)) { Final = false }, Frame.Continuation("")]),
    ];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-WS-001", "the-key-of-the-standard", async stage =>
        {
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });

            var answer = await raw.HandshakeAsync(new Dictionary<string, string?> { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==" });

            stage.Expect.Status(101, answer, "a handshake is answered with 101");
            stage.Expect.Equal(
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer.Header("Sec-WebSocket-Accept"), "the key is accepted as RFC 6455 says");
        }),

        new("PS-WS-001", "a-key-of-ones-own", async stage =>
        {
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
            var key = Convert.ToBase64String(Guid.NewGuid().ToByteArray());

            var answer = await raw.HandshakeAsync(new Dictionary<string, string?> { ["Sec-WebSocket-Key"] = key });

            stage.Expect.Status(101, answer, "a handshake is answered with 101");
            stage.Expect.Equal(RawClient.AcceptFor(key), answer.Header("Sec-WebSocket-Accept"), "the accept belongs to this key");
        }),

        new("PS-WS-001", "as-browsers-write-it", async stage =>
        {
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });

            var answer = await raw.HandshakeAsync(new Dictionary<string, string?>
            {
                ["Upgrade"] = "WebSocket",
                ["Connection"] = "keep-alive, upgrade",
            });

            stage.Expect.Status(101, answer, "case and further connection options make no difference to a handshake");
        }),

        new("PS-WS-001", "byte-by-byte", async stage =>
        {
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
            var path = stage.Target.WebSocket;
            var request = $"GET {Http.WithQuery(path.AbsolutePath, stage.Target.Query)} HTTP/1.1\r\nUpgrade: websocket\r\n"
                + $"Connection: Upgrade\r\n{stage.Target.HeaderLines(path)}"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            var bytes = Encoding.ASCII.GetBytes(request);

            const int begun = 20;
            await raw.SendInPiecesAsync(bytes.AsMemory(..begun), 1);

            // Otherwise everything may have arrived before the server reads.
            await Task.Delay(TimeSpan.FromMilliseconds(100), stage.Time, stage.Cancellation);
            await raw.SendInPiecesAsync(bytes.AsMemory(begun..^1), 1);
            var answer = await raw.HandshakeBytesAsync(bytes.AsMemory(^1..));

            stage.Expect.Status(101, answer, "a handshake that arrives byte by byte is answered with 101");
        }),

        new("PS-WS-002", "no-success-without-a-handshake", async stage =>
        {
            await stage.RawAsync("control");

            foreach (var (what, headers) in NoHandshakes)
            {
                var status = await AnswerAsync(stage, "GET", headers);
                stage.Expect.True(status is not (>= 200 and < 300), $"{what} is not answered with success", $"{status}");
            }
        }),

        new("PS-WS-002", "no-success-for-other-methods", async stage =>
        {
            await stage.RawAsync("control");

            foreach (var method in (string[])["HEAD", "POST", "PUT", "DELETE"])
            {
                var status = await AnswerAsync(stage, method, new(PlainHttp) { ["Content-Length"] = "0" });
                stage.Expect.True(status is not (>= 200 and < 300), $"a plain {method} is not answered with success", $"{status}");
            }
        }),

        new("PS-WS-003", "upgrade-required", async stage =>
        {
            foreach (var (what, headers) in NoHandshakes)
            {
                var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
                var answer = await raw.HandshakeAsync(headers);
                stage.Expect.Status(426, answer, $"{what} is answered with Upgrade Required");
                stage.Expect.Equal("13", answer.Header("Sec-WebSocket-Version"), $"{what} is told the version that works");
            }
        }),

        new("PS-WS-003", "a-key-that-is-none", async stage =>
        {
            var plain = await (await stage.RawAsync("plain", new ConnectOptions { Handshake = false })).HandshakeAsync(PlainHttp);
            stage.Supports(plain.Status == 426, "426 for a request that is no handshake (PS-WS-003)");
            foreach (var key in (string[])["", "short", "c2hvcnQ=", "not base64, not at all!!"])
            {
                var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
                var answer = await raw.HandshakeAsync(new Dictionary<string, string?> { ["Sec-WebSocket-Key"] = key });
                stage.Expect.Status(426, answer, $"the key '{key}', which is not 16 bytes in base64, makes no handshake");
            }
        }),

        new("PS-WS-004", "every-kind-of-message", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var raw = await stage.RawAsync("client");

            await raw.SendAsync(Request.Subscribe(topic, stage.FreshClientId("client")));
            await raw.SendAsync(Request.Publish(topic, "m1", "\"\u00e9\u4e2d\u2028\U0001f600\""));
            await raw.SendAsync(Request.Subscribe(stage.FreshName("nowhere"), stage.FreshClientId("client")));
            await raw.SendAsync(Request.Ping().WithRequestId("last"));

            var messages = new List<ServerMessage>();
            do
            {
                messages.Add(await raw.ReadMessageAsync().Given("every request is answered", "PS-ENV-007"));
            }
            while (messages[^1].RequestId != "last");

            // Some servers close the connection on these; other requirements cover that.
            foreach (var text in new[] { "{", Request.Of("nonsense").ToString() })
            {
                var broken = await stage.RawAsync("broken");
                await broken.SendTextAsync(text);
                if (await broken.ReadMessageAsync(message => !message.IsInfo).IfAnswered() is { } answer)
                {
                    messages.Add(answer);
                }
            }

            foreach (var message in messages)
            {
                stage.Expect.True(
                    message.IsText && message.IsObject,
                    "every server message is one text message holding one JSON object",
                    message.ToString());
            }

            stage.Require(messages.Any(message => message.IsAck), "an ack has come", "PS-PUB-001");
            stage.Require(messages.Any(message => message.IsError), "an error has come", "PS-ERR-001");
            stage.Require(messages.Any(message => message.IsEvent), "an event has come", "PS-FAN-001");
        })
        { Danger = Danger.Refusal },

        new("PS-WS-005", "two-fragments", stage =>
            SameEffectAsync(stage, "two fragments", bytes => Frame.Fragments(bytes, (bytes.Length + 1) / 2))),

        new("PS-WS-005", "within-a-character", async stage =>
        {
            foreach (var size in (int[])[2, 3, 5, 7])
            {
                await SameEffectAsync(stage, $"fragments of {size} bytes, which cut characters", bytes => Frame.Fragments(bytes, size));
            }
        }),

        new("PS-WS-005", "one-byte-each", stage =>
            SameEffectAsync(stage, "fragments of one byte each", bytes => Frame.Fragments(bytes, 1))),

        new("PS-WS-005", "empty-fragments", stage => SameEffectAsync(stage, "empty fragments before, within and after", bytes =>
        {
            var empty = Frame.Continuation("") with { Final = false };
            var start = Frame.Text("") with { Final = false };
            var half = bytes.Length / 2;
            var first = new Frame(Opcode.Continuation, bytes[..half]) { Final = false };
            var second = new Frame(Opcode.Continuation, bytes[half..]) { Final = false };
            return [start, empty, first, empty, empty, second, Frame.Continuation("")];
        })),

        new("PS-WS-005", "one-byte-at-a-time-on-the-wire", async stage =>
        {
            const int alone = 20; // bytes, of the first frames and their headers
            var raw = await stage.RawAsync("client");
            var clock = await stage.ConnectAsync("clock");
            await AnsweredAsync(raw);
            var bytes = Frame.Fragments(Probe("drip \u20ac \U0001f600", stage).Payload, 3).SelectMany(frame => frame.Encode()).ToArray();

            // The server may read several quick writes at once, so each of these gets the time of a round trip.
            for (var at = 0; at < alone; at++)
            {
                await raw.SendBytesAsync(bytes.AsMemory(at, 1));
                await clock.PingAsync();
            }

            await raw.SendInPiecesAsync(bytes.AsMemory(alone), 1);

            await raw.ReadMessageAsync(
                message => message is { IsReply: true, RequestId: "drip \u20ac \U0001f600" },
                "the reply to a request that arrived byte by byte");
            stage.Expect.True(true, "neither fragments nor TCP segments have a meaning");
        }),

        new("PS-WS-005", "lengths-of-every-form", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.SubscriberAsync("client", topic);
            await client.PublishAsync(topic, "plain").Acked();
            await client.NextEventAsync(topic).Given("a message is delivered");
            foreach (var length in ((int[])[1, 60, 125, 126, 127, 300, 16_000, 32_767, 32_768, 40_000]).Where(stage.Takes))
            {
                var payload = Json.Quote(new string('x', length));
                stage.Expect.Acked(
                    await client.PublishAsync(topic, $"m{length}", payload), $"a payload of {length} characters is accepted");
                stage.Expect.Equal(
                    payload, (await client.NextEventAsync(topic)).Payload, $"a payload of {length} characters is delivered whole");
            }
        }),

        new("PS-WS-006", "ping-between-fragments", async stage =>
        {
            var raw = await stage.RawAsync("client");
            await AnsweredAsync(raw);
            foreach (var length in (int[])[0, 1, 125])
            {
                var id = $"around-{length}";
                var payload = new string('p', length);
                var halves = Frame.Fragments(Probe(id, stage).Payload, 20);

                await raw.SendAsync([halves[0], Frame.Ping(payload), .. halves.Skip(1)]);

                var (pong, reply) = await PongAndReplyAsync(raw, payload, stage.Target.RequestIds.Spell(id));
                stage.Expect.Equal(payload, pong, $"a Ping of {length} bytes between fragments is answered");
                stage.Expect.True(reply, $"the request around a Ping of {length} bytes is answered");
            }
        }),

        new("PS-WS-006", "a-pong-between-fragments", async stage =>
        {
            var raw = await stage.RawAsync("client");
            await AnsweredAsync(raw);
            var halves = Frame.Fragments(Probe("around", stage).Payload, 20);

            await raw.SendAsync([halves[0], Frame.Pong("unasked"u8.ToArray()), Frame.Ping("asked"), .. halves.Skip(1)]);

            var (pong, reply) = await PongAndReplyAsync(raw, "asked", stage.Target.RequestIds.Spell("around"));
            stage.Expect.Equal("asked", pong, "a Ping after an unsolicited Pong is answered");
            stage.Expect.True(reply, "the request around them is answered");
        }),

        new("PS-WS-007", "the-same-data-back", async stage =>
        {
            var raw = await stage.RawAsync("client");
            foreach (var payload in (byte[][])[[], [0], [0xff, 0xfe, 0x80], [.. Enumerable.Range(0, 125).Select(i => (byte)(i * 7))]])
            {
                await raw.SendAsync(new Frame(Opcode.Ping, payload));

                var pongs = await PongsAsync(stage, raw, payload);
                stage.Expect.Equal(Convert.ToHexString(payload), pongs[^1], $"the Pong carries the {payload.Length} bytes of the Ping");
            }
        }),

        new("PS-WS-007", "many-pings-at-once", async stage =>
        {
            var raw = await stage.RawAsync("client");

            await raw.SendTogetherAsync([.. Enumerable.Range(1, 50).Select(i => Frame.Ping($"ping {i}"))]);

            // RFC 6455 section 5.5.3 lets a server answer the most recent one only.
            var pongs = await PongsAsync(stage, raw, "ping 50"u8.ToArray());
            var answered = pongs.Count(pong => pong.StartsWith(Convert.ToHexString("ping "u8), StringComparison.Ordinal));
            stage.Expect.True(
                answered <= 50 && pongs[^1] == Convert.ToHexString("ping 50"u8),
                "no more Pongs than Pings, the last for the last Ping",
                $"{answered} Pongs");
            stage.Expect.Observe("Pongs for 50 Pings sent at once", answered);
        }),

        new("PS-WS-007", "an-unsolicited-pong-is-no-ping", async stage =>
        {
            var raw = await stage.RawAsync("client");
            await AnsweredAsync(raw);

            await raw.SendAsync(Frame.Pong("unasked"u8.ToArray()), Frame.Pong(default), Frame.Ping("asked"));

            // The server may also send Pongs of its own, but none with the data of the client's.
            var pongs = await PongsAsync(stage, raw, "asked"u8.ToArray());
            stage.Expect.True(
                pongs[^1] == Convert.ToHexString("asked"u8) && !pongs.Contains(Convert.ToHexString("unasked"u8)),
                "only the Ping is answered",
                string.Join(", ", pongs));
            await raw.SendAsync(Probe("afterwards"));
            await raw.ReadMessageAsync(message => message.RequestId == "afterwards", "the reply to a request after an unsolicited Pong");
        }),

        new("PS-WS-008", "answered-and-closed", async stage =>
        {
            foreach (var code in (int?[])[null, 1000, 1001, 1011, 3000, 4999])
            {
                var client = await stage.ConnectAsync("client", ConnectOptions.LeavesEndToServer);
                await client.PingAsync().Given("the connection works");

                var closure = await client.CloseAsync(code, code is null ? "" : "goodbye");

                stage.Expect.True(
                    closure.CloseFrame, $"a Close with {code?.ToString() ?? "no code"} is answered with a Close", closure.ToString());
                stage.Expect.Observe($"the answer to a Close with {code?.ToString() ?? "no code"}", closure.Code);
            }
        }),

        new("PS-WS-008", "within-an-unfinished-message", async stage =>
        {
            var raw = await stage.RawAsync("client", ConnectOptions.LeavesEndToServer);
            await AnsweredAsync(raw);

            await raw.SendAsync(Probe("unfinished") with { Final = false }, Frame.Close());

            stage.Expect.True((await raw.ClosedAsync()).CloseFrame, "a Close between fragments is answered with a Close", $"{raw.Closure}");
        }),

        new("PS-WS-016", "close-and-fin", async stage =>
        {
            const int Rounds = 5;
            string[] ids = [.. Enumerable.Range(1, 20).Select(n => $"r{n}")];
            for (var round = 0; round < Rounds; round++)
            {
                var raw = await stage.RawAsync("leaver", ConnectOptions.LeavesEndToServer);
                await AnsweredAsync(raw);

                await raw.SendTogetherAsync([.. ids.Select(id => Request.Ping().WithRequestId(id).ToFrame()), Frame.Close(1000)]);
                raw.HalfClose();

                foreach (var id in ids)
                {
                    await raw.ReadMessageAsync(message => message.RequestId == id, $"the pong {id}")
                        .For("a request before the end of the client's direction is answered");
                }

                stage.Expect.True(
                    (await raw.ClosedAsync()).CloseFrame,
                    "a Close before the end of the client's direction is answered with a Close",
                    $"{raw.Closure}");
            }
        }),

        new("PS-WS-008", "nothing-after-the-close-frame", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var raw = await stage.RawAsync("leaver");
            await publisher.PublishAsync(topic, "before").Acked();
            await raw.SendAsync(Request.Subscribe(topic, stage.FreshClientId("leaver")).WithRequestId("s"));
            await raw.ReadMessageAsync(message => message.IsAck).Given("the leaver is subscribed", "PS-SUB-001");

            var publishing = publisher.PublishAllAsync(topic, Enumerable.Range(1, 200).Select(i => $"m{i}"));
            await raw.ReadMessageAsync(message => message.IsEvent).Given("events are on their way to the leaver", "PS-FAN-001");
            await raw.SendAsync(Frame.Close());
            var frames = new List<Frame>();
            while (await raw.ReadFrameAsync() is { } frame)
            {
                frames.Add(frame);
            }

            await publishing;
            var close = frames.FindIndex(frame => frame.Opcode == Opcode.Close);
            stage.Expect.True(close >= 0, "a Close is answered with a Close", $"{frames.Count} other frames and {raw.Closure}");
            stage.Expect.Equal(frames.Count - 1, close, "the Close is the last frame, while events of a topic go on");
        }),

        new("PS-WS-009", "the-code-comes-back", async stage =>
        {
            foreach (var code in (int[])[1000, 1001, 1011, 3000, 4000, 4999])
            {
                var client = await stage.ConnectAsync("client");
                var closure = await client.CloseAsync(code, "goodbye \u20ac").Given("the connection ends");
                stage.Expect.Equal(code, closure.Code, $"a Close with {code} and a reason is answered with {code}");
            }
        }),

        new("PS-WS-010", "unmasked-frame", stage => EndsAsync(stage, "an unmasked request", Probe("unmasked") with { Masked = false })),

        new("PS-WS-010", "unmasked-control-frame", async stage =>
        {
            await EndsAsync(stage, "an unmasked Ping", Frame.Ping("bare") with { Masked = false });
            await EndsAsync(
                stage,
                "an unmasked continuation",
                [.. Frame.Fragments(Probe("bare").Payload, 20).Select((frame, i) => frame with { Masked = i == 0 })]);
        }),

        new("PS-WS-011", "reserved-opcode", async stage =>
        {
            foreach (var frame in ReservedOpcodes)
            {
                await EndsAsync(stage, $"a frame with the reserved opcode {(int)frame.Opcode}", frame);
            }
        }),

        new("PS-WS-011", "reserved-bit", async stage =>
        {
            foreach (var frame in ReservedBits)
            {
                await EndsAsync(stage, $"a {frame.Opcode} frame with the reserved bits {frame.Reserved}", frame);
            }
        }),

        new("PS-WS-011", "control-frame", stage => EndAsync(stage, ControlFrames)),

        new("PS-WS-011", "fragmentation", stage => EndAsync(stage, Fragmentation)),

        new("PS-WS-011", "negative-length", async stage =>
        {
            await stage.ListedTopicAsync();
            await EndsAsync(stage, "a length with its highest bit set", NegativeLength);
        }),

        new("PS-WS-011", "close-that-may-not-be-sent", stage => EndAsync(stage, Closes)),

        new("PS-WS-012", "invalid-utf-8", async stage =>
        {
            var raw = await stage.RawAsync("control");
            await raw.SendAsync(Quoting(0xe2, 0x82, 0xac));
            await raw.ReadMessageAsync(message => message.RequestId == "\u20ac")
                .Given("the same request in valid UTF-8 is answered", "PS-ENV-009");

            await EndAsync(stage, InvalidTexts);
        }),

        new("PS-WS-013", "framing-error-1002", async stage =>
        {
            (string What, Frame[] Frames)[] errors =
            [
                ("an unmasked request", [Probe("unmasked") with { Masked = false }]),
                .. ReservedOpcodes.Select(frame => ($"the reserved opcode {(int)frame.Opcode}", new[] { frame })),
                .. ReservedBits.Select(frame => ($"a {frame.Opcode} frame with the reserved bits {frame.Reserved}", new[] { frame })),
                .. ControlFrames,
                .. Fragmentation,
                .. Closes,
            ];
            await Task.WhenAll(errors.Select(async error =>
            {
                var closure = await OffendAsync(stage, error.Frames).Given($"{error.What} ends the connection");
                stage.Expect.Equal(1002, closure.Code, $"{error.What} is a protocol error");
            }));
        }),

        new("PS-WS-013", "invalid-utf-8-1007", async stage =>
        {
            stage.Supports(await ClosesAsync(stage), CloseFrames);
            foreach (var (what, frames) in InvalidTexts)
            {
                var closure = await OffendAsync(stage, frames).Given($"{what} ends the connection");
                stage.Expect.Equal(1007, closure.Code, $"{what} is invalid data");
            }
        }),

        new("PS-WS-013", "close-reason-that-is-no-text", async stage =>
        {
            stage.Supports(await ClosesAsync(stage), CloseFrames);
            byte[] payload = [.. Frame.Close(1000).Payload.Span, 0xff, 0xfe];

            var closure = await OffendAsync(stage, new Frame(Opcode.Close, payload))
                .Given("a Close with a reason in invalid UTF-8 ends the connection");

            stage.Expect.OneOf<int?>([1002, 1007], closure.Code, "a Close with a reason in invalid UTF-8 is an error, framing or data");
        }),

        new("PS-WS-014", "a-foreign-origin", async stage =>
        {
            await stage.RawAsync("control");
            var here = stage.Target.HostAt(stage.Target.WebSocket);
            string[] origins =
            [
                "http://evil.example", "https://evil.example", $"http://{here}.evil.example", $"http://evil.example/{here}",
                $"http://evil-{here}", "null",
            ];
            foreach (var origin in origins)
            {
                var raw = await stage.RawAsync("page", new ConnectOptions { Handshake = false });
                var answer = await raw.HandshakeAsync(new Dictionary<string, string?> { ["Origin"] = origin });
                stage.Expect.Status(403, answer, $"a handshake from the origin {origin} is refused");
            }
        }),

        new("PS-WS-014", "the-same-host-or-none", async stage =>
        {
            stage.Supports(
                stage.Target.Origin is null && stage.Target.Header("Origin") is null,
                "handshakes from any other origin than the one that the options name");
            var here = $"{Target.Http(stage.Target.WebSocket).Scheme}://{stage.Target.HostAt(stage.Target.WebSocket)}";
            foreach (var origin in (string?[])[null, here])
            {
                var raw = await stage.RawAsync("page", new ConnectOptions { Handshake = false });
                var answer = await raw.HandshakeAsync(new Dictionary<string, string?> { ["Origin"] = origin });
                stage.Expect.Status(101, answer, $"a handshake from {origin ?? "no origin"} is accepted");
            }
        }),

        new("PS-WS-015", "nothing-offered-nothing-named", async stage =>
        {
            // Headers that the options of the run add to every handshake are an offer too.
            var (extensions, protocols) = Offered(stage.Target);
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });

            var answer = await raw.HandshakeAsync();

            stage.Require(answer.Status == 101, "the handshake succeeds");
            stage.Expect.Equal(
                null, NotOffered(answer.Header("Sec-WebSocket-Extensions"), extensions), "no extension is named that was not offered");
            stage.Expect.Equal(
                null, NotOffered(answer.Header("Sec-WebSocket-Protocol"), protocols), "no subprotocol is named that was not offered");
        }),

        new("PS-WS-015", "only-what-was-offered", async stage =>
        {
            await stage.ListedTopicAsync();
            string[] offers =
            [
                "permessage-deflate",
                "permessage-deflate; client_max_window_bits; server_no_context_takeover",
                "permessage-deflate; server_max_window_bits=77; unheard_of=1",
                "x-webkit-deflate-frame, mux; max-channels=4",
            ];
            var (given, protocols) = Offered(stage.Target);
            string[] subprotocols = [.. protocols, "pubsub.v9", "chat"];
            foreach (var offer in offers.Select(offer => string.Join(", ", given.Append(offer))))
            {
                var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
                var answer = await raw.HandshakeAsync(new Dictionary<string, string?>
                {
                    ["Sec-WebSocket-Extensions"] = offer,
                    ["Sec-WebSocket-Protocol"] = string.Join(", ", subprotocols),
                });

                stage.Require(answer.Status == 101, "offers do not keep a handshake from succeeding");
                var extensions = answer.Header("Sec-WebSocket-Extensions");
                stage.Expect.True(
                    Names(extensions).All(Names(offer).Contains), $"no other extension is named than those of '{offer}'", $"{extensions}");
                stage.Expect.OneOf(
                    [null, .. subprotocols], answer.Header("Sec-WebSocket-Protocol"), "no other subprotocol is named than those offered");
                stage.Expect.Observe($"extensions for '{offer}'", extensions);
                if (extensions is null)
                {
                    await raw.SendAsync(Probe("plain"));
                    await raw.ReadMessageAsync(
                        message => message is { IsReply: true, RequestId: "plain" },
                        "an uncompressed reply on a connection without extensions");
                }
            }
        }),
    ];

    private const string CloseFrames = "a Close frame when it ends a connection (PS-WS-013)";
    private const int Overhead = 500; // bytes of a publish beside its payload, at most

    /// <summary>Whether a connection that the server ends for a framing error ends with a Close frame.</summary>
    private static async Task<bool> ClosesAsync(Stage stage) =>
        (await OffendAsync(stage, Probe("unmasked") with { Masked = false })
            .Given("an unmasked request ends the connection", "PS-WS-010")).CloseFrame;

    /// <summary>As a precondition, a ping in one frame is answered.</summary>
    private static async Task AnsweredAsync(RawClient raw)
    {
        await raw.SendAsync(Probe("control"));
        await raw.ReadMessageAsync(message => message is { IsReply: true, RequestId: "control" })
            .Given("a ping in one frame is answered", "PS-PING-001");
    }

    private static Frame Probe(string requestId) => Request.Ping().WithRequestId(requestId).ToFrame();

    /// <summary>The same as the target needs it, for a frame that is cut into pieces.</summary>
    private static Frame Probe(string requestId, Stage stage) => Request.Ping().WithRequestId(requestId).To(stage.Target).ToFrame();

    /// <summary>A ping whose request_id is these bytes.</summary>
    private static Frame Quoting(params byte[] bytes) =>
        new(Opcode.Text, (byte[])[.. "{\"type\":\"ping\",\"request_id\":\""u8, .. bytes, .. "\"}"u8]);

    private static byte[] Bytes(Frame frame, params byte[] more) => [.. frame.Payload.Span, .. more];

    /// <summary>The extensions and subprotocols, verbatim, that the options of the run offer with every handshake.</summary>
    private static (IReadOnlyList<string> Extensions, IReadOnlyList<string> Protocols) Offered(Target target) =>
        (List(target.Header("Sec-WebSocket-Extensions")), List(target.Header("Sec-WebSocket-Protocol")));

    private static string[] List(string? header) =>
        header?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The answer's header if it names anything that was not offered, otherwise null.</summary>
    private static string? NotOffered(string? named, IReadOnlyList<string> offered) =>
        Names(named).All(Names(string.Join(',', offered)).Contains) ? null : named;

    private static IEnumerable<string> Names(string? extensions) =>
        List(extensions).Select(offer => offer.Split(';')[0].Trim());

    /// <summary>The status of the answer; null if the server closed the connection instead.</summary>
    private static async Task<int?> AnswerAsync(Stage stage, string method, Dictionary<string, string?> headers)
    {
        var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
        try
        {
            return (await raw.HandshakeAsync(headers, method: method)).Status;
        }
        catch (Violation)
        {
            // A missing answer is not a success either.
            return null;
        }
    }

    /// <summary>A request cut into frames in this way is acked, and its message is delivered, as if it were whole.</summary>
    private static async Task SameEffectAsync(Stage stage, string cut, Func<ReadOnlyMemory<byte>, IReadOnlyList<Frame>> fragments)
    {
        var topic = await stage.TopicAsync("orders");
        var publisher = await stage.SubscriberAsync("publisher", topic);
        const string payload = "{\"greeting\":\"gr\u00fc\u00df Gott \u4e2d\u6587 \U0001f600\"}";
        await publisher.PublishAsync(topic, "whole", payload).Acked();
        await publisher.NextEventAsync(topic).Given("a publish in one frame is delivered");
        var whole = Request.Publish(topic, "m1", payload).WithRequestId("fragmented").To(stage.Target).ToFrame().Payload;

        await publisher.SendFramesAsync(fragments(whole));

        var reply = await publisher.NextAsync(message => message.RequestId == "fragmented", $"the reply to a publish in {cut}");
        stage.Expect.Acked(reply, $"a publish in {cut} is acked");
        stage.Expect.JsonEqual(payload, (await publisher.NextEventAsync(topic)).Payload, $"a publish in {cut} is delivered whole");
    }

    private static async Task EndAsync(Stage stage, IEnumerable<(string What, Frame[] Frames)> offences)
    {
        foreach (var (what, frames) in offences)
        {
            await EndsAsync(stage, what, frames);
        }
    }

    /// <summary>Decisive: these frames end a connection that worked before.</summary>
    private static async Task EndsAsync(Stage stage, string what, params Frame[] frames)
    {
        var closure = default(Closure);
        try
        {
            closure = await OffendAsync(stage, frames);
        }
        catch (Violation violation)
        {
            stage.Expect.Fail($"{what} ends the connection", "the end of the connection", violation.Observed);
        }

        stage.Expect.True(closure is not null, $"{what} ends the connection");
        stage.Expect.Observe($"the end after {what}", closure);
    }

    private static async Task<Closure> OffendAsync(Stage stage, params Frame[] frames)
    {
        var rude = await stage.RawAsync("rude");
        await AnsweredAsync(rude);
        await rude.SendTogetherAsync(frames);
        return await rude.ClosedAsync();
    }

    /// <summary>
    /// The data, in hexadecimal, of every Pong up to the one with this data; if that does not arrive, of all that did. RFC 6455, section
    /// 5.5.3, lets a server send other Pongs unasked.
    /// </summary>
    private static async Task<IReadOnlyList<string>> PongsAsync(Stage stage, RawClient raw, ReadOnlyMemory<byte> data)
    {
        var pongs = new List<string>();
        try
        {
            while (await raw.ReadFrameAsync(pongs.Count == 0 ? null : stage.Target.Timeouts.Wait / 5) is { } frame)
            {
                if (frame.Opcode == Opcode.Pong)
                {
                    pongs.Add(Convert.ToHexString(frame.Payload.Span));
                    if (frame.Payload.Span.SequenceEqual(data.Span))
                    {
                        return pongs;
                    }
                }
            }
        }
        catch (Violation) when (pongs.Count > 0)
        {
            // The expected Pong is not among them.
        }
        catch (Violation silence)
        {
            throw new Violation(Answered, "a Pong", silence.Observed);
        }

        return pongs.Count > 0 ? pongs : throw new Violation(Answered, "a Pong", $"{raw.Closure}");
    }

    /// <summary>The next frame; null if none arrives.</summary>
    private static async Task<Frame?> FrameAsync(RawClient raw)
    {
        try
        {
            return await raw.ReadFrameAsync();
        }
        catch (Violation)
        {
            // The caller knows what was expected.
            return null;
        }
    }

    /// <summary>Reads until both have arrived, in any order: the Pong with this data, and the reply, in any number of frames.</summary>
    private static async Task<(string? Pong, bool Reply)> PongAndReplyAsync(RawClient raw, string data, string requestId)
    {
        string? pong = null;
        var reply = false;
        var text = new List<byte>();
        while ((pong != data || !reply) && await FrameAsync(raw) is { } frame)
        {
            pong = frame.Opcode == Opcode.Pong && pong != data ? frame.TextPayload : pong;
            if (frame.Opcode is Opcode.Text or Opcode.Continuation)
            {
                text.AddRange(frame.Payload.Span);
            }

            if (frame is { Opcode: Opcode.Text or Opcode.Continuation, Final: true })
            {
                reply |= Json.TryParse(Encoding.UTF8.GetString([.. text])).Member("request_id").Text() == requestId;
                text.Clear();
            }
        }

        return (pong, reply);
    }
}
