using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about Server-Sent Events.</summary>
internal static class Streams
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        Streaming("sse-plain-text", "A stream is declared as plain text.")
            .Does(server => server.Stream.Answer.Wrap(next => (request, name) =>
                next(request, name) is var answer && answer.Status == 200 ? answer with { ContentType = "text/plain" } : answer))
            .KilledBy("PS-SSE-001", "has the Content-Type text/event-stream"),
        Streaming("sse-head-with-the-first", "The head of a stream is sent with its first event.")
            .Does(server => server.Stream.Answer.Wrap(next => (request, name) =>
                next(request, name) is var answer && answer.Stream is { } stream ? answer with { Stream = Buffered(stream) } : answer))
            .KilledBy("PS-SSE-001", "is answered at once")
            .MayBreak([.. Every]),
        Streaming("sse-no-first-line", "A stream begins with its first event.")
            .Does(server => server.Stream.Opening.Wrap(next => (topic, beginning, reading) =>
                beginning.Since is null ? "" : next(topic, beginning, reading)))
            .KilledBy("PS-SSE-001", "has a first line at once")
            .MayBreak([.. Every]),
        Streaming("sse-one-line", "The data of an event are one line, also where the JSON has several.")
            .Does(server => server.Stream.Data.Wrap(_ => json => $"data: {json}\n"))
            .KilledBy("PS-SSE-002", "the data of an event are the object"),
        Streaming("sse-message-only", "The data of an event are its message.")
            .Does(server => server.Stream.Event.Wrap(next => (topic, @event) => next(topic, @event)
                .Replace(Encoding.UTF8.GetString(@event), RawMessage(@event), StringComparison.Ordinal)))
            .KilledBy("PS-SSE-002", "the data of an event are the object")
            .MayBreak("PS-SSE-001")
            .MayBreak([.. Every.Except(["PS-SSE-002"])]),
        Streaming("sse-tenth-twice", "Every tenth event of a stream is sent twice.")
            .Does(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
            {
                var events = 0;
                queue.TryDeliver.Wrap(deliver => @event => deliver(@event) && (++events % 10 != 0 || deliver(@event)));
                next(topic, queue);
            }))
            .KilledBy("PS-SSE-002", "receives every event")
            .MayBreak("PS-SSE-004", "PS-SSE-008"),
        Streaming("sse-large-left-out", "An event of more than 16 KiB is not sent on a stream.")
            .Does(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
            {
                queue.TryDeliver.Wrap(deliver => @event => @event.Length > 16 * 1024 || deliver(@event));
                next(topic, queue);
            }))
            .KilledBy("PS-SSE-002", "every event of the topic is sent as data")
            .MayBreak("PS-SSE-008"),
        (Streaming("sse-newest-first", "When two events wait, a stream sends the second first.") with
        {
            Offers = [Capability.Resume, Capability.Http, Capability.Sse],
        })
            .Does(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
            {
                byte[]? held = null;
                queue.TryDeliver.Wrap(deliver => @event =>
                {
                    if (held is { } first)
                    {
                        held = null;
                        return deliver(@event) && deliver(first);
                    }

                    held = @event;
                    _ = ReleaseAsync(@event);
                    return true;

                    async Task ReleaseAsync(byte[] waiting)
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(20));
                        lock (topic.Gate)
                        {
                            if (held == waiting)
                            {
                                held = null;
                                deliver(waiting);
                            }
                        }
                    }
                });
                next(topic, queue);
            }))
            .KilledBy("PS-SSE-002", "receives every event")
            .KilledBy("PS-FAN-003", "receives the events in the order of")
            .MayBreak("PS-SSE-004", "PS-SSE-008", "PS-SSE-009", "PS-HTTP-007"),
        Streaming("sse-id-of-the-next", "An event has the id that is one later than its own.")
            .Does(server => server.Stream.Event.Wrap(next => (topic, @event) => next(topic, @event)
                .Replace(server.Stream.Id.Call(topic, Stamp(topic, @event)), server.Stream.Id.Call(topic, Stamp(topic, @event) + 1), At)))
            .KilledBy("PS-SSE-003", "every event has the id epoch/timestamp")
            .MayBreak("PS-SSE-004"),
        Streaming("sse-id-of-the-one-before", "An event has the id of the event before it.")
            .Does(server => server.Stream.Event.Wrap(next => (topic, @event) =>
            {
                lock (topic.Gate)
                {
                    var place = topic.Retained.IndexOf(@event);
                    var own = server.Stream.Id.Call(topic, Stamp(topic, @event));
                    var before = place < 1 ? own : server.Stream.Id.Call(topic, Stamp(topic, topic.Retained[place - 1]));
                    return next(topic, @event).Replace(own, before, At);
                }
            }))
            .KilledBy("PS-SSE-003", "every event has the id epoch/timestamp")
            .MayBreak("PS-SSE-004"),
        Streaming("sse-time-for-id", "An id is a timestamp without an epoch.")
            .Does(server => server.Stream.Id.Wrap(_ => (_, stamp) => server.Messages.Format.Call(stamp)))
            .KilledBy("PS-SSE-003", "every event has the id epoch/timestamp")
            .MayBreak("PS-SSE-004", "PS-SSE-005", "PS-SSE-007"),
        Streaming("sse-no-id", "Events have no id.")
            .Does(server => server.Stream.Event.Wrap(next => (topic, @event) =>
                next(topic, @event) is var text ? text[(text.IndexOf('\n', At) + 1)..] : ""))
            .KilledBy("PS-SSE-003", "every event has the id epoch/timestamp")
            .MayBreak("PS-SSE-004", "PS-SSE-005"),
        Streaming("sse-id-in-milliseconds", "The time in an id ends with the milliseconds.")
            .Does(server => server.Stream.Id.Wrap(next => (topic, stamp) => next(topic, stamp - (stamp % TimeSpan.TicksPerMillisecond))))
            .KilledBy("PS-SSE-003", "every event has the id epoch/timestamp")
            .MayBreak("PS-SSE-004", "PS-SSE-005", "PS-SSE-007"),
        Streaming("sse-replayed-without-id", "Replayed events have no id.")
            .Does(server =>
            {
                var replayed = new ConditionalWeakTable<byte[], object>();
                server.EachTopic(topic => topic.Read.Wrap(next => beginning =>
                {
                    var reading = next(beginning);
                    reading?.Events.ToList().ForEach(@event => replayed.AddOrUpdate(@event, @event));
                    return reading;
                }));
                server.Stream.Event.Wrap(next => (topic, @event) => next(topic, @event) is var text && replayed.TryGetValue(@event, out _)
                    ? text[(text.IndexOf('\n', At) + 1)..]
                    : text);
            })
            .KilledBy("PS-SSE-004", "a replayed event has the id of the live one")
            .MayBreak("PS-SSE-003", "PS-SSE-005", "PS-SSE-006"),
        Beginning("sse-last-id-ignored", "Last-Event-ID is ignored.", (_, next, request) =>
            next(request) is var begun && request["Last-Event-ID"] is null ? begun : Servers.Beginning.In(request, otherwise: 0))
            .KilledBy("PS-SSE-004", "begins with exactly the later events")
            .MayBreak("PS-SSE-005", "PS-SSE-007"),
        Beginning("sse-address-wins", "A position in the address wins over Last-Event-ID.", (_, next, request) =>
            next(request) is var begun && Servers.Beginning.In(request, otherwise: 0) is { Since: not null } asked ? asked : begun)
            .KilledBy("PS-SSE-004", "begins with exactly the later events"),
        Beginning("sse-since-ignored", "A position in the address is ignored.", (_, next, request) =>
            request["Last-Event-ID"] is null && next(request) is { Since: not null } ? new(0) : next(request))
            .KilledBy("PS-SSE-004", "begins with exactly the later events")
            .MayBreak("PS-SSE-005"),
        Beginning("sse-inclusive", "A stream from a position begins with the event at it.", (_, next, request) =>
            next(request) is { Since: { } since } begun ? begun with { Since = since with { Stamp = since.Stamp - 1 } } : next(request))
            .KilledBy("PS-SSE-004", "begins with exactly the later events")
            .MayBreak("PS-SSE-005", "PS-SSE-007"),
        Streaming("sse-seam", "The first live event of a stream that was resumed is lost.")
            .Does(server =>
            {
                server.Stream.EachQueue.Wrap(next => (topic, queue) =>
                {
                    var (said, isFirst) = (false, true);
                    queue.Say.Wrap(say => @event =>
                    {
                        said = true;
                        say(@event);
                    });
                    queue.TryDeliver.Wrap(deliver => @event =>
                    {
                        var isLost = said && isFirst;
                        isFirst = false;
                        return isLost || deliver(@event);
                    });
                    next(topic, queue);
                });
            })
            .KilledBy("PS-SSE-004", "begins with exactly the later events")
            .MayBreak("PS-SSE-002", "PS-SSE-003", "PS-SSE-005", "PS-SSE-006", "PS-SSE-007", "PS-SSE-009"),
        Streaming("sse-resumed-backwards", "What is replayed to a stream begins with the newest event.")
            .EachTopic(topic => topic.TryFollow.Wrap(next => (stream, beginning) =>
            {
                var replayed = new List<byte[]>();
                var isReplaying = true;
                stream.Say.Wrap(say => @event =>
                {
                    if (isReplaying)
                    {
                        replayed.Insert(0, @event);
                        return;
                    }

                    say(@event);
                });
                lock (topic.Gate)
                {
                    var reading = next(stream, beginning);
                    isReplaying = false;
                    replayed.ForEach(stream.Say.Call);
                    return reading;
                }
            }))
            .KilledBy("PS-SSE-004", "begins with exactly the later events")
            .KilledBy("PS-SSE-006", "begins with the newest")
            .MayBreak("PS-SSE-002", "PS-SSE-003", "PS-SSE-005", "PS-SSE-007"),
        Torn("sse-no-gap", "A stream never has a gap.", (_, _, _) => false)
            .KilledBy("PS-SSE-005", "exactly if a later event is missing"),
        Torn("sse-always-a-gap", "Every stream that is resumed begins with a gap.", (_, beginning, _) => beginning.Since is not null)
            .KilledBy("PS-SSE-005", "exactly if a later event is missing")
            .MayBreak("PS-SSE-004", "PS-SSE-007"),
        Torn("sse-gap-if-nothing-follows", "A stream begins with a gap if nothing is replayed for its position.", (_, beginning, reading) =>
            beginning.Since is not null && reading.Events.Count == 0)
            .KilledBy("PS-SSE-005", "exactly if a later event is missing")
            .MayBreak("PS-SSE-004"),
        Torn("sse-gap-if-full", "A stream begins with a gap if all of the ring is replayed.", (server, beginning, reading) =>
            beginning.Since is not null && (!reading.IsComplete || reading.Events.Count == server.Settings.Ring))
            .KilledBy("PS-SSE-005", "exactly if a later event is missing"),
        Beginning("sse-any-epoch", "A stream from a position of another life of the topic has no gap.", (_, next, request) =>
            next(request) is { Since: { } since } begun ? begun with { Since = since with { Epoch = null } } : next(request))
            .KilledBy("PS-SSE-005", "exactly if a later event is missing"),
        Streaming("sse-gap-last", "The gap comes behind what is replayed.")
            .Does(server =>
            {
                var torn = new ConcurrentDictionary<Topic, byte[]?>();
                server.Stream.Opening.Wrap(next => (topic, beginning, reading) =>
                {
                    var text = next(topic, beginning, reading);
                    var gap = server.Stream.Gap.Call(topic);
                    torn[topic] = text.EndsWith(gap, At) && reading.Events.Count > 0 ? reading.Events[^1] : null;
                    return torn[topic] is null ? text : text[..^gap.Length];
                });
                server.Stream.Event.Wrap(next => (topic, @event) => torn.GetValueOrDefault(topic) == @event
                    ? next(topic, @event) + server.Stream.Gap.Call(topic)
                    : next(topic, @event));
            })
            .KilledBy("PS-SSE-005", "and nothing comes before it"),
        Beginning("sse-no-last-n", "The last_n of a stream is ignored.", (_, next, request) =>
            next(request) is { Since: null } ? new(0) : next(request))
            .KilledBy("PS-SSE-006", "begins with the newest"),
        Beginning("sse-one-more", "A stream begins with one event more than its last_n.", (_, next, request) =>
            next(request) is { LastN: > 0 } begun ? begun with { LastN = begun.LastN + 1 } : next(request))
            .KilledBy("PS-SSE-006", "begins with the newest")
            .MayBreak("PS-SSE-007"),
        Streaming("sse-no-first-id", "A stream that is not resumed begins without an id.")
            .Does(server => server.Stream.First.Wrap(_ => (_, _) => "\n"))
            .KilledBy("PS-SSE-007", "sends an id before its first event"),
        Streaming("sse-first-id-of-the-creation", "The id before the first event is always that of the topic's creation.")
            .Does(server => server.EachTopic(topic =>
            {
                var born = topic.Newest;
                topic.Read.Wrap(next => beginning => next(beginning) is { } reading ? reading with { Before = born } : null);
            }))
            .KilledBy("PS-SSE-007", "a reader that goes on from that id"),
        (Streaming("sse-publisher-waits", "A publisher waits for a stream that has 50 events to read.") with
        {
            UnderLoad = true,
            Alone = true,
        })
            .Does(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
            {
                queue.TryDeliver.Wrap(deliver => @event =>
                {
                    SpinWait.SpinUntil(() => queue.Outstanding.Events < 50 || queue.Ended.IsCompleted);
                    return deliver(@event);
                });
                next(topic, queue);
            }))
            .KilledBy("PS-SSE-008", "although a reader of a stream does not read"),
        Streaming("sse-quiet-end", "When the topic is deleted, its streams end without a word.")
            .Does(server => server.Stream.Last.Wrap(next => message => IsNotice(message) ? "" : next(message)))
            .KilledBy("PS-SSE-009", "the stream gets an event of the name info"),
        Streaming("sse-unnamed-end", "The notice that the topic is deleted has no name.")
            .Does(server => server.Stream.Last.Wrap(next => message =>
                next(message).Replace("event: info\n", "", StringComparison.Ordinal)))
            .KilledBy("PS-SSE-009", "the stream gets an event of the name info")
            .MayBreak("PS-SSE-002"),
        Streaming("sse-endless", "A stream stays open when its topic is deleted.")
            .Does(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
            {
                queue.Finish.Wrap(finish => (last, code, reason) =>
                {
                    if (last is not null && IsNotice(last))
                    {
                        queue.Say.Call(topic.Stamped(last, 0));
                        return;
                    }

                    finish(last, code, reason);
                });
                next(topic, queue);
            }))
            .Does(server => server.Stream.Event.Wrap(next => (topic, @event) =>
                IsNotice(@event) ? server.Stream.Last.Call(@event) : next(topic, @event)))
            .KilledBy("PS-SSE-009", "the stream ends"),
        Streaming("sse-not-counted", "A stream does not count as a subscriber.")
            .Does(server => server.EachTopic(topic => topic.Count.Wrap(next => () =>
            {
                lock (topic.Gate)
                {
                    return next() with { Subscribers = topic.Subscribers.Count(subscriber => !server.Streams.ContainsKey(subscriber)) };
                }
            })))
            .KilledBy("PS-SSE-010", "an open stream counts as a subscriber"),
        Streaming("sse-counted-for-ever", "A stream counts as a subscriber also when it has ended.")
            .Does(server => server.EachTopic(topic =>
            {
                var streams = 0;
                topic.TryFollow.Wrap(next => (stream, beginning) =>
                {
                    Interlocked.Increment(ref streams);
                    return next(stream, beginning);
                });
                topic.Count.Wrap(next => () =>
                {
                    lock (topic.Gate)
                    {
                        var open = topic.Subscribers.Count(server.Streams.ContainsKey);
                        return next() is var (subscribers, messages) ? (subscribers - open + streams, messages) : default;
                    }
                });
            }))
            .KilledBy("PS-SSE-010", "streams that have ended do not count"),
        Streaming("sse-no-topic-204", "A stream of a topic that does not exist is answered with 204.")
            .Does(server => server.Stream.NoSuchTopic.Wrap(_ => _ => new HttpResponse(204, null)))
            .KilledBy("PS-SSE-011", "is answered with 404")
            .MayBreak("PS-SSE-009"),
        Streaming("sse-no-topic-empty", "A stream of a topic that does not exist is an empty one.")
            .Does(server => server.Stream.NoSuchTopic.Wrap(_ => _ => new HttpResponse(200, ": no topic\n\n", "text/event-stream")))
            .KilledBy("PS-SSE-011", "is answered with 404")
            .MayBreak("PS-SSE-009"),
        Lenient("sse-any-last-n", "A last_n of a stream that is none counts as 0.", "last_n must")
            .KilledBy("PS-SSE-012", "is answered with 400"),
        Lenient("sse-any-since", "A since of a stream that is no time is ignored.", "since must")
            .KilledBy("PS-SSE-012", "is answered with 400"),
        Lenient("sse-any-last-id", "A Last-Event-ID that is none is ignored.", "Last-Event-ID")
            .KilledBy("PS-SSE-012", "is answered with 400"),
        (Streaming("sse-silent", "A stream without events is silent.") with { Launched = true })
            .Does(server => server.Stream.Comment.Wrap(_ => () => ""))
            .KilledBy("PS-SSE-013", "a comment line within each"),
        (Streaming("sse-comment-once", "A stream without events gets one comment, and then no other.") with { Launched = true })
            .Does(server =>
            {
                var comments = 0;
                server.Stream.Comment.Wrap(next => () => Interlocked.Increment(ref comments) == 1 ? next() : "");
            })
            .KilledBy("PS-SSE-013", "a comment line within each"),
    ];

    private const StringComparison At = StringComparison.Ordinal;

    private static JsonSerializerOptions Deep { get; } = new() { MaxDepth = 1_000 };

    /// <summary>All that a stream shows only once it has begun.</summary>
    private static IEnumerable<string> Every => Enumerable.Range(2, 12).Select(number => $"PS-SSE-{number:D3}");

    private static Mutant Streaming(string id, string fault) => new(id, fault) { Offers = [Capability.Resume, Capability.Sse] };

    /// <summary>A server whose streams begin elsewhere.</summary>
    private static Mutant Beginning(
        string id, string fault, Func<SmallServer, Func<HttpRequest, Beginning>, HttpRequest, Beginning> begin) => Streaming(id, fault)
        .Does(server => server.Stream.BeginningOf.Wrap(next => request => begin(server, next, request)));

    /// <summary>A server that answers a stream whose fault begins so, and lets it begin with live events.</summary>
    private static Mutant Lenient(string id, string mutation, string fault) => Beginning(id, mutation, (_, next, request) =>
    {
        try
        {
            return next(request);
        }
        catch (HttpFault bad) when (bad.Message.StartsWith(fault, At))
        {
            return new(0);
        }
    });

    /// <summary>A server that is wrong about when a stream begins with a gap.</summary>
    private static Mutant Torn(string id, string fault, Func<SmallServer, Beginning, Reading, bool> isTorn) => Streaming(id, fault)
        .Does(server => server.Stream.IsTorn.Wrap(_ => (beginning, reading) => isTorn(server, beginning, reading)));

    private static long Stamp(Topic topic, byte[] @event) => topic.StampOf(@event) ?? 0;

    private static bool IsNotice(byte[] text) => text.AsSpan().IndexOf("topic_deleted"u8) >= 0;

    private static string RawMessage(byte[] @event) =>
        JsonSerializer.Deserialize<JsonElement>(@event, Deep).GetProperty("message").GetRawText();

    /// <summary>The same stream, of which nothing is sent before its first data.</summary>
    private static Func<Connection, byte[], CancellationToken, Task> Buffered(Func<Connection, byte[], CancellationToken, Task> stream) =>
        (connection, head, stopping) =>
        {
            var held = new List<byte>();
            var isHeld = true;
            connection.Send.Wrap(next => (bytes, token) =>
            {
                held.AddRange(bytes.Span);
                isHeld = isHeld && bytes.Span.IndexOf("data:"u8) < 0;
                if (isHeld)
                {
                    return ValueTask.CompletedTask;
                }

                byte[] all = [.. held];
                held.Clear();
                return next(all, token);
            });
            return stream(connection, head, stopping);
        };
}
