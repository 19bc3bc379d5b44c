using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about WebSocket itself: handshake, framing, closing.</summary>
internal static partial class Transport
{
    private static readonly Frame Forbidden = new((Opcode)3, ReadOnlyMemory<byte>.Empty);

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("ws-accept-without-padding", "The accept of a handshake lacks the padding of base64.")
        {
            Change = parts => parts with { Upgrade = server => new WithoutPadding(server) },
            Kills = [new("PS-WS-001", "the key is accepted as RFC 6455 says"), new("PS-WS-001", "the accept belongs to this key")],
        },
        new("ws-upgrade-in-lower-case", "A handshake has to say 'websocket' in lower case.")
        {
            Change = parts => parts with { Upgrade = server => new LowerCaseOnly(server) },
            Kills = [new("PS-WS-001", "case and further connection options make no difference")],
        },
        new("ws-head-in-one-segment", "A connection whose first TCP segment does not hold the whole head of a request is given up.")
        {
            Change = parts => parts with { Connection = socket => new OneSegment(socket) },
            Kills = [new("PS-WS-001", "The server reads what client sends")],
        },
        new("ws-page-for-a-plain-get", "A plain GET is answered with a page that says what is here.")
        {
            Change = parts => parts with { Upgrade = server => new Page(server) },
            Kills = [new("PS-WS-002", "a plain GET is not answered with success"), new("PS-WS-003", "a plain GET is answered with Upgrade Required")],
        },
        new("ws-head-is-fine", "A HEAD is answered with 200.")
        {
            Change = parts => parts with { Upgrade = server => new FineHead(server) },
            Kills = [new("PS-WS-002", "a plain HEAD is not answered with success")],
        },
        new("ws-bad-request-for-a-version", "A handshake of another version is answered with 400.")
        {
            Change = parts => parts with { Upgrade = server => new BadVersion(server) },
            Kills = [new("PS-WS-003", "a handshake of version 8 is answered with Upgrade Required")],
        },
        new("ws-version-untold", "A refused handshake is not told the version that works.")
        {
            Change = parts => parts with { Upgrade = server => new Untold(server) },
            Kills = [new("PS-WS-003", "is told the version that works")],
        },
        new("ws-any-key", "Any key that is there will do.")
        {
            Change = parts => parts with { Upgrade = server => new AnyKey(server) },
            Kills = [new("PS-WS-003", "which is not 16 bytes in base64, makes no handshake")],
        },
        new("ws-binary-for-odd-text", "A message with a line separator in it goes out as a binary message.")
        {
            Change = Says(frame => frame.Payload.Span.IndexOf(LineSeparator) >= 0 ? frame with { Opcode = Opcode.Binary } : frame),
            Kills = [new("PS-WS-004", "every server message is one text message holding one JSON object")],
            Also = ["PS-ENV-009", "PS-PUB-004", "PS-PUB-005"],
        },
        new("ws-message-per-line", "A message with a line separator in it goes out as two.")
        {
            Change = parts => parts with { Wire = connection => new PerLine(connection) },
            Kills = [new("PS-WS-004", "every server message is one text message holding one JSON object")],
            Also = ["PS-ENV-009", "PS-PUB-004", "PS-PUB-005"],
        },
        new("ws-fragment-is-a-message", "Each fragment is taken for a message.")
        {
            Change = Hears(frame => IsData(frame) ? frame with { Opcode = frame.Opcode == Opcode.Binary ? Opcode.Binary : Opcode.Text, Final = true } : frame),
            Kills = [new("PS-WS-005", "the reply to a publish in two fragments")],
            Also = ["PS-WS-006", "PS-WS-008", "PS-WS-011", "PS-WS-012", "PS-WS-013", "PS-ERR-010", "PS-ROB-004"],
        },
        new("ws-fragment-decoded-alone", "Each fragment is decoded on its own, and a character that is cut is replaced.")
        {
            Change = Hears(frame => IsData(frame) && (!frame.Final || frame.Opcode == Opcode.Continuation) ? Decoded(frame) : frame),
            Kills = [new("PS-WS-005", "which cut characters is delivered whole")],
            Also = ["PS-WS-012", "PS-WS-013"],
        },
        new("ws-empty-fragment-overlooked", "A first fragment with nothing in it is overlooked.")
        {
            Change = Hears(frame => frame is { Opcode: Opcode.Text, Final: false, Payload.Length: 0 } ? null : frame),
            Kills = [new("PS-WS-005", "the reply to a publish in empty fragments before, within and after")],
        },
        new("ws-frame-in-one-segment", "A small frame that does not come in one piece ends the connection.")
        {
            Change = parts => parts with { Wire = connection => new WholeFrames(connection) },
            Kills = [new("PS-WS-005", "the reply to a request that arrived byte by byte")],
            Also = ["PS-FAN-008", "PS-ROB-004"],
        },
        new("ws-header-in-one-segment", "What has come of a frame's header is forgotten when the rest of it comes later.")
        {
            Change = parts => parts with { Wire = connection => new WholeHeaders(connection) },
            Kills = [new("PS-WS-005", "the reply to a request that arrived byte by byte")],
            Also = ["PS-FAN-008"],
        },
        new("ws-signed-length", "A length of two bytes is read as a signed number.")
        {
            Change = Hears(frame => frame.Payload.Length is > short.MaxValue and <= ushort.MaxValue ? Forbidden : frame),
            Kills = [new("PS-WS-005", "the end of the connection")],
            Also = ["PS-PUB-013", "PS-ROB-002"],
        },
        new("ws-ping-within-a-message", "A Ping between fragments is taken for an error.")
        {
            Change = parts => parts with { Wire = connection => new PingWithin(connection) },
            Kills = [new("PS-WS-006", "between fragments is answered")],
        },
        new("ws-pong-unasked", "A Pong that nobody asked for is taken for an error.")
        {
            Change = Hears(frame => frame.Opcode == Opcode.Pong ? Forbidden : frame),
            Kills = [new("PS-WS-006", "a Ping after an unsolicited Pong is answered"), new("PS-WS-007", "A Ping is answered with a Pong")],
        },
        new("ws-pong-is-text", "The data of a Ping is taken for text, and what is none comes back otherwise.")
        {
            Change = Says(frame => frame.Opcode == Opcode.Pong ? Decoded(frame) : frame),
            Kills = [new("PS-WS-007", "the Pong carries the 3 bytes of the Ping")],
        },
        new("ws-pongs-a-pong", "A Pong is answered with a Pong.")
        {
            Change = Hears(frame => frame.Opcode == Opcode.Pong ? frame with { Opcode = Opcode.Ping } : frame),
            Kills = [new("PS-WS-007", "only the Ping is answered")],
        },
        new("ws-twenty-pings", "Only the first 20 Pings of a connection are answered.")
        {
            Change = parts => parts with { Wire = connection => new TwentyPings(connection) },
            Kills = [new("PS-WS-007", "no more Pongs than Pings, the last for the last Ping")],
        },
        new("ws-close-without-code-unanswered", "A Close without a code is not answered with a Close.")
        {
            Change = parts => parts with { Wire = connection => new CodelessUnanswered(connection) },
            Kills = [new("PS-WS-008", "a Close with no code is answered with a Close")],
        },
        new("ws-close-within-a-message", "A Close within an unfinished message is not answered with a Close.")
        {
            Change = parts => parts with { Wire = connection => new CloseWithin(connection) },
            Kills = [new("PS-WS-008", "a Close between fragments is answered with a Close")],
        },
        new("ws-event-behind-the-close", "The Close overtakes the last event.")
        {
            Change = parts => parts with { Wire = connection => new Overtaken(connection) },
            Kills = [new("PS-WS-008", "the Close is the last frame")],
        },
        new("ws-tcp-left-open", "Behind a Close with 1001 the client is left to end the TCP connection.")
        {
            Change = parts => parts with { Session = seed => new LeftOpen(seed) },
            Kills = [new("PS-WS-008", "an open TCP connection")],
        },
        new("ws-always-1000", "Every Close is answered with 1000.")
        {
            Change = parts => parts with { Wire = connection => new Always1000(connection) },
            Kills = [new("PS-WS-009", "a Close with 1001 and a reason is answered with 1001")],
        },
        new("ws-unmasked", "Frames need not be masked.")
        {
            Change = Hears(frame => frame with { Masked = true }),
            Kills = [new("PS-WS-010", "an unmasked request ends the connection"), new("PS-WS-010", "an unmasked Ping ends the connection")],
        },
        new("ws-reserved-opcode", "Frames with a reserved opcode are passed over.")
        {
            Change = Hears(frame => Enum.IsDefined(frame.Opcode) ? frame : null),
            Kills = [new("PS-WS-011", "a frame with the reserved opcode 3 ends the connection")],
        },
        new("ws-reserved-bits", "The reserved bits are not looked at.")
        {
            Change = Hears(frame => frame with { Reserved = 0 }),
            Kills = [new("PS-WS-011", "a Text frame with the reserved bits 4 ends the connection")],
        },
        new("ws-long-control-frame", "A Ping or Pong of more than 125 bytes is passed over.")
        {
            Change = Hears(frame => frame is { Opcode: Opcode.Ping or Opcode.Pong, Payload.Length: > 125 } ? null : frame),
            Kills = [new("PS-WS-011", "a Ping of 126 bytes ends the connection")],
        },
        new("ws-continuation-of-nothing", "A continuation of nothing is passed over.")
        {
            Change = parts => parts with { Wire = connection => new OfNothing(connection) },
            Kills = [new("PS-WS-011", "a continuation without a start ends the connection")],
        },
        new("ws-message-within-a-message", "A new message within an unfinished one is taken for its continuation.")
        {
            Change = parts => parts with { Wire = connection => new Within(connection) },
            Kills = [new("PS-WS-011", "a new message within an unfinished one ends the connection")],
        },
        new("ws-negative-length", "A frame of a negative length is waited for.")
        {
            Change = parts => parts with { Wire = connection => new NegativeLength(connection) },
            Kills = [new("PS-WS-011", "a length with its highest bit set ends the connection")],
        },
        new("ws-close-with-no-status", "A Close with 1005 is passed over.")
        {
            Change = Hears(frame => frame.CloseCode == 1005 ? null : frame),
            Kills = [new("PS-WS-011", "a Close with the code 1005 ends the connection")],
        },
        new("ws-close-with-any-code", "A Close is answered in the same way whatever its code.")
        {
            Change = Hears(frame => frame.CloseCode is not null ? frame with { Payload = Frame.Close().Payload } : frame),
            Kills = [new("PS-WS-013", "is a protocol error")],
            Also = ["PS-WS-009"],
        },
        new("ws-utf-8-replaced", "What is invalid in a text is replaced.")
        {
            Change = Hears(frame => frame is { Opcode: Opcode.Text, Final: true, Reserved: 0, Masked: true } ? Decoded(frame) : frame),
            Kills = [new("PS-WS-012", "a byte that is never legal ends the connection")],
        },
        new("ws-surrogates-in-utf-8", "Surrogates encoded one by one are let pass.")
        {
            Change = Hears(frame => frame is { Opcode: Opcode.Text, Final: true, Reserved: 0, Masked: true } ? WithoutSurrogates(frame) : frame),
            Kills = [new("PS-WS-012", "an encoded surrogate ends the connection")],
        },
        new("ws-1011-for-framing", "A framing error is closed with 1011.")
        {
            Change = Says(frame => frame.CloseCode == 1002 ? frame with { Payload = Frame.Close(1011).Payload } : frame),
            Kills = [new("PS-WS-013", "is a protocol error")],
        },
        new("ws-1002-for-utf-8", "Invalid UTF-8 is closed with 1002.")
        {
            Change = Says(frame => frame.CloseCode == 1007 ? frame with { Payload = Frame.Close(1002).Payload } : frame),
            Kills = [new("PS-WS-013", "is invalid data")],
        },
        new("ws-close-reason-unread", "The reason of a Close is not looked at.")
        {
            Change = Hears(frame => frame.CloseCode is not null && frame.Payload.Length <= 125 ? frame with { Payload = frame.Payload[..2] } : frame),
            Kills = [new("PS-WS-013", "a Close with a reason in invalid UTF-8 is an error")],
        },
        new("ws-origin-by-its-beginning", "An origin that begins with the host's own is let in.")
        {
            Change = parts => parts with { Upgrade = server => new ByItsBeginning(server) },
            Kills = [new("PS-WS-014", ".evil.example is refused")],
        },
        new("ws-origin-without-port", "The origin of a page is compared with the host without its port.")
        {
            Change = parts => parts with { Upgrade = server => new WithoutPort(server) },
            Kills = [new("PS-WS-014", "is accepted")],
        },
        new("ws-subprotocol-unoffered", "A subprotocol is named that nobody offered.")
        {
            Change = parts => parts with { Upgrade = server => new Unoffered(server) },
            Kills = [new("PS-WS-015", "no subprotocol is named that was not offered"), new("PS-WS-015", "no other subprotocol is named than those offered")],
        },
        new("ws-always-deflates", "Whoever offers an extension is given permessage-deflate.")
        {
            Change = parts => parts with { Upgrade = server => new Deflates(server) },
            Kills = [new("PS-WS-015", "no other extension is named than those of")],
        },
    ];

    private static Func<Parts, Parts> Hears(Func<Frame, Frame?> instead) => parts => parts with { Wire = connection => new OtherFrames(connection, instead, null) };

    private static Func<Parts, Parts> Says(Func<Frame, Frame?> instead) => parts => parts with { Wire = connection => new OtherFrames(connection, null, instead) };

    private static ReadOnlySpan<byte> LineSeparator => "\u2028"u8;

    private static bool IsData(Frame frame) => frame.Opcode is Opcode.Text or Opcode.Binary or Opcode.Continuation;

    private static Frame Decoded(Frame frame) => frame with { Payload = Encoding.UTF8.GetBytes(frame.TextPayload) };

    private static Frame WithoutSurrogates(Frame frame) =>
        frame with { Payload = Encoding.Latin1.GetBytes(EncodedSurrogate().Replace(Encoding.Latin1.GetString(frame.Payload.Span), "?")) };

    [GeneratedRegex("\u00ed[\u00a0-\u00bf][\u0080-\u00bf]")]
    private static partial Regex EncodedSurrogate();

    // The handshake --------------------------------------------------------------------------------------------------

    private sealed class WithoutPadding(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Accept(HttpRequest request)
        {
            var right = base.Accept(request);
            return right with { Headers = [.. right.Headers.Select(header => header.TrimEnd('='))] };
        }
    }

    private sealed class LowerCaseOnly(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsHandshake(HttpRequest request) => base.IsHandshake(request) && request["Upgrade"] == "websocket";
    }

    private sealed class OneSegment(Socket socket) : Connection(socket)
    {
        private bool _hasBegun;

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var count = await base.ReceiveAsync(buffer, cancellation);
            var isWhole = _hasBegun || buffer.Span[..count].IndexOf("\r\n\r\n"u8) >= 0;
            _hasBegun = true;
            return isWhole ? count : throw new IOException("Half a head.");
        }
    }

    private sealed class Page(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Refuse(HttpRequest request) => request.Method == "GET" && request["Upgrade"] is null
            ? new HttpResponse(200, "<p>WebSocket only.</p>", "text/html")
            : base.Refuse(request);
    }

    private sealed class FineHead(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Refuse(HttpRequest request) => request.Method == "HEAD" ? new HttpResponse(200, null) : base.Refuse(request);
    }

    private sealed class BadVersion(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Refuse(HttpRequest request) => request["Sec-WebSocket-Version"] is null or "13"
            ? base.Refuse(request)
            : Server.Messages.Problem(400, "BAD_REQUEST", "the version must be 13");
    }

    private sealed class Untold(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Refuse(HttpRequest request) => base.Refuse(request) with { Headers = ["Upgrade: websocket", "Connection: Upgrade"] };
    }

    private sealed class AnyKey(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsHandshake(HttpRequest request) =>
            request is { Method: "GET", Version: "HTTP/1.1" }
            && request.HasOption("Upgrade", "websocket")
            && request.HasOption("Connection", "Upgrade")
            && request["Sec-WebSocket-Version"] == "13"
            && request["Sec-WebSocket-Key"] is not null;
    }

    private sealed class ByItsBeginning(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsAllowed(HttpRequest request) =>
            base.IsAllowed(request) || request["Origin"]!.StartsWith($"http://{request["Host"]}", StringComparison.Ordinal);
    }

    private sealed class WithoutPort(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsAllowed(HttpRequest request) =>
            request["Origin"] is not { } origin || origin.EndsWith($"//{request["Host"]!.Split(':')[0]}", StringComparison.Ordinal);
    }

    private sealed class Unoffered(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Accept(HttpRequest request)
        {
            var right = base.Accept(request);
            return right with { Headers = [.. right.Headers, "Sec-WebSocket-Protocol: pubsub.v1"] };
        }
    }

    private sealed class Deflates(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Accept(HttpRequest request)
        {
            var right = base.Accept(request);
            return request["Sec-WebSocket-Extensions"] is null ? right : right with { Headers = [.. right.Headers, "Sec-WebSocket-Extensions: permessage-deflate"] };
        }
    }

    // Frames ---------------------------------------------------------------------------------------------------------

    /// <summary>One frame in the place of each, or none.</summary>
    private sealed class OtherFrames(Stream wire, Func<Frame, Frame?>? heard, Func<Frame, Frame?>? said) : FrameFilter(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame) => Instead(heard, frame);

        protected override IEnumerable<Frame> FromServer(Frame frame) => Instead(said, frame);

        private static IEnumerable<Frame> Instead(Func<Frame, Frame?>? instead, Frame frame) =>
            instead is null ? [frame] : instead(frame) is { } other ? [other] : [];
    }

    private sealed class PerLine(Stream wire) : FrameFilter(wire)
    {
        protected override IEnumerable<Frame> FromServer(Frame frame)
        {
            var at = frame.Opcode == Opcode.Text ? frame.Payload.Span.IndexOf(LineSeparator) : -1;
            return at < 0 ? [frame] : [frame with { Payload = frame.Payload[..at] }, frame with { Payload = frame.Payload[(at + 3)..] }];
        }
    }

    private sealed class WholeFrames(Stream wire) : FrameFilter(wire)
    {
        private const int Small = 100;
        private int _last = Small;

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            _last = IsWithinFrame && _last < Small ? throw new IOException("Half a frame.") : await base.ReceiveAsync(buffer, cancellation);
            return _last;
        }
    }

    private sealed class WholeHeaders(Stream wire) : FrameFilter(wire)
    {
        private const int ShortestHeader = 6;

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var count = await base.ReceiveAsync(buffer, cancellation);
            while (!IsWithinFrame && count is > 0 and < ShortestHeader)
            {
                count = await base.ReceiveAsync(buffer, cancellation);
            }

            return count;
        }
    }

    private sealed class NegativeLength(Stream wire) : FrameFilter(wire)
    {
        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var count = await base.ReceiveAsync(buffer, cancellation);
            var isNegative = count > 2 && !IsWithinFrame && (buffer.Span[1] & 0x7f) == 127 && buffer.Span[2] >= 0x80;
            while (isNegative && count > 0)
            {
                count = await base.ReceiveAsync(buffer, cancellation);
            }

            return count;
        }
    }

    private sealed class TwentyPings(Stream wire) : FrameFilter(wire)
    {
        private int _pongs;

        protected override IEnumerable<Frame> FromServer(Frame frame) => frame.Opcode == Opcode.Pong && ++_pongs > 20 ? [] : [frame];
    }

    /// <summary>Knows whether the client is within a message of several fragments.</summary>
    private abstract class Piecewise(Stream wire) : FrameFilter(wire)
    {
        private bool _isWithin;

        protected sealed override IEnumerable<Frame> FromClient(Frame frame)
        {
            var isWithin = _isWithin;
            _isWithin = IsData(frame) ? !frame.Final : isWithin;
            return FromClient(frame, isWithin);
        }

        protected abstract IEnumerable<Frame> FromClient(Frame frame, bool isWithin);
    }

    private sealed class PingWithin(Stream wire) : Piecewise(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame, bool isWithin) => [isWithin && frame.Opcode == Opcode.Ping ? Forbidden : frame];
    }

    private sealed class CloseWithin(Stream wire) : Piecewise(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame, bool isWithin) =>
            isWithin && frame.Opcode == Opcode.Close ? throw new IOException("The message has no end.") : [frame];
    }

    private sealed class OfNothing(Stream wire) : Piecewise(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame, bool isWithin) =>
            frame.Opcode == Opcode.Continuation && !isWithin ? [] : [frame];
    }

    private sealed class Within(Stream wire) : Piecewise(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame, bool isWithin) =>
            [isWithin && frame.Opcode == Opcode.Text ? frame with { Opcode = Opcode.Continuation } : frame];
    }

    // Closing --------------------------------------------------------------------------------------------------------

    /// <summary>Knows the Close of a client that closes first.</summary>
    private abstract class Farewell(Stream wire) : FrameFilter(wire)
    {
        private volatile Frame? _close;

        protected sealed override IEnumerable<Frame> FromClient(Frame frame)
        {
            _close = frame.Opcode == Opcode.Close ? frame : _close;
            return [frame];
        }

        protected sealed override IEnumerable<Frame> FromServer(Frame frame) =>
            frame.Opcode == Opcode.Close && _close is { } close ? Answer(close, frame) : Say(frame);

        /// <summary>What goes out in the place of this answer to this Close.</summary>
        protected abstract IEnumerable<Frame> Answer(Frame close, Frame answer);

        protected virtual IEnumerable<Frame> Say(Frame frame) => [frame];
    }

    private sealed class CodelessUnanswered(Stream wire) : Farewell(wire)
    {
        protected override IEnumerable<Frame> Answer(Frame close, Frame answer) => close.Payload.IsEmpty ? [] : [answer];
    }

    private sealed class Always1000(Stream wire) : Farewell(wire)
    {
        protected override IEnumerable<Frame> Answer(Frame close, Frame answer) =>
            [close.CloseCode == answer.CloseCode ? answer with { Payload = Frame.Close().Payload } : answer];
    }

    private sealed class Overtaken(Stream wire) : Farewell(wire)
    {
        private Frame? _event;

        protected override IEnumerable<Frame> Answer(Frame close, Frame answer) => _event is null ? [answer] : [answer, _event];

        protected override IEnumerable<Frame> Say(Frame frame)
        {
            _event = frame.Payload.Span.IndexOf("\"type\":\"event\""u8) >= 0 ? frame : _event;
            return [frame];
        }
    }

    private sealed class LeftOpen(SessionSeed seed) : Session(seed)
    {
        private const int GoingAway = 1001;

        public override async Task RunAsync()
        {
            await base.RunAsync();
            if (Outbox.Closing is (GoingAway, ""))
            {
                await Connection.CopyToAsync(Stream.Null);
            }
        }
    }
}
