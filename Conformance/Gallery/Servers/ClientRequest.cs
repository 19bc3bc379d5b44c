using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A request that is not valid; the message names the field and the rule.</summary>
internal sealed class BadRequest(string rule, string? rawRequestId, bool isJson = true) : Exception(rule)
{
    public string? RawRequestId => rawRequestId;
    public bool IsJson => isJson;
}

/// <summary>One valid request. Members that its type does not use are ignored.</summary>
/// <param name="RawRequestId">The JSON string as the client spelt it, or null when there is none.</param>
/// <param name="RawMessage">The JSON object as the client spelt it.</param>
internal sealed record ClientRequest(string Type, string? RawRequestId, string Topic, string ClientId, string RawMessage, int LastN)
{
    public static readonly JsonDocumentOptions Depth = new() { MaxDepth = 128 };

    private static readonly string[] Known = ["type", "topic", "client_id", "last_n", "message", "request_id"];
    private static readonly string[] KnownToResume = [.. Known, "since", "epoch"];
    private static readonly string[] KnownInMessage = ["id", "payload"];

    /// <summary>Where a subscribe goes on; null if it begins anew.</summary>
    public Position? Since { get; init; }

    /// <summary>Further members of its ack, each with the comma before it.</summary>
    public string InAck { get; init; } = "";

    /// <param name="text">JSON, as the client sent it.</param>
    /// <param name="variation">The dialect.</param>
    /// <param name="resumes">Whether a subscribe may have a position; otherwise those members are ignored.</param>
    public static ClientRequest Read(ReadOnlyMemory<byte> text, Variation variation, bool resumes)
    {
        using var json = Parse(text);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new BadRequest("the request must be a JSON object", null);
        }

        var fields = new Fields(json.RootElement, resumes ? KnownToResume : Known, "", null).Identified();
        fields.RefuseRepeated();
        var type = fields.Text("type");
        if (type is not ("subscribe" or "unsubscribe" or "publish" or "ping"))
        {
            throw fields.Bad("type must be subscribe, unsubscribe, publish or ping");
        }

        var topic = type == "ping" ? "" : fields.Text("topic");
        if (type != "ping" && TopicName.Fault(topic) is { } fault)
        {
            throw fields.Bad($"topic {fault}");
        }

        var client = type is "subscribe" or "unsubscribe" ? fields.Text("client_id") : "";
        var message = type == "publish" ? ReadMessage(fields, variation) : "";
        return new ClientRequest(type, fields.RawRequestId, topic, client, message, type == "subscribe" ? ReadLastN(fields) : 0)
        {
            Since = type == "subscribe" && resumes ? ReadPosition(fields) : null,
        };
    }

    /// <summary>The raw text of a message that is no part of a request; a <see cref="BadRequest"/> when it is not legal.</summary>
    public static string ReadMessage(JsonElement message, Variation variation) => message.ValueKind == JsonValueKind.Object
        ? CheckMessage(new Fields(message, KnownInMessage, "", null), variation)
        : throw new BadRequest("a message must be an object", null);

    private static string ReadMessage(Fields fields, Variation variation)
    {
        if (fields.Find("message") is not { ValueKind: JsonValueKind.Object } message)
        {
            throw fields.Bad("message is required and must be an object");
        }

        return CheckMessage(new Fields(message, KnownInMessage, "message.", fields.RawRequestId), variation);
    }

    private static string CheckMessage(Fields inner, Variation variation)
    {
        inner.RefuseRepeated();
        var id = inner.Text("id");
        if (variation.UuidsOnly && !Guid.TryParseExact(id, "D", out _))
        {
            throw inner.Bad($"{inner.Path}id must be a valid UUID");
        }

        return inner.Find("payload") is null
            ? throw inner.Bad($"{inner.Path}payload is required; null will do")
            : inner.Json.GetRawText();
    }

    private static Position? ReadPosition(Fields fields)
    {
        var epoch = fields.Find("epoch") is null ? null : fields.Text("epoch");
        if (fields.Find("since") is null)
        {
            return epoch is null ? null : throw fields.Bad("epoch must stand beside since");
        }

        return fields.Find("last_n") is not null
            ? throw fields.Bad("since and last_n must not be given together")
            : new(Position.StampOf(fields.Text("since")) ?? throw fields.Bad("since must be an RFC 3339 time"), epoch);
    }

    private static int ReadLastN(Fields fields) => fields.Find("last_n") switch
    {
        null => 0,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var count) && count >= 0 => count,
        _ => throw fields.Bad("last_n must be an integer from 0 to 2147483647"),
    };

    private static JsonDocument Parse(ReadOnlyMemory<byte> text)
    {
        try
        {
            return JsonDocument.Parse(text, Depth);
        }
        catch (JsonException)
        {
            var rule = $"the request must be valid JSON, nested at most {Depth.MaxDepth} levels deep";
            throw new BadRequest(rule, IdBeforeTheBreak(text.Span), isJson: false);
        }
    }

    /// <summary>The request_id of a text that is not valid JSON, if it comes before the error.</summary>
    private static string? IdBeforeTheBreak(ReadOnlySpan<byte> spoilt)
    {
        string? id = null;
        try
        {
            var reader = new Utf8JsonReader(spoilt, new JsonReaderOptions { MaxDepth = 1_000_000 });
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("request_id"))
                {
                    reader.Read();
                    var text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                    id = text is not null && TopicName.IsShort(text) ? Messages.Quote(text) : null;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The error itself, or a string with an unpaired surrogate.
        }

        return id;
    }

    /// <summary>The members that the protocol defines for one object.</summary>
    private sealed record Fields(JsonElement Json, string[] Known, string Path, string? RawRequestId)
    {
        public JsonElement? Find(string name)
        {
            var named = Json.EnumerateObject().Where(member => IsNamed(member, name)).Take(1).ToArray();
            return named.Length == 0 ? null : named[0].Value;
        }

        /// <summary>The same with the request_id for the answer, if the request has one.</summary>
        public Fields Identified()
        {
            if (Find("request_id") is not { } id)
            {
                return this;
            }

            Text("request_id", mayBeEmpty: true);
            return this with { RawRequestId = id.GetRawText() };
        }

        /// <summary>A string of 1 to 255 characters, or of none if that is allowed.</summary>
        public string Text(string name, bool mayBeEmpty = false)
        {
            if (Find(name) is not { ValueKind: JsonValueKind.String } value)
            {
                throw Bad($"{Path}{name} {(Find(name) is null ? "is required" : "must be a string")}");
            }

            try
            {
                var text = value.GetString()!;
                return (text.Length > 0 || mayBeEmpty) && TopicName.IsShort(text)
                    ? text
                    : throw Bad($"{Path}{name} must have {(mayBeEmpty ? 0 : 1)} to {TopicName.Longest} characters");
            }
            catch (InvalidOperationException)
            {
                throw Bad($"{Path}{name} must not contain an unpaired surrogate");
            }
        }

        public void RefuseRepeated()
        {
            foreach (var name in Known.Where(name => Json.EnumerateObject().Count(member => IsNamed(member, name)) > 1))
            {
                throw Bad($"{Path}{name} must not be given twice");
            }
        }

        public BadRequest Bad(string rule) => new(rule, RawRequestId);

        private static bool IsNamed(JsonProperty member, string name)
        {
            try
            {
                return member.NameEquals(name);
            }
            catch (InvalidOperationException)
            {
                // A name with an unpaired surrogate equals no defined name.
                return false;
            }
        }
    }
}
