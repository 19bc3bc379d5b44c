using System.Globalization;
using System.Text;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers that have some of version 1.1, or whose positions and streams are unusual but follow SPEC.md.</summary>
internal static class Additions
{
    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Offering("benign-one-point-zero", "It has nothing of version 1.1; each part is a capability."),
        Offering("benign-resume-alone", "Of version 1.1 it has positions alone; each part is a capability.", Capability.Resume),
        Offering("benign-http-alone", "Of version 1.1 it has HTTP alone; each part is a capability.", Capability.Http),
        Offering("benign-streams-alone", "Of version 1.1 it has streams alone; each part is a capability.", Capability.Sse),
        Offering(
            "benign-no-streams",
            "Of version 1.1 it has all but streams; each part is a capability.",
            Capability.Resume,
            Capability.Http),
        Epochs("benign-epoch-uuid", "An epoch is a UUID (PS-RES-006 asks for a string that differs).", () => $"{Guid.NewGuid()}"),
        Epochs(
            "benign-epoch-number",
            "An epoch is a number of many digits, written as a string (PS-RES-006 asks for a string that differs).",
            () => $"{TimeProvider.System.GetUtcNow().Ticks}{Random.Shared.Next(1000):D3}"),
        Epochs(
            "benign-epoch-symbols",
            "An epoch has quotes, spaces and signs that mean something in a query (PS-RES-006 says nothing of its characters).",
            () => $"a b & \"c\"=%2F+#{Guid.NewGuid():N}"),
        new BenignServer("benign-microseconds", "Stamps are times in microseconds (PS-RES-001 asks for no unit).")
            .Does(server => server.Messages.Format.Wrap(_ => ticks =>
                new DateTime(ticks).ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture)))
            .Does(server => server.Messages.Clock.Wrap(next => () => next() is var now ? now - (now % TimeSpan.TicksPerMicrosecond) : 0))
            .EachTopic(topic => topic.NextStamp.Wrap(_ => () =>
                topic.Newest = Math.Max(topic.Server.Messages.Clock.Call(), topic.Newest + TimeSpan.TicksPerMicrosecond))),
        new BenignServer(
            "benign-leaping-stamps",
            "Between two stamps of a topic lie ten ticks that it does not use (PS-RES-001 asks only that they increase).")
            .EachTopic(topic => topic.NextStamp.Wrap(next => () => topic.Newest = next() + 10)),
        new BenignServer("benign-always-complete", "The ack of every subscribe has complete (no sentence says that others have none).")
            .EachTopic(topic => topic.InAck.Wrap(next => (subscriber, request) =>
                request.Since is null ? $"{next(subscriber, request)},\"complete\":true" : next(subscriber, request))),
        Streaming(
            "benign-stream-crlf",
            "The lines of a stream end with CR LF (HTML Standard, section 9.2.5).",
            stream => stream.Encode(text => text.Replace("\n", "\r\n", StringComparison.Ordinal))),
        Streaming(
            "benign-stream-cr",
            "A stream begins with a byte order mark, and its lines end with CR (HTML Standard, section 9.2.5).",
            stream =>
            {
                stream.Opening.Wrap(next => (topic, beginning, reading) => $"\ufeff{next(topic, beginning, reading)}");
                stream.Encode(text => text.Replace('\n', '\r'));
            }),
        Streaming(
            "benign-stream-tight",
            "No space follows the colons of a stream (HTML Standard, section 9.2.6).",
            stream => stream.Encode(text => string.Join('\n', text.Split('\n').Select(Tight)))),
        Streaming(
            "benign-stream-many-lines",
            "The data of an event are several lines (HTML Standard, section 9.2.6; white space in JSON means nothing).",
            stream => stream.Data.Wrap(next => json => next(json.Replace("{\"type\":", "{\n\n  \"type\"\t:\n", StringComparison.Ordinal)))),
        Streaming(
            "benign-stream-decorated",
            "Around each event there are comments, retry lines and fields that nothing defines, and its id comes last (HTML Standard, "
                + "sections 9.2.5 and 9.2.6).",
            stream => stream.Event.Wrap(next => (topic, @event) => next(topic, @event).TrimEnd('\n').Split('\n') is [var id, .. var data]
                ? $": an event\nretry: 3000\nretry: soon\n{string.Join('\n', data)}\ncolour: red\n: its id\n{id}\ncolour\n\n: after\n\n\n"
                : "")),
        Streaming(
            "benign-stream-named",
            "Every event has the name that an event without one has, message (HTML Standard, section 9.2.6).",
            stream => stream.Event.Wrap(next => (topic, @event) => $"event: message\n{next(topic, @event)}")),
        Streaming(
            "benign-stream-chunked",
            "A stream comes in chunks of 5 bytes (RFC 9112, section 7.1), and its type has a parameter (RFC 9110, section 8.3.1).",
            stream =>
            {
                stream.Headers.Wrap(next => () => [.. next(), "Transfer-Encoding: chunked"]);
                stream.Answer.Wrap(next => (request, name) => next(request, name) is var answer && answer.ContentType == Type
                    ? answer with { ContentType = $"{Type};charset=UTF-8" }
                    : answer);
                stream.Coding.Wrap(next => text => text.Length == 0
                    ? [.. "0\r\n\r\n"u8]
                    : [.. next(text).Chunk(5).SelectMany(chunk =>
                        (byte[])[.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8])]);
            }),
        Streaming(
            "benign-stream-long-beginning",
            "A stream begins with 2 KiB of comments, as for browsers that wait for so much, and says after them how long to wait.",
            stream => stream.Opening.Wrap(next => (topic, beginning, reading) =>
                $":{new string(' ', 2048)}\nretry: 1000\n{next(topic, beginning, reading)}")),
        Streaming(
            "benign-stream-plain-gap",
            "The data of a gap are a sentence (PS-SSE-005 says nothing of them).",
            stream => stream.Gap.Wrap(_ => _ => "event: gap\ndata: Something may be missing.\ndata\n\n")),
        new BenignServer(
            "benign-stream-comments",
            "A stream without events gets a comment every 20 ms, more often than PS-SSE-013 asks for.")
            .Does(server => server.Settings = server.Settings with { KeepAliveInterval = TimeSpan.FromMilliseconds(20) }),
    ];

    private const string Type = "text/event-stream";

    private static BenignServer Offering(string id, string oddity, params IReadOnlyList<Capability> offered) =>
        new(id, oddity) { Offers = offered };

    private static BenignServer Epochs(string id, string oddity, Func<string> create) => new BenignServer(id, oddity).EachTopic(topic =>
    {
        var epoch = create();
        topic.Epoch.Wrap(_ => () => epoch);
    });

    private static BenignServer Streaming(string id, string oddity, Action<StreamDoor> change) =>
        new BenignServer(id, oddity).Does(server => change(server.Stream));

    private static void Encode(this StreamDoor stream, Func<string, string> change) =>
        stream.Coding.Wrap(next => text => next(change(text)));

    private static string Tight(string line) => line.IndexOf(": ", StringComparison.Ordinal) is var colon and >= 0
        && line.IndexOf(':', StringComparison.Ordinal) == colon
            ? $"{line[..(colon + 1)]}{line[(colon + 2)..]}"
            : line;
}
