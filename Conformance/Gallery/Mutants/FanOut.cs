using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about which subscribers receive an event, how often, in which order, and what it contains.</summary>
internal static partial class FanOut
{
    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 128 };

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("fan-fifth-twice", "Every fifth message of a topic is delivered twice.")
            .EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
            {
                next(@event, publisher);
                if (topic.Accepted % 5 == 0)
                {
                    next(@event, publisher);
                }
            }))
            .KilledBy("PS-FAN-001", "alice receives each message once")
            .KilledBy("PS-FAN-004", "a publisher that is subscribed receives its own events, each once")
            .KilledBy("PS-FAN-007", "each message of concurrent publishers reaches every subscriber exactly once")
            .KilledBy("PS-FAN-008", "a burst in small pieces is delivered whole and in order")
            .MayBreak("PS-BPR-006", "PS-DEL-002", "PS-DEL-008", "PS-ENV-008", "PS-ERR-009", "PS-FAN-006", "PS-PING-004", "PS-PUB-005")
            .MayBreak("PS-PUB-008", "PS-PUB-013", "PS-ROB-001", "PS-ROB-005", "PS-RPL-002", "PS-RPL-010", "PS-RPL-011", "PS-SUB-004")
            .MayBreak("PS-UNS-003", "PS-WS-005"),
        new Mutant("fan-long-stream", "From its 700th event on a subscriber of a topic loses every fiftieth.")
            .EachTopic(topic =>
            {
                var delivered = new Dictionary<SendQueue, int>(); // guarded by Gate
                topic.Deliver.Wrap(_ => (@event, _) => topic.Subscribers.RemoveAll(subscriber =>
                {
                    var count = delivered[subscriber] = delivered.GetValueOrDefault(subscriber) + 1;
                    return (count < 700 || count % 50 > 0) && !subscriber.TryDeliver.Call(@event);
                }));
            })
            .KilledBy("PS-FAN-001", "receives each message of a long stream once"),
        new Mutant("fan-sixteen", "Only the first sixteen subscribers of a topic are delivered to.")
            .EachTopic(topic => topic.Deliver.Wrap(_ => (@event, _) =>
            {
                foreach (var ended in topic.Subscribers.Take(16).Where(subscriber => !subscriber.TryDeliver.Call(@event)).ToList())
                {
                    topic.Subscribers.Remove(ended);
                }
            }))
            .KilledBy("PS-FAN-001", "each of twenty subscribers receives each message once")
            .MayBreak("PS-RPL-002"),
        new Mutant("fan-neighbour-skipped", "When a subscriber in the middle of the list leaves, the one after it misses the next event.")
            .EachTopic(topic =>
            {
                SendQueue? skipped = null;
                topic.Remove.Wrap(next => subscriber =>
                {
                    var at = topic.Subscribers.IndexOf(subscriber);
                    skipped = at > 0 && at + 1 < topic.Subscribers.Count ? topic.Subscribers[at + 1] : skipped;
                    next(subscriber);
                });
                topic.Deliver.Wrap(_ => (@event, _) =>
                {
                    topic.Subscribers.RemoveAll(subscriber => subscriber != skipped && !subscriber.TryDeliver.Call(@event));
                    skipped = null;
                });
            })
            .KilledBy("PS-FAN-001", "who stays receives each message once while others leave"),
        new Mutant("fan-again-twice", "A client that subscribes again after an unsubscribe receives everything twice.")
            .EachTopic(topic =>
            {
                var known = new HashSet<SendQueue>();
                topic.Count.Wrap(_ => () =>
                {
                    lock (topic.Gate)
                    {
                        return (topic.Subscribers.Distinct().Count(), topic.Accepted);
                    }
                });
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var isNew = !topic.Subscribers.Contains(subscriber);
                        var done = next(subscriber, request, ack);
                        if (done && isNew && !known.Add(subscriber))
                        {
                            topic.Subscribers.Add(subscriber);
                        }

                        return done;
                    }
                });
                topic.Remove.Wrap(_ => subscriber => topic.Subscribers.RemoveAll(other => other == subscriber));
            })
            .KilledBy("PS-FAN-001", "a subscription that is not the first receives each message once")
            .MayBreak("PS-UNS-003"),
        new Mutant("fan-overtaken", "Every 43rd event of a topic is overtaken by the next.")
            .EachTopic(topic =>
            {
                (byte[] Event, SendQueue Publisher)? held = null;
                topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    if (topic.Accepted % 43 == 0)
                    {
                        held = (@event, publisher);
                        return;
                    }

                    next(@event, publisher);
                    if (held is var (overtaken, by))
                    {
                        held = null;
                        next(overtaken, by);
                    }
                });
            })
            .KilledBy("PS-FAN-002", "messages arrive in the order in which they were published")
            .KilledBy("PS-FAN-003", "the order of replay is the order in which the events came")
            .KilledBy("PS-FAN-008", "a burst in one write is delivered whole and in order")
            .MayBreak("PS-DEL-002", "PS-DEL-008", "PS-FAN-007", "PS-PING-004", "PS-PUB-005", "PS-ROB-005", "PS-SUB-004"),
        new Mutant("fan-large-apart", "A large event is overtaken by the small one behind it.")
            .EachTopic(LargeApart)
            .KilledBy("PS-FAN-002", "a small message does not overtake a large one")
            .MayBreak("PS-DEL-008"),
        new Mutant(
            "fan-two-orders",
            "While several publish, every second subscriber sees what one of them published last behind what another publishes next.")
            .EachTopic(TwoOrders)
            .KilledBy("PS-FAN-003", "all subscribers receive the events in one and the same order")
            .MayBreak("PS-SUB-004"),
        new Mutant("fan-not-to-oneself", "A publisher that is not the only subscriber is not delivered its own events.")
            .EachTopic(topic => topic.Deliver.Wrap(_ => (@event, publisher) => topic.Subscribers.RemoveAll(subscriber =>
                (subscriber != publisher || topic.Subscribers.Count == 1) && !subscriber.TryDeliver.Call(@event))))
            .KilledBy("PS-FAN-004", "a publisher that is subscribed receives its own events, each once")
            .MayBreak("PS-FAN-008", "PS-REST-023", "PS-ROB-003", "PS-RPL-002", "PS-WS-005"),
        new Mutant("fan-event-in-data", "An event holds its message in 'data'.")
            .Does(server => server.Messages.Event.Wrap(next => (topic, message) =>
            {
                var text = Encoding.UTF8.GetString(next(topic, message));
                var at = text.IndexOf(",\"message\":{", StringComparison.Ordinal);
                return Messages.Text($"{text[..at]},\"data\":{text[(at + ",\"message\":".Length)..]}");
            }))
            .KilledBy("PS-FAN-005", "an event has a member message with the members id and payload"),
        new Mutant("fan-bare-uuid", "A UUID in message.id loses its hyphens.")
            .EachSession(session => session.Publish.Wrap(next => (topic, request) =>
                next(topic, request with { RawMessage = Uuid().Replace(request.RawMessage, uuid => uuid.Value.Replace("-", "")) })))
            .KilledBy("PS-FAN-005", "an event has the message's id in message")
            .MayBreak("PS-PUB-006"),
        new Mutant("fan-number-out-of-text", "A text in the payload that is a decimal number becomes one.")
            .EachSession(session => session.Publish.Wrap(next => (topic, request) =>
                next(topic, request with { RawMessage = QuotedNumber().Replace(request.RawMessage, ":$1") })))
            .KilledBy("PS-FAN-005", "an event has the message's payload in message")
            .MayBreak("PS-PUB-004", "PS-PUB-005", "PS-PUB-006"),
        new Mutant("fan-time-of-delivery", "An event has the time at which it was handed to each subscriber.")
            .EachSession(session => session.Queue.TryDeliver.Wrap(next => @event => next(DatedNow(@event))))
            .KilledBy("PS-FAN-006", "an event has one timestamp for all subscribers and in replay"),
        new Mutant("fan-time-of-replay", "A replayed event has the time of its replay.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN => next(lastN).Select(DatedNow)))
            .KilledBy("PS-FAN-006", "an event has one timestamp for all subscribers and in replay"),
        new Mutant("fan-time-of-the-client", "A timestamp in the publish is taken for the event.")
            .EachSession(session =>
            {
                string? sent = null;
                session.Parse.Wrap(next => text =>
                {
                    var request = next(text);
                    var json = JsonSerializer.Deserialize<JsonElement>(text.Span, Deep);
                    sent = json.TryGetProperty("timestamp", out var time) ? time.ToString() : null;
                    return request;
                });
                session.Publish.Wrap(_ => (topic, request) =>
                {
                    var @event = session.Server.Messages.Event.Call(topic.Name, request.RawMessage);
                    var dated = sent is null ? @event : Dated(@event, sent);
                    return topic.TryPublish.Call(dated, session.Queue, request, session.Ack.Call(request));
                });
            })
            .KilledBy("PS-FAN-006", "an event's timestamp lies between those of the acks before and after its acceptance"),
        new Mutant("fan-fiftieth-of-a-read", "Of what one read brings in, the 50th publish is acked and forgotten.")
            .EachSession(session =>
            {
                var (read, publishes) = (0, 0);
                session.Publish.Wrap(next => (topic, request) =>
                {
                    var idles = session.Connection.Idles;
                    (read, publishes) = (idles, read == idles ? publishes + 1 : 1);
                    if (publishes != 50)
                    {
                        return next(topic, request);
                    }

                    session.Queue.Reply.Call(session.Ack.Call(request));
                    return true;
                });
            })
            .KilledBy("PS-FAN-008", "a burst in one write is delivered whole and in order")

            // Any scenario that publishes fifty messages without waiting for acks may lose one: the number of messages in one read
            // depends on the machine.
            .MayBreak("PS-BPR-006", "PS-DEL-002", "PS-DEL-008", "PS-OBS-008", "PS-PING-004", "PS-RPL-004", "PS-SUB-004"),
    ];

    private static void LargeApart(Topic topic)
    {
        byte[]? held = null;
        topic.Deliver.Wrap(next => (@event, publisher) =>
        {
            if (@event.Length < 16 * 1024)
            {
                next(@event, publisher);
                DeliverHeld();
                return;
            }

            DeliverHeld();
            held = @event;
            _ = DeliverLaterAsync();

            void DeliverHeld()
            {
                if (held is { } large)
                {
                    held = null;
                    next(large, publisher);
                }
            }

            async Task DeliverLaterAsync()
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100));
                lock (topic.Gate)
                {
                    if (held == @event)
                    {
                        DeliverHeld();
                    }
                }
            }
        });
    }

    private static void TwoOrders(Topic topic)
    {
        var held = new List<byte[]>(); // events of the last publisher that the subscribers at odd indexes have not been offered
        (SendQueue? Publisher, long At) last = default;
        topic.Deliver.Wrap(_ => Deliver);

        void Deliver(byte[] @event, SendQueue publisher)
        {
            var before = last;
            last = (publisher, TimeProvider.System.GetTimestamp());
            Offer(@event, isOdd: false);
            if (held.Count == 0)
            {
                var isTogether = TimeProvider.System.GetElapsedTime(before.At) <= TimeSpan.FromMilliseconds(500);
                if (before.Publisher is null || before.Publisher == publisher || !isTogether)
                {
                    Offer(@event, isOdd: true);
                    return;
                }

                held.Add(@event);
                _ = OfferLaterAsync(@event);
            }
            else if (before.Publisher == publisher)
            {
                held.Add(@event);
            }
            else
            {
                Offer(@event, isOdd: true);
                OfferHeld();
            }
        }

        void Offer(byte[] @event, bool isOdd)
        {
            foreach (var subscriber in topic.Subscribers.Where((_, place) => place % 2 == (isOdd ? 1 : 0)).ToList())
            {
                if (!subscriber.TryDeliver.Call(@event))
                {
                    topic.Subscribers.Remove(subscriber);
                }
            }
        }

        void OfferHeld()
        {
            held.ForEach(@event => Offer(@event, isOdd: true));
            held.Clear();
        }

        async Task OfferLaterAsync(byte[] first)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            lock (topic.Gate)
            {
                if (held.Count > 0 && held[0] == first)
                {
                    OfferHeld();
                }
            }
        }
    }

    /// <summary>The same event with the present time, to 100 ns.</summary>
    private static byte[] DatedNow(byte[] @event) =>
        Dated(@event, TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));

    private static byte[] Dated(byte[] @event, string time) =>
        Messages.Text(Timestamp().Replace(Encoding.UTF8.GetString(@event), $"\"timestamp\":\"{time}\"}}"));

    [GeneratedRegex("\"timestamp\":\"[^\"]*\"}\\z")]
    private static partial Regex Timestamp();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex(":\"([0-9]+\\.[0-9]+)\"")]
    private static partial Regex QuotedNumber();
}
