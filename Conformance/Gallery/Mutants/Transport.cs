using System.Text;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Network;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about WebSocket itself: handshake, framing, closing.</summary>
internal static partial class Transport
{
    private const int SmallFrame = 100;
    private const int ShortestHeader = 6;
    private const int GoingAway = 1001;

    /// <summary>A frame that RFC 6455 forbids: the WebSocket ends the connection with 1002.</summary>
    private static readonly Frame Forbidden = new((Opcode)3, ReadOnlyMemory<byte>.Empty);

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("ws-accept-without-padding", "The accept of a handshake lacks the padding of base64.")
            .Does(server => server.Upgrade.Accept.Wrap(next => request =>
            {
                var right = next(request);
                return right with { Headers = [.. right.Headers.Select(header => header.TrimEnd('='))] };
            }))
            .KilledBy("PS-WS-001", "the key is accepted as RFC 6455 says")
            .KilledBy("PS-WS-001", "the accept belongs to this key"),
        new Mutant("ws-upgrade-in-lower-case", "A handshake has to say 'websocket' in lower case.")
            .Does(server => server.Upgrade.IsHandshake.Wrap(next => request => next(request) && request["Upgrade"] == "websocket"))
            .KilledBy("PS-WS-001", "case and further connection options make no difference"),
        new Mutant("ws-head-in-one-segment", "A connection whose first TCP segment does not hold the whole head of a request is given up.")
            .Does(server => server.EachConnection(connection =>
            {
                var hasBegun = false;
                connection.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    var count = await next(buffer, cancellation);
                    var isWhole = hasBegun || buffer.Span[..count].IndexOf("\r\n\r\n"u8) >= 0;
                    hasBegun = true;
                    return isWhole ? count : throw new IOException("Half a head.");
                });
            }))
            .KilledBy("PS-WS-001", "The server reads what client sends"),
        new Mutant("ws-page-for-a-plain-get", "A plain GET is answered with a page that says what is here.")
            .Does(server => server.Upgrade.Refuse.Wrap(next => request => request.Method == "GET" && request["Upgrade"] is null
                ? new HttpResponse(200, "<p>WebSocket only.</p>", "text/html")
                : next(request)))
            .KilledBy("PS-WS-002", "a plain GET is not answered with success")
            .KilledBy("PS-WS-003", "a plain GET is answered with Upgrade Required"),
        new Mutant("ws-head-is-fine", "A HEAD is answered with 200.")
            .Does(server => server.Upgrade.Refuse.Wrap(next => request =>
                request.Method == "HEAD" ? new HttpResponse(200, null) : next(request)))
            .KilledBy("PS-WS-002", "a plain HEAD is not answered with success"),
        new Mutant("ws-bad-request-for-a-version", "A handshake of another version is answered with 400.")
            .Does(server => server.Upgrade.Refuse.Wrap(next => request => request["Sec-WebSocket-Version"] is null or "13"
                ? next(request)
                : server.Messages.Problem.Call(400, "BAD_REQUEST", "the version must be 13")))
            .KilledBy("PS-WS-003", "a handshake of version 8 is answered with Upgrade Required"),
        new Mutant("ws-version-untold", "A refused handshake is not told the version that works.")
            .Does(server => server.Upgrade.Refuse.Wrap(next => request =>
                next(request) with { Headers = ["Upgrade: websocket", "Connection: Upgrade"] }))
            .KilledBy("PS-WS-003", "is told the version that works"),
        new Mutant("ws-any-key", "Any key that is there will do.")
            .Does(server => server.Upgrade.IsHandshake.Wrap(_ => request =>
                request is { Method: "GET", Version: "HTTP/1.1" }
                && request.HasOption("Upgrade", "websocket")
                && request.HasOption("Connection", "Upgrade")
                && request["Sec-WebSocket-Version"] == "13"
                && request["Sec-WebSocket-Key"] is not null))
            .KilledBy("PS-WS-003", "which is not 16 bytes in base64, makes no handshake"),
        new Mutant("ws-binary-for-odd-text", "A message with a line separator in it goes out as a binary message.")
            .Does(Sends(frame => frame.Payload.Span.IndexOf(LineSeparator) >= 0 ? frame with { Opcode = Opcode.Binary } : frame))
            .KilledBy("PS-WS-004", "every server message is one text message holding one JSON object")
            .MayBreak("PS-ENV-009", "PS-PUB-004", "PS-PUB-005"),
        new Mutant("ws-message-per-line", "A message with a line separator in it goes out as two.")
            .EachFilter(filter => filter.FromServer.Wrap(_ => frame =>
            {
                var at = frame.Opcode == Opcode.Text ? frame.Payload.Span.IndexOf(LineSeparator) : -1;
                return at < 0
                    ? [frame]
                    : [frame with { Payload = frame.Payload[..at] }, frame with { Payload = frame.Payload[(at + LineSeparator.Length)..] }];
            }))
            .KilledBy("PS-WS-004", "every server message is one text message holding one JSON object")
            .MayBreak("PS-ENV-009", "PS-PUB-004", "PS-PUB-005"),
        new Mutant("ws-fragment-is-a-message", "Each fragment is taken for a message.")
            .Does(Reads(frame => IsData(frame)
                ? frame with { Opcode = frame.Opcode == Opcode.Binary ? Opcode.Binary : Opcode.Text, Final = true }
                : frame))
            .KilledBy("PS-WS-005", "the reply to a publish in two fragments")
            .MayBreak("PS-WS-006", "PS-WS-008", "PS-WS-011", "PS-WS-012", "PS-WS-013", "PS-ERR-010", "PS-ROB-004"),
        new Mutant("ws-fragment-decoded-alone", "Each fragment is decoded on its own, and a character that is cut is replaced.")
            .Does(Reads(frame => IsData(frame) && (!frame.Final || frame.Opcode == Opcode.Continuation) ? Decoded(frame) : frame))
            .KilledBy("PS-WS-005", "which cut characters is delivered whole")
            .MayBreak("PS-WS-012", "PS-WS-013"),
        new Mutant("ws-empty-fragment-overlooked", "A first fragment with nothing in it is overlooked.")
            .Does(Reads(frame => frame is { Opcode: Opcode.Text, Final: false, Payload.Length: 0 } ? null : frame))
            .KilledBy("PS-WS-005", "the reply to a publish in empty fragments before, within and after"),
        new Mutant("ws-frame-in-one-segment", "A small frame that does not come in one piece ends the connection.")
            .EachFilter(filter =>
            {
                var last = SmallFrame;
                filter.Receive.Wrap(next => async (buffer, cancellation) => last = filter.IsWithinFrame && last < SmallFrame
                    ? throw new IOException("Half a frame.")
                    : await next(buffer, cancellation));
            })
            .KilledBy("PS-WS-005", "the reply to a request that arrived byte by byte")
            .MayBreak("PS-FAN-008", "PS-ROB-004"),
        new Mutant("ws-header-in-one-segment", "What has come of a frame's header is forgotten when the rest of it comes later.")
            .EachFilter(filter => filter.Receive.Wrap(next => async (buffer, cancellation) =>
            {
                var count = await next(buffer, cancellation);
                while (!filter.IsWithinFrame && count is > 0 and < ShortestHeader)
                {
                    count = await next(buffer, cancellation);
                }

                return count;
            }))
            .KilledBy("PS-WS-005", "the reply to a request that arrived byte by byte")
            .MayBreak("PS-FAN-008"),
        new Mutant("ws-signed-length", "A length of two bytes is read as a signed number.")
            .Does(Reads(frame => frame.Payload.Length is > short.MaxValue and <= ushort.MaxValue ? Forbidden : frame))
            .KilledBy("PS-WS-005", "the end of the connection")
            .MayBreak("PS-PUB-013", "PS-ROB-002"),
        new Mutant("ws-ping-within-a-message", "A Ping between fragments is taken for an error.")
            .Does(Reads((frame, isWithin) => isWithin && frame.Opcode == Opcode.Ping ? Forbidden : frame))
            .KilledBy("PS-WS-006", "between fragments is answered"),
        new Mutant("ws-pong-unasked", "A Pong that was not asked for is taken for an error.")
            .Does(Reads(frame => frame.Opcode == Opcode.Pong ? Forbidden : frame))
            .KilledBy("PS-WS-006", "a Ping after an unsolicited Pong is answered")
            .KilledBy("PS-WS-007", "A Ping is answered with a Pong"),
        new Mutant("ws-pong-is-text", "The data of a Ping is taken for text, and what is none comes back otherwise.")
            .Does(Sends(frame => frame.Opcode == Opcode.Pong ? Decoded(frame) : frame))
            .KilledBy("PS-WS-007", "the Pong carries the 3 bytes of the Ping"),
        new Mutant("ws-pongs-a-pong", "A Pong is answered with a Pong.")
            .Does(Reads(frame => frame.Opcode == Opcode.Pong ? frame with { Opcode = Opcode.Ping } : frame))
            .KilledBy("PS-WS-007", "only the Ping is answered"),
        new Mutant("ws-twenty-pings", "Only the first 20 Pings of a connection are answered.")
            .EachFilter(filter =>
            {
                var pongs = 0;
                filter.FromServer.Wrap(_ => frame => frame.Opcode == Opcode.Pong && ++pongs > 20 ? [] : [frame]);
            })
            .KilledBy("PS-WS-007", "no more Pongs than Pings, the last for the last Ping"),
        new Mutant("ws-close-without-code-unanswered", "A Close without a code is not answered with a Close.")
            .EachFilter(filter => filter.AnswerClose((close, answer) => close.Payload.IsEmpty ? [] : [answer]))
            .KilledBy("PS-WS-008", "a Close with no code is answered with a Close"),
        new Mutant("ws-close-within-a-message", "A Close within an unfinished message is not answered with a Close.")
            .Does(Reads((frame, isWithin) =>
                isWithin && frame.Opcode == Opcode.Close ? throw new IOException("The message has no end.") : frame))
            .KilledBy("PS-WS-008", "a Close between fragments is answered with a Close"),
        new Mutant("ws-event-behind-the-close", "The Close overtakes the last event.")
            .EachFilter(filter =>
            {
                Frame? last = null;
                filter.FromServer.Wrap(_ => frame =>
                {
                    last = frame.Payload.Span.IndexOf("\"type\":\"event\""u8) >= 0 ? frame : last;
                    return [frame];
                });
                filter.AnswerClose((_, answer) => last is null ? [answer] : [answer, last]);
            })
            .KilledBy("PS-WS-008", "the Close is the last frame"),
        new Mutant("ws-tcp-left-open", "Behind a Close with 1001 the client is left to end the TCP connection.")
            .EachSession(session => session.RunAsync.Wrap(next => async () =>
            {
                await next();
                if (session.Queue.Closing is (GoingAway, ""))
                {
                    await session.Connection.CopyToAsync(Stream.Null);
                }
            }))
            .KilledBy("PS-WS-008", "an open TCP connection"),
        new Mutant("ws-always-1000", "Every Close is answered with 1000.")
            .EachFilter(filter => filter.AnswerClose((close, answer) =>
                [close.CloseCode == answer.CloseCode ? answer with { Payload = Frame.Close().Payload } : answer]))
            .KilledBy("PS-WS-009", "a Close with 1001 and a reason is answered with 1001"),
        new Mutant("ws-unmasked", "Frames need not be masked.")
            .Does(Reads(frame => frame with { Masked = true }))
            .KilledBy("PS-WS-010", "an unmasked request ends the connection")
            .KilledBy("PS-WS-010", "an unmasked Ping ends the connection"),
        new Mutant("ws-reserved-opcode", "Frames with a reserved opcode are passed over.")
            .Does(Reads(frame => Enum.IsDefined(frame.Opcode) ? frame : null))
            .KilledBy("PS-WS-011", "a frame with the reserved opcode 3 ends the connection"),
        new Mutant("ws-reserved-bits", "The reserved bits are not looked at.")
            .Does(Reads(frame => frame with { Reserved = 0 }))
            .KilledBy("PS-WS-011", "a Text frame with the reserved bits 4 ends the connection"),
        new Mutant("ws-long-control-frame", "A Ping or Pong of more than 125 bytes is passed over.")
            .Does(Reads(frame => frame is { Opcode: Opcode.Ping or Opcode.Pong, Payload.Length: > 125 } ? null : frame))
            .KilledBy("PS-WS-011", "a Ping of 126 bytes ends the connection"),
        new Mutant("ws-continuation-of-nothing", "A continuation of nothing is passed over.")
            .Does(Reads((frame, isWithin) => frame.Opcode == Opcode.Continuation && !isWithin ? null : frame))
            .KilledBy("PS-WS-011", "a continuation without a start ends the connection"),
        new Mutant("ws-message-within-a-message", "A new message within an unfinished one is taken for its continuation.")
            .Does(Reads((frame, isWithin) =>
                isWithin && frame.Opcode == Opcode.Text ? frame with { Opcode = Opcode.Continuation } : frame))
            .KilledBy("PS-WS-011", "a new message within an unfinished one ends the connection"),
        new Mutant("ws-negative-length", "A frame of a negative length is waited for.")
            .EachFilter(filter => filter.Receive.Wrap(next => async (buffer, cancellation) =>
            {
                var count = await next(buffer, cancellation);
                var isNegative = count > 2 && !filter.IsWithinFrame && (buffer.Span[1] & 0x7f) == 127 && buffer.Span[2] >= 0x80;
                while (isNegative && count > 0)
                {
                    count = await next(buffer, cancellation);
                }

                return count;
            }))
            .KilledBy("PS-WS-011", "a length with its highest bit set ends the connection"),
        new Mutant("ws-close-with-no-status", "A Close with 1005 is passed over.")
            .Does(Reads(frame => frame.CloseCode == 1005 ? null : frame))
            .KilledBy("PS-WS-011", "a Close with the code 1005 ends the connection"),
        new Mutant("ws-close-with-any-code", "A Close is answered in the same way whatever its code.")
            .Does(Reads(frame => frame.CloseCode is not null ? frame with { Payload = Frame.Close().Payload } : frame))
            .KilledBy("PS-WS-013", "is a protocol error")
            .MayBreak("PS-WS-009"),
        new Mutant("ws-utf-8-replaced", "What is invalid in a text is replaced.")
            .Does(Reads(frame => IsWholeText(frame) ? Decoded(frame) : frame))
            .KilledBy("PS-WS-012", "a byte that is never legal ends the connection"),
        new Mutant("ws-surrogates-in-utf-8", "Surrogates encoded one by one are let pass.")
            .Does(Reads(frame => IsWholeText(frame) ? WithoutSurrogates(frame) : frame))
            .KilledBy("PS-WS-012", "an encoded surrogate ends the connection"),
        new Mutant("ws-1011-for-framing", "A framing error is closed with 1011.")
            .Does(Sends(frame => frame.CloseCode == 1002 ? frame with { Payload = Frame.Close(1011).Payload } : frame))
            .KilledBy("PS-WS-013", "is a protocol error"),
        new Mutant("ws-1002-for-utf-8", "Invalid UTF-8 is closed with 1002.")
            .Does(Sends(frame => frame.CloseCode == 1007 ? frame with { Payload = Frame.Close(1002).Payload } : frame))
            .KilledBy("PS-WS-013", "is invalid data"),
        new Mutant(
            "ws-fin-ends-both-ways",
            "When the client ends its direction, the server ends the connection at once, with requests unanswered.")
            .Does(server => server.EachConnection(connection => connection.Receive.Wrap(next => async (buffer, cancellation) =>
            {
                var count = await next(buffer, cancellation);
                if (count > 0 && connection.IsHalfClosed)
                {
                    connection.Reset();
                }

                return count;
            })))
            .KilledBy("PS-WS-016", "before the end of the client's direction is answered"),
        new Mutant("ws-close-reason-unread", "The reason of a Close is not looked at.")
            .Does(Reads(frame =>
                frame.CloseCode is not null && frame.Payload.Length <= 125 ? frame with { Payload = frame.Payload[..2] } : frame))
            .KilledBy("PS-WS-013", "a Close with a reason in invalid UTF-8 is an error"),
        new Mutant("ws-origin-by-its-beginning", "An origin that begins with the host's own is let in.")
            .Does(server => server.Upgrade.IsAllowed.Wrap(next => request =>
                next(request) || request["Origin"]!.StartsWith($"http://{request["Host"]}", StringComparison.Ordinal)))
            .KilledBy("PS-WS-014", ".evil.example is refused"),
        new Mutant("ws-origin-without-port", "The origin of a page is compared with the host without its port.")
            .Does(server => server.Upgrade.IsAllowed.Wrap(_ => request =>
                request["Origin"] is not { } origin || origin.EndsWith($"//{request["Host"]!.Split(':')[0]}", StringComparison.Ordinal)))
            .KilledBy("PS-WS-014", "is accepted"),
        new Mutant("ws-subprotocol-unoffered", "A subprotocol is named that the client did not offer.")
            .Does(server => server.Upgrade.Accept.Wrap(next => request => WithHeader(next(request), "Sec-WebSocket-Protocol: pubsub.v1")))
            .KilledBy("PS-WS-015", "no subprotocol is named that was not offered")
            .KilledBy("PS-WS-015", "no other subprotocol is named than those offered"),
        new Mutant("ws-always-deflates", "A client that offers any extension is given permessage-deflate.")
            .Does(server => server.Upgrade.Accept.Wrap(next => request => request["Sec-WebSocket-Extensions"] is null
                ? next(request)
                : WithHeader(next(request), "Sec-WebSocket-Extensions: permessage-deflate")))
            .KilledBy("PS-WS-015", "no other extension is named than those of"),
    ];

    private static ReadOnlySpan<byte> LineSeparator => "\u2028"u8;

    private static HttpResponse WithHeader(HttpResponse response, string header) =>
        response with { Headers = [.. response.Headers, header] };

    /// <summary>Replaces or drops frames that the server sends.</summary>
    private static Change Sends(Func<Frame, Frame?> instead) => server => server.EachFilter(filter =>
        filter.FromServer.Wrap(_ => frame => instead(frame) is { } other ? [other] : []));

    /// <summary>Replaces or drops frames that the client sends.</summary>
    private static Change Reads(Func<Frame, Frame?> instead) => Reads((frame, _) => instead(frame));

    /// <param name="instead">Also gets whether the frame came within a message of several fragments.</param>
    private static Change Reads(Func<Frame, bool, Frame?> instead) => server => server.EachFilter(filter =>
    {
        var isWithin = false;
        filter.FromClient.Wrap(_ => frame =>
        {
            var wasWithin = isWithin;
            isWithin = IsData(frame) ? !frame.Final : wasWithin;
            return instead(frame, wasWithin) is { } other ? [other] : [];
        });
    });

    /// <summary>Replaces the answer to a client that closes first.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="instead">Gets the client's Close and the right answer, and returns the frames to send instead of the answer.</param>
    private static void AnswerClose(this FrameFilter filter, Func<Frame, Frame, IEnumerable<Frame>> instead)
    {
        Frame? received = null; // set by the reader, read by the writer
        filter.FromClient.Wrap(next => frame =>
        {
            if (frame.Opcode == Opcode.Close)
            {
                Volatile.Write(ref received, frame);
            }

            return next(frame);
        });
        filter.FromServer.Wrap(next => frame =>
            frame.Opcode == Opcode.Close && Volatile.Read(ref received) is { } close ? instead(close, frame) : next(frame));
    }

    private static bool IsData(Frame frame) => frame.Opcode is Opcode.Text or Opcode.Binary or Opcode.Continuation;

    private static bool IsWholeText(Frame frame) => frame is { Opcode: Opcode.Text, Final: true, Reserved: 0, Masked: true };

    private static Frame Decoded(Frame frame) => frame with { Payload = Encoding.UTF8.GetBytes(frame.TextPayload) };

    private static Frame WithoutSurrogates(Frame frame) =>
        frame with { Payload = Encoding.Latin1.GetBytes(EncodedSurrogate().Replace(Encoding.Latin1.GetString(frame.Payload.Span), "?")) };

    [GeneratedRegex("\u00ed[\u00a0-\u00bf][\u0080-\u00bf]")]
    private static partial Regex EncodedSurrogate();
}
