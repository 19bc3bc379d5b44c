using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about what they retain and how they replay it.</summary>
internal static class Replay
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("rpl-newest-first", "A replay begins with the newest message.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN => next(lastN).Reverse()))
            .KilledBy("PS-RPL-001", "a last_n of 2 replays the newest 2")
            .KilledBy("PS-FAN-003", "the order of replay is the order in which the events came")
            .MayBreak("PS-REST-002", "PS-PUB-005", "PS-PING-004"),
        new Mutant("rpl-oldest", "A replay holds the oldest messages instead of the newest.")
            .EachTopic(topic => topic.Replayed.Wrap(_ => lastN => topic.Retained.Take(lastN)))
            .KilledBy("PS-RPL-001", "a last_n of 1 replays the newest 1 of 10")
            .MayBreak("PS-PUB-012"),
        new Mutant("rpl-one-slot-further", "A last_n one above what is retained reads one slot too far, which holds the oldest again.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN => topic.Retained is [var oldest, ..] && lastN == topic.Retained.Count + 1
                ? topic.Retained.Append(oldest)
                : next(lastN)))
            .KilledBy("PS-RPL-001", "a last_n of 11 replays the newest 10 of 10")
            .KilledBy("PS-RPL-004", "a last_n of 101 replays the newest 100 of 100"),
        new Mutant("rpl-from-slot-zero", "Once the ring has gone round, a replay reads it from its first slot instead of from its oldest.")
            .EachTopic(topic => topic.Replayed.Wrap(_ => lastN =>
            {
                // When all slots are in use, the slot after the newest message holds the oldest.
                var (retained, ring) = (topic.Retained, topic.Server.Settings.Ring);
                var behind = retained.Count == ring ? (int)(topic.Accepted % ring) : retained.Count;
                return retained.TakeLast(behind).Concat(retained.SkipLast(behind)).TakeLast(lastN);
            }))
            .KilledBy("PS-RPL-001", "a last_n of 1 replays the newest 1 of 100")
            .MayBreak("PS-FAN-003", "PS-PUB-012"),
        new Mutant("rpl-first-last-n", "The first last_n of a connection holds for all its later subscriptions.")
            .EachSession(session =>
            {
                var first = 0;
                session.Subscribe.Wrap(next => (topic, request) =>
                {
                    first = first == 0 ? request.LastN : first;
                    return next(topic, request with { LastN = Math.Min(request.LastN, first) });
                });
            })
            .KilledBy("PS-RPL-001", "all of the second topic is replayed")
            .KilledBy("PS-RPL-012", "a new subscription replays what was seen and what was missed"),
        new Mutant("rpl-null-of-nothing", "The replay of a topic without messages is one event with a message of null.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN => lastN > 0 && topic.Retained.Count == 0
                ? [topic.Server.Messages.Event.Call(topic.Name, "null")]
                : next(lastN)))
            .KilledBy("PS-RPL-001", "a last_n of 1 replays the newest 0 of 0")
            .KilledBy("PS-ISO-003", "a topic without messages replays nothing of another")
            .MayBreak("PS-PUB-002", "PS-DEL-004"),
        new Mutant("rpl-gap", "While several publish, the newest message is neither in the replay nor among what follows it.")
            .EachTopic(topic => ReplaceNewestInACrowd(topic, _ => []))
            .KilledBy("PS-RPL-002", "every message of a publisher once, from its first one on")
            .MayBreak("PS-RPL-008", "PS-RPL-010"),
        new Mutant("rpl-overlap", "While several publish, the newest message is in the replay and follows it as well.")
            .EachTopic(topic => ReplaceNewestInACrowd(topic, newest => [newest, newest]))
            .KilledBy("PS-RPL-002", "every message of a publisher once, from its first one on")
            .MayBreak("PS-RPL-010"),
        new Mutant("rpl-not-one-s-own", "What a connection published itself is not replayed to it.")
            .EachTopic(topic =>
            {
                var publishers = new Dictionary<byte[], SendQueue>(); // guarded by Gate
                SendQueue? asking = null; // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        asking = subscriber;
                        return next(subscriber, request, ack);
                    }
                });
                topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    publishers[@event] = publisher;
                    next(@event, publisher);
                });
                topic.Replayed.Wrap(next => lastN => next(lastN).Where(@event => publishers[@event] != asking));
            })
            .KilledBy("PS-RPL-002", "what was published before is replayed"),
        new Mutant("rpl-newest-unasked", "A new subscriber is sent the newest message whether it asked for one or not.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN => next(Math.Max(1, lastN))))
            .KilledBy("PS-RPL-003", "nothing is replayed without last_n")
            .MayBreak("PS-RPL-006", "PS-SUB-006", "PS-UNS-002", "PS-UNS-003", "PS-UNS-009"),
        new Mutant("rpl-neighbours-too", "A replay goes to those as well who are subscribed and asked for none.")
            .EachTopic(topic =>
            {
                var asked = new HashSet<SendQueue>(); // guarded by Gate
                topic.Replayed.Wrap(next => lastN =>
                {
                    byte[][] events = [.. next(lastN)];
                    if (lastN > 0)
                    {
                        asked.Add(topic.Subscribers[^1]);
                    }

                    foreach (var neighbour in topic.Subscribers.Except(asked))
                    {
                        Array.ForEach(events, neighbour.Say.Call);
                    }

                    return events;
                });
            })
            .KilledBy("PS-RPL-003", "another connection's replay does not reach a subscriber who asked for none")
            .MayBreak("PS-RPL-002"),
        new Mutant("rpl-ring-of-99", "Of the ring's slots one is always empty.")
            .EachTopic(topic => RetainMore(topic, -1))
            .KilledBy("PS-RPL-004", "a last_n of 100 replays the newest 100 of 100")
            .MayBreak("PS-RPL-001", "PS-RPL-010", "PS-PING-004"),
        new Mutant("rpl-ring-of-101", "One message more is retained than should be.")
            .EachTopic(topic => RetainMore(topic, 1))
            .KilledBy("PS-RPL-004", "a last_n of 101 replays the newest 100 of 100"),
        new Mutant("rpl-sixteen-bits", "Of last_n only the lower 16 bits are looked at.")
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
                next(topic, request with { LastN = unchecked((short)request.LastN) })))
            .KilledBy("PS-RPL-004", "a last_n of 2147483647 replays the newest 100 of 100"),
        new Mutant("rpl-at-most-1000", "A last_n over 1000 is refused.")
            .EachSession(session => session.Parse.Wrap(next => text => next(text) is var request && request.LastN <= 1000
                ? request
                : throw new BadRequest("last_n must be at most 1000", request.RawRequestId)))
            .KilledBy("PS-RPL-005", "a last_n of 65536 is accepted"),
        Lenient("rpl-minus-is-all", "A negative last_n asks for everything.", "a last_n of -1 is refused",
            lastN => IsNumber(lastN) && lastN.TryGetInt64(out var count) && count < 0 ? int.MaxValue : null),
        Lenient("rpl-fraction-cut-off", "A fractional last_n is rounded down.", "a last_n of 1.5 is refused",
            lastN => IsNumber(lastN) && lastN.GetDouble() is > 0 and < int.MaxValue and var count ? (int)count : null),
        Lenient("rpl-huge-is-all", "A last_n that is too large asks for as much as can be asked for.", "a last_n of 2147483648 is refused",
            lastN => IsNumber(lastN) && lastN.TryGetInt64(out var count) && count > int.MaxValue ? int.MaxValue : null),
        Lenient("rpl-null-is-none", "A last_n of null is none.", "a last_n of null is refused",
            lastN => lastN.ValueKind == JsonValueKind.Null ? 0 : null),
        new Mutant("rpl-huge-hangs-up", "A last_n that overflows ends the connection.")
            .EachSession(session => WhenLastNOverflows(session, _ => session.Queue.Abandon.Call(null, 1011, "internal error")))
            .KilledBy("PS-RPL-006", "a last_n of 2147483648 is refused"),
        new Mutant("rpl-refused-but-subscribed", "A last_n that overflows is refused when the subscription has already been made.")
            .EachSession(session => WhenLastNOverflows(session, request =>
            {
                if (session.Server.Topics.Find.Call(request.Topic) is { } topic)
                {
                    session.Joined[topic] = 0;
                    lock (topic.Gate)
                    {
                        topic.Subscribers.Add(session.Queue);
                    }
                }
            }))
            .KilledBy("PS-RPL-006", "a last_n of 2147483648 makes no subscription and replays nothing"),
        new Mutant("rpl-ack-behind", "A subscribe is acked when the replay has been sent.")
            .EachTopic(SharedFaults.AckBehindTheReplay)
            .KilledBy("PS-RPL-007", "the ack comes before the 1 replayed"),

        // Alone, because it blocks a thread, and the publisher that it waits for needs another.
        new Mutant("rpl-live-first", "Live events come while the ack and the replay are still being prepared.") { Alone = true }
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
            {
                byte[][] snapshot;
                lock (topic.Gate)
                {
                    if (topic.IsDeleted || request.LastN == 0 || topic.Subscribers.Contains(session.Queue))
                    {
                        return next(topic, request);
                    }

                    snapshot = [.. topic.Replayed.Call(request.LastN)];
                    session.Joined[topic] = 0;
                    topic.Subscribers.Add(session.Queue);
                }

                // Wait until one more message is published, at most 20 ms.
                var then = topic.Accepted;
                for (var wait = 0; wait < 20 && !SpinWait.SpinUntil(() => topic.Accepted != then, TimeSpan.FromMilliseconds(1)); wait++)
                {
                    // Twenty short waits: one long wait could pass while the whole machine is stopped, with nothing published.
                }

                session.Queue.Reply.Call(session.Ack.Call(request));
                Array.ForEach(snapshot, session.Queue.Say.Call);
                return true;
            }))
            .KilledBy("PS-RPL-008", "all of the replay comes before the first live event")
            .MayBreak("PS-FAN-003"),
        new Mutant("rpl-takes", "A subscribe for more than is retained takes the retained messages away.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN =>
            {
                byte[][] events = [.. next(lastN)];
                if (lastN > topic.Retained.Count)
                {
                    topic.Retained.Clear();
                }

                return events;
            }))
            .KilledBy("PS-RPL-009", "subscriber 2 is replayed what the ones before it were")
            .MayBreak("PS-REST-002", "PS-RPL-001", "PS-RPL-002", "PS-RPL-004"),
        new Mutant("rpl-cursor", "A client_id is replayed only what it has not been replayed before.")
            .EachTopic(topic =>
            {
                var read = new Dictionary<string, long>(); // by client_id; guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var unread = topic.Accepted - read.GetValueOrDefault(request.ClientId);
                        if (request.LastN > 0)
                        {
                            read[request.ClientId] = topic.Accepted;
                        }

                        return next(subscriber, request with { LastN = (int)Math.Min(request.LastN, unread) }, ack);
                    }
                });
            })
            .KilledBy("PS-RPL-009", "the second connection of one client_id is replayed everything")
            .KilledBy("PS-RPL-012", "a new subscription replays what was seen and what was missed"),
        new Mutant("rpl-bounded", "What is replayed counts against the bound of the queue.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN =>
            {
                foreach (var @event in next(lastN))
                {
                    topic.Subscribers[^1].TryDeliver.Call(@event);
                }

                return [];
            }))
            .KilledBy("PS-RPL-010", "a subscriber is not cut because of what it asked to have replayed")
            .MayBreak("PS-RPL-004"),
        new Mutant("rpl-ascii", "What is retained is kept in ASCII.")
            .EachTopic(topic => RewriteRetained(topic, text => Encoding.UTF8.GetString(Encoding.ASCII.GetBytes(text))))
            .KilledBy("PS-RPL-011", "a replayed event has the id of the live one")
            .KilledBy("PS-PUB-005", "a payload is replayed byte for byte"),
        new Mutant("rpl-false-is-empty", "A payload of null or false is replayed as an empty object.")
            .EachTopic(topic => RewriteRetained(topic, text =>
                text.Replace("\"payload\":null", "\"payload\":{}").Replace("\"payload\":false", "\"payload\":{}")))
            .KilledBy("PS-RPL-011", "a replayed event has the payload of the live one")
            .KilledBy("PS-PUB-005", "a payload is replayed byte for byte"),
        new Mutant("rpl-first-time-only", "A connection that was subscribed before is replayed nothing.")
            .EachTopic(topic =>
            {
                var known = new HashSet<SendQueue>(); // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        return next(subscriber, known.Add(subscriber) ? request : request with { LastN = 0 }, ack);
                    }
                });
            })
            .KilledBy("PS-RPL-012", "a new subscription replays what was seen and what was missed"),
        new Mutant("rpl-every-ninth-unanswered", "Of the subscribes of a connection that ask for a replay every ninth is not answered.")
            .EachSession(session =>
            {
                var asked = 0;
                session.Ack.Wrap(next => request => request.LastN > 0 && ++asked % 9 == 0 ? [] : next(request));
                session.Queue.Reply.Wrap(next => text =>
                {
                    if (text.Length > 0)
                    {
                        next(text);
                    }
                });
            })
            .KilledBy("PS-ENV-007", "every subscribe that asks for a replay is answered")
            .MayBreak("PS-PUB-012"),
        new Mutant(
            "rpl-payload-by-id",
            "Payloads are kept by message id: of two messages with one id, both are replayed with the later payload.")
            .EachTopic(topic => topic.Retain.Wrap(next => @event =>
            {
                var (id, _) = IdAndPayload(@event);
                for (var i = 0; i < topic.Retained.Count; i++)
                {
                    topic.Retained[i] = IdAndPayload(topic.Retained[i]).Id == id ? @event : topic.Retained[i];
                }

                next(@event);
            }))
            .KilledBy("PS-PUB-004", "messages with one id have a payload each (late)"),
    ];

    private static (string? Id, string Payload) IdAndPayload(byte[] @event)
    {
        using var json = JsonDocument.Parse(@event, new JsonDocumentOptions { MaxDepth = 256 });
        var message = json.RootElement.GetProperty("message");
        return message.ValueKind == JsonValueKind.Object
            ? (message.GetProperty("id").GetString(), message.GetProperty("payload").GetRawText())
            : (null, "");
    }

    /// <param name="topic">The topic.</param>
    /// <param name="replace">
    /// Gets the newest message, and returns the messages that are replayed instead if two connections have published within 200 ms.
    /// </param>
    private static void ReplaceNewestInACrowd(Topic topic, Func<byte[], byte[][]> replace)
    {
        (SendQueue? Publisher, long At) last = default; // guarded by Gate
        (SendQueue? Publisher, long At) other = default; // the last publish of another publisher; guarded by Gate
        topic.Deliver.Wrap(next => (@event, publisher) =>
        {
            other = last.Publisher is not null && last.Publisher != publisher ? last : other;
            last = (publisher, TimeProvider.System.GetTimestamp());
            next(@event, publisher);
        });
        topic.Replayed.Wrap(next => lastN =>
        {
            byte[][] replayed = [.. next(lastN)];
            var isCrowded = other.Publisher is not null
                && TimeProvider.System.GetElapsedTime(other.At) < TimeSpan.FromMilliseconds(200);
            return isCrowded && replayed.Length > 0 ? [.. replayed[..^1], .. replace(replayed[^1])] : replayed;
        });
    }

    /// <summary>Retains more messages than the setting says.</summary>
    private static void RetainMore(Topic topic, int more) => topic.Retain.Wrap(_ => @event =>
    {
        topic.Retained.Add(@event);
        if (topic.Retained.Count > topic.Server.Settings.Ring + more)
        {
            topic.Retained.RemoveAt(0);
        }
    });

    /// <param name="meant">The count that replaces an illegal last_n; null refuses the request.</param>
    private static Mutant Lenient(string id, string fault, string because, Func<JsonElement, int?> meant) => new Mutant(id, fault)
        .EachSession(session => session.Parse.Wrap(next => text =>
        {
            try
            {
                return next(text);
            }
            catch (BadRequest bad) when (IsOfLastN(bad) && meant(LastN(text)) is { } count)
            {
                return next(WithoutLastN(text)) with { LastN = count };
            }
        }))
        .KilledBy("PS-RPL-006", because);

    /// <summary>Refuses a last_n that is too large only after the request has had an effect.</summary>
    /// <param name="session">The session.</param>
    /// <param name="overflow">Called before the refusal with the request without its last_n.</param>
    private static void WhenLastNOverflows(Session session, Action<ClientRequest> overflow) => session.Parse.Wrap(next => text =>
    {
        try
        {
            return next(text);
        }
        catch (BadRequest bad) when (
            IsOfLastN(bad) && LastN(text) is var lastN && IsNumber(lastN) && lastN.GetDouble() > int.MaxValue)
        {
            overflow(next(WithoutLastN(text)));
            throw;
        }
    });

    private static bool IsOfLastN(BadRequest bad) => bad.Message.StartsWith("last_n must be an integer", StringComparison.Ordinal);

    private static JsonElement LastN(ReadOnlyMemory<byte> text) => JsonSerializer.Deserialize<JsonElement>(text.Span).GetProperty("last_n");

    private static bool IsNumber(JsonElement lastN) => lastN.ValueKind == JsonValueKind.Number;

    private static byte[] WithoutLastN(ReadOnlyMemory<byte> text)
    {
        var request = JsonNode.Parse(text.Span)!.AsObject();
        request.Remove("last_n");
        return JsonSerializer.SerializeToUtf8Bytes(request);
    }

    /// <summary>Changes the text of retained events, but not of delivered ones.</summary>
    private static void RewriteRetained(Topic topic, Func<string, string> rewrite) => topic.Retain.Wrap(next => @event =>
        next(Encoding.UTF8.GetBytes(rewrite(Encoding.UTF8.GetString(@event)))));
}
