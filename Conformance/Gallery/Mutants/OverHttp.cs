using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about publishing and reading over HTTP.</summary>
internal static partial class OverHttp
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        Serving("http-202", "A publish is answered with 202.")
            .Does(server => server.Http.Published.Wrap(next => (topic, messages, stamps) =>
                next(topic, messages, stamps) with { Status = 202 }))
            .KilledBy("PS-HTTP-001", "a publish over HTTP is answered with 200")
            .MayBreak("PS-HTTP-003", "PS-HTTP-012"),
        Serving("http-on-its-way", "A publish is answered 100 ms before its event is retained and queued.")
            .EachTopic(topic => Postpone(topic, retains: false))
            .KilledBy("PS-HTTP-001", "once it is answered")
            .MayBreak("PS-HTTP-003", "PS-HTTP-007", "PS-HTTP-008", "PS-HTTP-009", "PS-RES-001", "PS-FAN-003"),
        Serving("http-retained-only", "What is published over HTTP is retained, but not delivered to those who are subscribed.")
            .EachTopic(topic => topic.TryPublishAll.Wrap(next => messages =>
            {
                lock (topic.Gate)
                {
                    SendQueue[] subscribers = [.. topic.Subscribers];
                    topic.Subscribers.Clear();
                    var stamps = next(messages);
                    topic.Subscribers.AddRange(subscribers);
                    return stamps;
                }
            }))
            .KilledBy("PS-HTTP-001", "is queued to every subscriber")
            .MayBreak("PS-HTTP-002", "PS-HTTP-003", "PS-HTTP-006", "PS-HTTP-007", "PS-SSE-002", "PS-FAN-003"),
        Serving("http-delivered-only", "What is published over HTTP is delivered, but not retained.")
            .EachTopic(topic => topic.TryPublishAll.Wrap(next => messages =>
            {
                lock (topic.Gate)
                {
                    byte[][] retained = [.. topic.Retained];
                    var stamps = next(messages);
                    topic.Retained.Clear();
                    topic.Retained.AddRange(retained);
                    return stamps;
                }
            }))
            .KilledBy("PS-HTTP-001", "the event is retained")
            .MayBreak("PS-HTTP-002", "PS-HTTP-003", "PS-HTTP-006", "PS-HTTP-007", "PS-HTTP-008", "PS-HTTP-009"),
        Serving("http-id-of-its-own", "The id of an event that came over HTTP is the server's.")
            .Does(server => server.Http.Publish.Wrap(next => (topic, messages) => next(
                topic, [.. messages.Select(message => message.Replace(IdOf(message), $"\"{Guid.NewGuid()}\"", StringComparison.Ordinal))])))
            .KilledBy("PS-HTTP-002", "the event has the id of the message")
            .MayBreak("PS-HTTP-001", "PS-HTTP-003", "PS-HTTP-006", "PS-HTTP-007", "PS-HTTP-008"),
        Serving("http-no-null", "A payload of null becomes an empty object.")
            .Does(server => server.Http.Message.Wrap(next => (message, index) =>
                NullPayload().Replace(next(message, index), "\"payload\":{}")))
            .KilledBy("PS-HTTP-002", "the event has the payload of the message, unchanged"),
        Serving("http-latin-1", "The bytes of a message are taken for Latin-1.")
            .Does(server => server.Http.Message.Wrap(next => (message, index) =>
                Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(next(message, index)))))
            .KilledBy("PS-HTTP-002", "the event has the payload of the message, unchanged"),
        Serving("http-batch-backwards", "A batch is published from its end.")
            .Does(server => server.Http.Publish.Wrap(next => (topic, messages) =>
                next(topic, [.. messages.Reverse()]) is { } stamps ? [.. stamps.Reverse()] : null))
            .KilledBy("PS-HTTP-003", "are neighbours in the topic's order")
            .MayBreak("PS-HTTP-006", "PS-HTTP-007"),
        Serving("http-one-by-one", "The messages of a batch are published one by one, and those of others fall between them.")
            .Does(server => server.Http.Publish.Wrap(next => (topic, messages) => OneByOne(next, topic, messages)))
            .KilledBy("PS-HTTP-003", "are neighbours in the topic's order"),
        Serving("http-hundred-at-most", "A batch of more than 100 messages is refused.")
            .Does(server => server.Http.Parse.Wrap(next => body =>
                next(body) is { Count: <= 100 } messages ? messages : throw RestDoor.Bad("the array must have 1 to 100 messages")))
            .KilledBy("PS-HTTP-003", "an array of 1,000 messages is published")
            .MayBreak("PS-HTTP-004", "PS-HTTP-005"),
        Serving("http-half-a-batch", "The messages before an invalid one are published, although the request is refused.")
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
            {
                try
                {
                    return await next(request, name, stopping);
                }
                catch (HttpFault)
                {
                    var legal = Legal(server, await request.ReadBodyAsync(int.MaxValue, stopping), stopsAtFault: true);
                    if (legal.Count > 0)
                    {
                        server.Topics.Find.Call(name)?.TryPublishAll.Call(legal);
                    }

                    throw;
                }
            }))
            .KilledBy("PS-HTTP-004", "publishes nothing"),
        Serving("http-without-the-invalid", "The invalid messages of a batch are left out, and the others are published.")
            .Does(server => server.Http.Parse.Wrap(next => body =>
            {
                try
                {
                    return next(body);
                }
                catch (HttpFault) when (Legal(server, body, stopsAtFault: false) is { Count: > 0 } legal)
                {
                    return legal;
                }
            }))
            .KilledBy("PS-HTTP-004", "is answered with a 4xx status")
            .MayBreak("PS-HTTP-005"),
        Serving("http-empty-batch", "An empty array is answered with 200.")
            .Does(server =>
            {
                server.Http.Parse.Wrap(next => body => body.AsSpan().Trim(" \r\n\t"u8).SequenceEqual("[]"u8) ? [] : next(body));
                server.Http.Publish.Wrap(next => (topic, messages) => messages.Count == 0 ? [] : next(topic, messages));
            })
            .KilledBy("PS-HTTP-004", "an empty array is answered"),
        Serving("http-longer-batch", "An array of more than 1,000 messages is published.")
            .Does(server => server.Http.Parse.Wrap(next => body =>
                Elements(body).Count > 1_000 ? Legal(server, body, stopsAtFault: false) : next(body)))
            .KilledBy("PS-HTTP-004", "an array of 1,001 messages is answered"),
        Serving("http-first-thousand", "Of an array of more than 1,000 messages the first 1,000 are published, and it is refused.")
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
            {
                try
                {
                    return await next(request, name, stopping);
                }
                catch (HttpFault fault) when (fault.Message.StartsWith("the array", StringComparison.Ordinal))
                {
                    var legal = Legal(server, await request.ReadBodyAsync(int.MaxValue, stopping), stopsAtFault: true);
                    if (legal.Count > 0)
                    {
                        server.Topics.Find.Call(name)?.TryPublishAll.Call([.. legal.Take(1_000)]);
                    }

                    throw;
                }
            }))
            .KilledBy("PS-HTTP-004", "publishes nothing"),
        Serving("http-fault-without-index", "The error about a batch does not say which message is at fault.")
            .Does(server => server.Http.Message.Wrap(next => (message, _) => next(message, null)))
            .KilledBy("PS-HTTP-005", "names the index"),
        Serving("http-index-from-one", "The error about a batch counts its messages from 1.")
            .Does(server => server.Http.Message.Wrap(next => (message, index) => next(message, index + 1)))
            .KilledBy("PS-HTTP-005", "names the index"),
        Serving("http-answer-in-milliseconds", "The timestamps of an answer end with the milliseconds.")
            .Does(server => server.Http.Entry.Wrap(next => (message, stamp) =>
                next(message, stamp - (stamp % TimeSpan.TicksPerMillisecond))))
            .KilledBy("PS-HTTP-006", "has the timestamp of each event"),
        Serving("http-time-of-the-answer", "The timestamps of an answer are its own.")
            .Does(server => server.Http.Entry.Wrap(next => (message, stamp) =>
                next(message, Math.Max(stamp + 1, server.Messages.Clock.Call()))))
            .KilledBy("PS-HTTP-006", "has the timestamp of each event"),
        Serving("http-one-time-for-all", "All messages of an answer have the timestamp of the last.")
            .Does(server => server.Http.Published.Wrap(next => (topic, messages, stamps) =>
                next(topic, messages, [.. stamps.Select(_ => stamps[^1])])))
            .KilledBy("PS-HTTP-006", "has the timestamp of each event"),
        Serving("http-answer-backwards", "The messages of an answer come in the opposite order.")
            .Does(server => server.Http.Published.Wrap(next => (topic, messages, stamps) =>
                next(topic, [.. messages.Reverse()], [.. stamps.Reverse()])))
            .KilledBy("PS-HTTP-006", "has the id of each message, in order"),
        Serving("http-answer-without-messages", "The answer to a publish says only that it is well.")
            .Does(server => server.Http.Published.Wrap(_ => (_, _, _) => RestDoor.Json("""{"status":"ok"}""")))
            .KilledBy("PS-HTTP-006", "has messages, an array")
            .MayBreak("PS-HTTP-001"),
        Serving("http-second-lane", "What is published over HTTP reaches subscribers 100 ms later than what is published after it.")
            .EachTopic(topic => Postpone(topic, retains: true))
            .KilledBy("PS-HTTP-007", "receives what was acked by one door")
            .MayBreak("PS-HTTP-001", "PS-HTTP-003", "PS-RES-001", "PS-FAN-003"),
        Reading("http-newest-first", "A read begins with the newest event.", reading =>
            reading with { Events = [.. reading.Events.Reverse()] })
            .KilledBy("PS-HTTP-008", "oldest first"),
        Reading("http-one-too-few", "A read leaves out the newest event.", reading =>
            reading with { Events = [.. reading.Events.SkipLast(1)] })
            .KilledBy("PS-HTTP-008", "oldest first")
            .MayBreak("PS-HTTP-001", "PS-HTTP-002", "PS-HTTP-003", "PS-HTTP-004", "PS-HTTP-006", "PS-HTTP-007", "PS-HTTP-009"),
        Asking("http-last-n-ignored", "A read has all retained events, and ignores its last_n.", asked =>
            asked.Since is null ? new(int.MaxValue) : asked)
            .KilledBy("PS-HTTP-008", "a read with '?last_n=")
            .MayBreak("PS-HTTP-009"),
        Asking("http-none-is-all", "A last_n of 0 reads all that is retained.", asked =>
            asked is { Since: null, LastN: 0 } ? new(int.MaxValue) : asked)
            .KilledBy("PS-HTTP-008", "a read with '?last_n=0'"),
        Asking("http-nothing-unasked", "A read that asks for nothing has no events.", asked =>
            asked is { Since: null, LastN: int.MaxValue } ? new(0) : asked)
            .KilledBy("PS-HTTP-008", "a read with ''")
            .MayBreak("PS-HTTP-001", "PS-HTTP-002", "PS-HTTP-003", "PS-HTTP-004", "PS-HTTP-006", "PS-HTTP-007", "PS-HTTP-009"),
        Asking("http-since-ignored", "A read with since has all retained events.", asked =>
            asked.Since is null ? asked : new(int.MaxValue))
            .KilledBy("PS-HTTP-008", "a read with '?since=")
            .MayBreak("PS-HTTP-009"),
        Asking("http-since-inclusive", "A read with since begins with the event at that time.", asked =>
            asked.Since is { } since ? asked with { Since = since with { Stamp = since.Stamp - 1 } } : asked)
            .KilledBy("PS-HTTP-008", "a read with '?since=")
            .MayBreak("PS-HTTP-009"),
        Serving("http-messages-only", "A read has the messages of the events without what is around them.")
            .Does(server => server.Http.Body.Wrap(next => (topic, reading) => next(topic, reading with
            {
                Events = [.. reading.Events.Select(@event => Messages.Text(
                    JsonSerializer.Deserialize<JsonElement>(@event, Deep).GetProperty("message").GetRawText()))],
            })))
            .KilledBy("PS-HTTP-008", "each event is the object that a subscriber gets")
            .MayBreak("PS-HTTP-001", "PS-HTTP-002", "PS-HTTP-003", "PS-HTTP-006", "PS-HTTP-007", "PS-HTTP-009"),
        Serving("http-no-epoch", "The answer to a read has no epoch.")
            .Does(server => server.Http.Body.Wrap(next => (topic, reading) => EpochMember().Replace(next(topic, reading), "")))
            .KilledBy("PS-HTTP-009", "has an epoch, a string")
            .MayBreak("PS-HTTP-008"),
        Serving("http-epoch-of-the-answer", "Every read has another epoch than the topic.")
            .Does(server => server.Http.Body.Wrap(next => (topic, reading) =>
                EpochMember().Replace(next(topic, reading), $"\"epoch\":\"{Guid.NewGuid():N}\",")))
            .KilledBy("PS-HTTP-009", "a read has the")
            .MayBreak("PS-HTTP-008"),
        Reading("http-always-complete", "complete is always true.", reading => reading with { IsComplete = true })
            .KilledBy("PS-HTTP-009", " are there"),
        Reading("http-never-complete", "complete is always false.", reading => reading with { IsComplete = false })
            .KilledBy("PS-HTTP-009", "nothing is missing with"),
        Serving("http-fewer-is-torn", "complete is false when there were never as many events as last_n asks for.")
            .EachTopic(topic => topic.IsAll.Wrap(_ => lastN => lastN <= topic.Retained.Count))
            .KilledBy("PS-HTTP-009", "nothing is missing with"),
        Serving("http-one-dropped-is-none", "complete is true for a last_n that is one more than what is retained.")
            .EachTopic(topic => topic.IsAll.Wrap(next => lastN => next(lastN == topic.Retained.Count + 1 ? lastN - 1 : lastN)))
            .KilledBy("PS-HTTP-009", " are there"),
        Asking("http-any-epoch", "The epoch of a read is ignored.", asked =>
            asked.Since is { } since ? asked with { Since = since with { Epoch = null } } : asked)
            .KilledBy("PS-HTTP-009", "with the epoch"),
        Serving("http-creates", "A publish to a topic that does not exist creates it.")
            .Does(server => server.Http.PublishAsync.Wrap(next => (request, name, stopping) =>
            {
                if (server.Topics.Find.Call(name) is null)
                {
                    server.Topics.TryCreate.Call(name);
                }

                return next(request, name, stopping);
            }))
            .KilledBy("PS-HTTP-010", "a publish to a topic that does not exist")
            .MayBreak("PS-REST-001"),
        Serving("http-nothing-to-read", "A read of a topic that does not exist has no events, and 200.")
            .Does(server => server.Http.Read.Wrap(next => (request, name) =>
                next(request, name) is { Status: not 404 } answer ? answer : RestDoor.Json("""{"epoch":"","complete":true,"events":[]}""")))
            .KilledBy("PS-HTTP-010", "a read of a topic that does not exist"),
        Serving("http-no-topic-400", "A publish or a read of a topic that does not exist is answered with 400.")
            .Does(server => server.Http.NoSuchTopic.Wrap(next => name => next(name) with { Status = 400 }))
            .KilledBy("PS-HTTP-010", "is answered with 404"),
        Serving("http-422", "A publish of no legal message is answered with 422.")
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
            {
                try
                {
                    return await next(request, name, stopping);
                }
                catch (HttpFault fault) when (fault.Status == 400)
                {
                    throw new HttpFault(422, fault.Code, fault.Message);
                }
            }))
            .KilledBy("PS-HTTP-011", "is answered with 400"),
        Lenient("http-any-last-n", "A last_n that is none counts as 0.", "last_n must", _ => new(0))
            .KilledBy("PS-HTTP-011", "is answered with 400"),
        Lenient("http-any-since", "A since that is no time is ignored.", "since must", _ => new(int.MaxValue))
            .KilledBy("PS-HTTP-011", "is answered with 400"),
        Lenient("http-last-n-wins", "Of last_n and since the first wins.", "last_n and since", request =>
            new(int.Parse(request.Parameter("last_n")!, Invariant)))
            .KilledBy("PS-HTTP-011", "is answered with 400"),
        Serving("http-empty-id", "A message with an empty id is published.")
            .Does(server => server.Http.Message.Wrap(next => (message, index) =>
                message.ValueKind == JsonValueKind.Object && message.TryGetProperty("id", out var id)
                && id.ValueKind == JsonValueKind.String && id.ValueEquals("")
                    ? message.GetRawText()
                    : next(message, index)))
            .KilledBy("PS-HTTP-011", "is answered with 400")
            .MayBreak("PS-HTTP-004"),
        Serving("http-any-type", "A publish is read as JSON, and its Content-Type ignored.")
            .Does(server => server.Http.IsJson.Wrap(_ => _ => true))
            .KilledBy("PS-HTTP-012", "is answered with 415"),
        Serving("http-type-400", "A publish with another Content-Type than that of JSON is answered with 400.")
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
                await next(request, name, stopping) is { Status: not 415 } answer ? answer : throw RestDoor.Bad("the body must be JSON")))
            .KilledBy("PS-HTTP-012", "is answered with 415"),
        Serving("http-415-and-published", "A publish with another Content-Type is refused with 415 and published all the same.")
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
            {
                var answer = await next(request, name, stopping);
                if (answer.Status == 415)
                {
                    var legal = server.Http.Parse.Call(await request.ReadBodyAsync(int.MaxValue, stopping));
                    server.Topics.Find.Call(name)?.TryPublishAll.Call(legal);
                }

                return answer;
            }))
            .KilledBy("PS-HTTP-012", "publishes nothing"),
    ];

    private static IFormatProvider Invariant => CultureInfo.InvariantCulture;

    private static JsonSerializerOptions Deep { get; } = new() { MaxDepth = 1_000 };

    private static Mutant Serving(string id, string fault) => new(id, fault)
    {
        Offers = [Capability.Resume, Capability.Http, Capability.Sse],
    };

    /// <summary>A server whose reads have something else than what is there.</summary>
    private static Mutant Reading(string id, string fault, Func<Reading, Reading> change) => Serving(id, fault)
        .Does(server => server.Http.Body.Wrap(next => (topic, reading) => next(topic, change(reading))));

    /// <summary>A server that reads something else than what was asked for.</summary>
    private static Mutant Asking(string id, string fault, Func<Beginning, Beginning> change) => Serving(id, fault)
        .Does(server => server.Http.BeginningOf.Wrap(next => request => change(next(request))));

    /// <summary>A server that answers a read whose fault begins so.</summary>
    private static Mutant Lenient(string id, string mutation, string fault, Func<HttpRequest, Beginning> read) => Serving(id, mutation)
        .Does(server => server.Http.BeginningOf.Wrap(next => request =>
        {
            try
            {
                return next(request);
            }
            catch (HttpFault bad) when (bad.Message.StartsWith(fault, StringComparison.Ordinal))
            {
                return read(request);
            }
        }));

    private static string IdOf(string message) => JsonSerializer.Deserialize<JsonElement>(message, Deep).GetProperty("id").GetRawText();

    /// <summary>The legal messages of an array: all of them, or those before the first that is not.</summary>
    private static List<string> Legal(SmallServer server, byte[] body, bool stopsAtFault)
    {
        var legal = new List<string>();
        foreach (var message in Elements(body))
        {
            try
            {
                legal.Add(server.Http.Message.Call(message, null));
            }
            catch (HttpFault) when (!stopsAtFault)
            {
                // The next may be legal.
            }
            catch (HttpFault)
            {
                break;
            }
        }

        return legal;
    }

    private static List<JsonElement> Elements(byte[] body)
    {
        try
        {
            var json = JsonSerializer.Deserialize<JsonElement>(body, Deep);
            return json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>Delivers what is published over HTTP, and retains it unless that was done at once, 100 ms after the answer.</summary>
    private static void Postpone(Topic topic, bool retains) => topic.TryPublishAll.Wrap(next => messages =>
    {
        lock (topic.Gate)
        {
            if (topic.IsDeleted)
            {
                return null;
            }

            byte[][] events = [.. messages.Select(topic.Encode.Call)];
            if (retains)
            {
                Retain(events);
            }

            _ = FinishAsync(events);
            return [.. events.Select(@event => topic.StampOf(@event)!.Value)];
        }

        void Retain(byte[][] events)
        {
            topic.Accepted += events.Length;
            Array.ForEach(events, topic.Retain.Call);
        }

        async Task FinishAsync(byte[][] events)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            lock (topic.Gate)
            {
                if (!retains)
                {
                    Retain(events);
                }

                foreach (var subscriber in topic.Subscribers)
                {
                    Array.ForEach(events, subscriber.Say.Call);
                }
            }
        }
    });

    /// <summary>Publishes each message on its own, and gives others up to a millisecond to publish in between.</summary>
    private static long[]? OneByOne(Func<Topic, IReadOnlyList<string>, long[]?> next, Topic topic, IReadOnlyList<string> messages)
    {
        var stamps = new List<long>();
        foreach (var message in messages)
        {
            if (next(topic, [message]) is not { } one)
            {
                return null;
            }

            stamps.AddRange(one);
            var accepted = topic.Accepted;
            if (stamps.Count < 50)
            {
                SpinWait.SpinUntil(() => topic.Accepted != accepted, TimeSpan.FromMilliseconds(1));
            }
        }

        return [.. stamps];
    }

    [GeneratedRegex("\"payload\"\\s*:\\s*null")]
    private static partial Regex NullPayload();

    [GeneratedRegex("\"epoch\":\"[^\"]*\",")]
    private static partial Regex EpochMember();
}
