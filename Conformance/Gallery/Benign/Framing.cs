using PubSub.Conformance.Network;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers whose WebSocket is unusual but follows RFC 6455.</summary>
internal static class Framing
{
    private const string LongReason =
        "\u00a7 5.5.1: a control frame has at most 125 bytes, and the reason is in UTF-8 "
        + "\u2014 \u65e5\u672c\u8a9e, \U0001f44b, and so on to the end of it";

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Framed(
            "benign-fragments",
            "Every message comes in fragments of 3 bytes, which cut characters, and the rest of a long one in one more (RFC 6455, "
                + "section 5.4).",
            Fragments),
        Framed(
            "benign-empty-fragments",
            "Every message begins and ends with an empty fragment (RFC 6455, section 5.4, asks for no length).",
            EmptyFragments),
        Framed(
            "benign-control-frames",
            "Pings, and Pongs that were not asked for, come before every other frame and between fragments (RFC 6455, sections 5.4, "
                + "5.5.2 and 5.5.3).",
            ControlFrames),
        Closing("benign-silent-closes", "No Close frame gives a reason (RFC 6455, section 7.1.6: it may be empty).", ""),
        Closing("benign-long-closes", "Every Close frame with a code gives a reason of 123 bytes (RFC 6455, section 5.5).", LongReason),
    ];

    private static BenignServer Closing(string id, string oddity, string reason) => new BenignServer(id, oddity).EachSession(session =>
    {
        session.Queue.Finish.Wrap(next => (last, code, _) => next(last, code, reason));
        session.Queue.Abandon.Wrap(next => (last, code, _) => next(last, code, reason));
    });

    private static BenignServer Framed(string id, string oddity, Func<Frame, IEnumerable<Frame>> frames) => new BenignServer(id, oddity)
        .Does(server => server.EachFilter(filter => filter.FromServer.Wrap(_ => frames)));

    /// <summary>The same message in other frames of the server.</summary>
    private static IEnumerable<Frame> Cut(Frame whole, IReadOnlyList<ReadOnlyMemory<byte>> parts) => parts.Select((part, i) =>
        new Frame(i == 0 ? whole.Opcode : Opcode.Continuation, part) { Final = i == parts.Count - 1, Masked = false });

    private static IEnumerable<Frame> Cut(Frame whole, int size) => Cut(
        whole,
        [.. Enumerable.Range(0, Math.Max(1, (whole.Payload.Length + size - 1) / size))
            .Select(i => whole.Payload.Slice(i * size, Math.Min(size, whole.Payload.Length - (i * size))))]);

    // Only the beginning of a long message is split, because clients make mistakes there.
    private static IEnumerable<Frame> Fragments(Frame frame)
    {
        const int small = 300;
        return frame.Opcode != Opcode.Text ? [frame]
            : frame.Payload.Length <= small ? Cut(frame, size: 3)
            :
            [
                .. Cut(frame with { Payload = frame.Payload[..small] }, size: 3).Select(part => part with { Final = false }),
                new Frame(Opcode.Continuation, frame.Payload[small..]) { Masked = false },
            ];
    }

    private static IEnumerable<Frame> EmptyFragments(Frame frame) =>
        frame.Opcode == Opcode.Text ? Cut(frame, [default, frame.Payload, default, default]) : [frame];

    private static IEnumerable<Frame> ControlFrames(Frame frame)
    {
        Frame[] some =
        [
            Frame.Ping("are you there?") with { Masked = false },
            Frame.Ping() with { Masked = false },
            Frame.Pong("nobody asked"u8.ToArray()) with { Masked = false },
            Frame.Pong(default) with { Masked = false },
        ];
        var half = frame.Payload.Length / 2;
        return frame.Opcode == Opcode.Text
            ? Cut(frame, [frame.Payload[..half], frame.Payload[half..]]).SelectMany(part => some.Append(part))
            : some.Append(frame);
    }
}
