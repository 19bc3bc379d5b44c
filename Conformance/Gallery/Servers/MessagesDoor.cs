using System.Text;
using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Publishes and reads over HTTP (SPEC, section 18).</summary>
internal sealed class MessagesDoor(SmallServer server)
{
    private const int LargestBatch = 1_000;
    private const int LargestBody = 1024 * 1024;

    /// <summary>Request, topic name.</summary>
    public Seam<Func<HttpRequest, string, CancellationToken, Task<HttpResponse>>> PublishAsync => field ??= new(
        async (request, name, stopping) =>
        {
            if (!IsJson.Call(request["Content-Type"]))
            {
                return server.Messages.Problem.Call(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
            }

            // The body of a batch may have more bytes than one message.
            var body = await request.ReadBodyAsync(Math.Max(LargestBody, server.Settings.MessageBytes), stopping);
            if (server.Topics.Find.Call(name) is not { } topic)
            {
                return NoSuchTopic.Call(name);
            }

            var messages = Parse.Call(body);
            if (messages.Any(message => message.Length > server.Settings.MessageBytes))
            {
                return server.Messages.Problem.Call(413, "CONTENT_TOO_LARGE", $"at most {server.Settings.MessageBytes} bytes each");
            }

            if (server.Guard.Take.Call(request.Caller, messages.Count) is { } wait)
            {
                return server.Guard.TooMany.Call(wait);
            }

            if (!server.Topics.HasRoomFor(messages.Sum(message => (long)message.Length)))
            {
                return server.Messages.Problem.Call(507, "LIMIT_EXCEEDED", "all topics together retain too much");
            }

            return Publish.Call(topic, messages) is { } stamps ? Published.Call(topic, messages, stamps) : NoSuchTopic.Call(name);
        });

    /// <summary>Whether a Content-Type, null if there is none, is that of JSON.</summary>
    public Seam<Func<string?, bool>> IsJson => field ??= new(server.Rest.IsJson.Call);

    /// <summary>Topic, raw messages: the stamps of their events; null when the topic is deleted.</summary>
    public Seam<Func<Topic, IReadOnlyList<string>, long[]?>> Publish =>
        field ??= new((topic, messages) => topic.TryPublishAll.Call(messages));

    /// <summary>The raw messages of a body; an <see cref="HttpFault"/> when it is no legal message or array of them.</summary>
    public Seam<Func<byte[], IReadOnlyList<string>>> Parse => field ??= new(body =>
    {
        using var json = ParseJson(body);
        var root = json.RootElement;
        if (root.ValueKind != JsonValueKind.Array)
        {
            return [Message.Call(root, null)];
        }

        return root.GetArrayLength() is >= 1 and <= LargestBatch
            ? [.. root.EnumerateArray().Select((message, index) => Message.Call(message, index))]
            : throw RestDoor.Bad($"the array must have 1 to {LargestBatch} messages");
    });

    /// <summary>Message, its index in the array or null: its raw text; an <see cref="HttpFault"/> when it is not legal.</summary>
    public Seam<Func<JsonElement, int?, string>> Message => field ??= new((message, index) =>
    {
        try
        {
            return ClientRequest.ReadMessage(message, server.Variation);
        }
        catch (BadRequest bad)
        {
            throw RestDoor.Bad(index is null ? bad.Message : $"[{index}]: {bad.Message}");
        }
    });

    /// <summary>Topic, raw messages, stamps: the answer to a publish.</summary>
    public Seam<Func<Topic, IReadOnlyList<string>, long[], HttpResponse>> Published => field ??= new((topic, messages, stamps) =>
        RestDoor.Json(
            $$"""{"status":"ok","topic":{{Messages.Quote(topic.Name)}},"messages":"""
            + $"[{string.Join(',', messages.Zip(stamps, Entry.Call))}]}}"));

    /// <summary>Raw message, stamp.</summary>
    public Seam<Func<string, long, string>> Entry => field ??= new((message, stamp) =>
    {
        using var json = ParseJson(Messages.Text(message));
        var time = server.Messages.Format.Call(stamp);
        return $$"""{"id":{{json.RootElement.GetProperty("id").GetRawText()}},"timestamp":"{{time}}"}""";
    });

    /// <summary>Request, topic name.</summary>
    public Seam<Func<HttpRequest, string, HttpResponse>> Read => field ??= new((request, name) =>
    {
        var beginning = BeginningOf.Call(request);
        return server.Topics.Find.Call(name) is { } topic && topic.Read.Call(beginning) is { } reading
            ? RestDoor.Json(Body.Call(topic, reading))
            : NoSuchTopic.Call(name);
    });

    /// <summary>What a read asks for: all that is retained, if it does not say.</summary>
    public Seam<Func<HttpRequest, Beginning>> BeginningOf => field ??= new(request => Beginning.In(request, otherwise: int.MaxValue));

    public Seam<Func<Topic, Reading, string>> Body => field ??= new((topic, reading) =>
        $$"""{"topic":{{Messages.Quote(topic.Name)}},"epoch":{{Messages.Quote(topic.Epoch.Call())}},{{Complete(reading.IsComplete)}},"""
        + $"\"events\":[{string.Join(',', reading.Events.Select(Encoding.UTF8.GetString))}]}}");

    /// <summary>The member that says whether nothing is missing.</summary>
    public static string Complete(bool isComplete) => $"\"complete\":{(isComplete ? "true" : "false")}";

    public Seam<Func<string, HttpResponse>> NoSuchTopic => field ??= new(name => server.Rest.NoSuchTopic.Call("POST", name));

    private static JsonDocument ParseJson(byte[] json)
    {
        try
        {
            return JsonDocument.Parse(json, ClientRequest.Depth);
        }
        catch (JsonException)
        {
            throw RestDoor.Bad("the body must be valid JSON");
        }
    }
}
