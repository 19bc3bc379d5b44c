using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace PubSub.Hosting.Protocol;

/// <summary>
/// The members of a request that the protocol defines, found in one pass over the JSON and judged only when the request's type asks
/// for them: other members are ignored (PS-ENV-008).
/// </summary>
internal struct RequestFields
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = Request.MaxDepth };

    private readonly ReadOnlyMemory<byte> _json;
    private Value _type;
    private Value _topic;
    private Value _clientId;
    private Value _lastN;
    private Value _since;
    private Value _epoch;
    private Value _message;
    private Value _messageId;
    private Value _payload;
    private Value _requestId;

    private RequestFields(ReadOnlyMemory<byte> json) => _json = json;

    /// <summary>The raw <c>request_id</c>, once it has been judged; empty when there is none.</summary>
    public ReadOnlyMemory<byte> RequestId { get; private set; }

    /// <summary>The raw <c>topic</c>, quotes included.</summary>
    public readonly ReadOnlyMemory<byte> RawTopic => Raw(_topic);

    /// <summary>Finds the members.</summary>
    /// <exception cref="BadRequestException">The text is not JSON, not an object, or gives a member twice (PS-ENV-013).</exception>
    public static RequestFields Read(ReadOnlyMemory<byte> json)
    {
        var fields = new RequestFields(json);
        var reader = new Utf8JsonReader(json.Span, Options);
        string? repeated = null;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                // Invalid JSON is reported first; only valid JSON is told to be an object.
                reader.Skip();
                reader.Read();
                throw new BadRequestException("the request must be a JSON object", default);
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                repeated = fields.ReadMember(ref reader) ?? repeated;
            }

            reader.Read(); // nothing may follow the object
        }
        catch (JsonException)
        {
            fields.TryJudgeRequestId();
            throw fields.Bad(
                $"the request must be valid JSON, nested at most {Request.MaxDepth} levels deep; it is not at byte {reader.BytesConsumed}");
        }

        fields.JudgeRequestId();
        return repeated is null ? fields : throw fields.Bad($"{repeated} must not be given twice");
    }

    public readonly string Type()
    {
        // The most frequent types are recognised without allocating a string.
        var type = Raw(_type).Span.SequenceEqual("\"publish\""u8) ? "publish" : Text(_type, "type");
        return type is "subscribe" or "publish" or "unsubscribe" or "ping"
            ? type
            : throw Bad("type must be subscribe, publish, unsubscribe or ping");
    }

    public readonly string Topic()
    {
        var topic = Text(_topic, "topic");
        return TopicName.Fault(topic) is { } fault ? throw Bad($"topic {fault}") : topic;
    }

    public readonly void CheckClientId() => CheckLabel(_clientId, "client_id");

    /// <summary>The raw <c>message</c>, known to have a legal <c>id</c> and any <c>payload</c>.</summary>
    public readonly ReadOnlyMemory<byte> Message()
    {
        Require(_message, JsonTokenType.StartObject, "message", "an object");
        CheckLabel(_messageId, "message.id");
        return _payload.Kind == JsonTokenType.None
            ? throw Bad("message.payload is required; it may be any JSON value, null included")
            : Raw(_message);
    }

    /// <summary>Reads messages that are no part of a request: the body of a publish over HTTP (PS-HTTP-001, PS-HTTP-003).</summary>
    /// <param name="json">A message, or an array of them.</param>
    /// <param name="most">Messages that the array may have; it must have at least one.</param>
    /// <param name="maxBytes">Bytes that each message may have.</param>
    /// <exception cref="BadRequestException">It is neither, or a message is illegal; the text names its index, from 0.</exception>
    public static List<RawMessage> ReadMessages(ReadOnlyMemory<byte> json, int most, int maxBytes)
    {
        if (!Utf8.IsValid(json.Span))
        {
            throw new BadRequestException("the body must be UTF-8", default);
        }

        var messages = new List<RawMessage>();
        var reader = new Utf8JsonReader(json.Span, Options);
        string? fault = null; // invalid JSON is reported first
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    fault ??= messages.Count == most ? $"the body must have at most {most} messages" : null;
                    fault ??= ReadMessage(json, ref reader, maxBytes, messages) is { } rule ? $"[{messages.Count}]: {rule}" : null;
                    reader.Skip();
                }

                fault ??= messages.Count == 0 ? "the body must have at least one message" : null;
            }
            else
            {
                fault = ReadMessage(json, ref reader, maxBytes, messages);
                reader.Skip();
            }

            reader.Read(); // nothing may follow
        }
        catch (JsonException)
        {
            fault = $"the body must be valid JSON, nested at most {Request.MaxDepth} levels deep; it is not at byte {reader.BytesConsumed}";
        }

        return fault is null ? messages : throw new BadRequestException(fault, default);
    }

    /// <summary>Adds the message that the reader is at the beginning of, and reads to its end.</summary>
    /// <returns>The field and the rule that it broke; then nothing was added.</returns>
    private static string? ReadMessage(ReadOnlyMemory<byte> json, ref Utf8JsonReader reader, int maxBytes, List<RawMessage> messages)
    {
        try
        {
            var fields = new RequestFields(json);
            if (fields.NoteMessage(ref reader) is { } repeated)
            {
                return $"{repeated} must not be given twice";
            }

            var message = fields.Message();
            if (message.Length > maxBytes)
            {
                return $"message must be at most {maxBytes} bytes long (MAX_MESSAGE_BYTES)";
            }

            messages.Add(new RawMessage(message, fields.Raw(fields._messageId)));
            return null;
        }
        catch (BadRequestException bad)
        {
            return bad.Message;
        }
    }

    public readonly int LastN()
    {
        if (_lastN.Kind == JsonTokenType.None)
        {
            return 0;
        }

        var reader = new Utf8JsonReader(Raw(_lastN).Span, Options);
        reader.Read();
        return _lastN.Kind == JsonTokenType.Number && reader.TryGetInt32(out var n) && n >= 0
            ? n
            : throw Bad(Beginning.NoNumber);
    }

    /// <summary>The position to go on from; null if the request names none.</summary>
    /// <exception cref="BadRequestException">It is illegal, or <c>last_n</c> names another beginning.</exception>
    public readonly Position? Position()
    {
        if (_since.Kind == JsonTokenType.None)
        {
            return _epoch.Kind == JsonTokenType.None ? null : throw Bad(Beginning.LoneEpoch);
        }

        if (_lastN.Kind != JsonTokenType.None)
        {
            throw Bad(Beginning.Both);
        }

        if (!Timestamp.TryParse(Text(_since, "since"), out var since))
        {
            throw Bad(Beginning.NoTime);
        }

        return new Position(since, _epoch.Kind == JsonTokenType.None ? null : Text(_epoch, "epoch"));
    }

    /// <returns>The name of the member, if it was there before.</returns>
    private string? ReadMember(ref Utf8JsonReader reader)
    {
        if (ForeignText.Is(reader, "topic"u8))
        {
            return Note(ref _topic, ref reader, "topic");
        }

        if (ForeignText.Is(reader, "message"u8))
        {
            var repeated = _message.Kind == JsonTokenType.None ? null : "message";
            reader.Read();
            return NoteMessage(ref reader) ?? repeated;
        }

        if (ForeignText.Is(reader, "request_id"u8))
        {
            return Note(ref _requestId, ref reader, "request_id");
        }

        if (ForeignText.Is(reader, "type"u8))
        {
            return Note(ref _type, ref reader, "type");
        }

        if (ForeignText.Is(reader, "client_id"u8))
        {
            return Note(ref _clientId, ref reader, "client_id");
        }

        if (ForeignText.Is(reader, "last_n"u8))
        {
            return Note(ref _lastN, ref reader, "last_n");
        }

        if (ForeignText.Is(reader, "since"u8))
        {
            return Note(ref _since, ref reader, "since");
        }

        if (ForeignText.Is(reader, "epoch"u8))
        {
            return Note(ref _epoch, ref reader, "epoch");
        }

        reader.Skip(); // from the name past the value
        return null;
    }

    private string? NoteMessage(ref Utf8JsonReader reader)
    {
        string? repeated = null;
        var start = (int)reader.TokenStartIndex;
        var kind = reader.TokenType;
        if (kind == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (ForeignText.Is(reader, "payload"u8))
                {
                    repeated = Note(ref _payload, ref reader, "message.payload") ?? repeated;
                }
                else if (ForeignText.Is(reader, "id"u8))
                {
                    repeated = Note(ref _messageId, ref reader, "message.id") ?? repeated;
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        else
        {
            reader.Skip();
        }

        _message = new Value(kind, start, (int)reader.BytesConsumed - start, false);
        return repeated;
    }

    private static string? Note(ref Value field, ref Utf8JsonReader reader, string name)
    {
        var repeated = field.Kind == JsonTokenType.None ? null : name;
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var (kind, escaped) = (reader.TokenType, reader.ValueIsEscaped);
        reader.Skip();
        field = new Value(kind, start, (int)reader.BytesConsumed - start, escaped);
        return repeated;
    }

    private void JudgeRequestId()
    {
        if (_requestId.Kind != JsonTokenType.None)
        {
            if (!IsPlain(_requestId) && TopicName.IsTooLong(Text(_requestId, "request_id")))
            {
                throw Bad($"request_id must be at most {TopicName.MaxCharacters} characters long");
            }

            RequestId = Raw(_requestId);
        }
    }

    private void TryJudgeRequestId()
    {
        try
        {
            JudgeRequestId();
        }
        catch (BadRequestException)
        {
            // The JSON around it is broken, which is the fault to report; an id that is no id is not echoed.
        }
    }

    private readonly void CheckLabel(Value value, string field)
    {
        if (!(IsPlain(value) && value.Length > 2) && TopicName.LabelFault(Text(value, field)) is { } fault)
        {
            throw Bad($"{field} {fault}");
        }
    }

    /// <summary>
    /// Whether it is a string that cannot be too long: it has no more bytes than a name may have characters, and means what it says.
    /// </summary>
    private static bool IsPlain(Value value) =>
        value is { Kind: JsonTokenType.String, Escaped: false, Length: <= TopicName.MaxCharacters + 2 };

    private readonly string Text(Value value, string field)
    {
        Require(value, JsonTokenType.String, field, "a string");
        var raw = Raw(value).Span;
        if (!value.Escaped)
        {
            return Encoding.UTF8.GetString(raw[1..^1]);
        }

        var reader = new Utf8JsonReader(raw, Options);
        reader.Read();
        return ForeignText.Of(reader) ?? throw Bad($"{field} must not contain an unpaired surrogate");
    }

    private readonly void Require(Value value, JsonTokenType kind, string field, string what)
    {
        if (value.Kind != kind)
        {
            throw Bad(value.Kind == JsonTokenType.None ? $"{field} is required" : $"{field} must be {what}");
        }
    }

    private readonly ReadOnlyMemory<byte> Raw(Value value) => _json.Slice(value.Start, value.Length);

    private readonly BadRequestException Bad(string rule) => new(rule, RequestId);

    /// <summary>Where a value stands in the JSON; of kind None when the member is missing.</summary>
    private readonly record struct Value(JsonTokenType Kind, int Start, int Length, bool Escaped);
}
