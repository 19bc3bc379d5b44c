using System.Text;
using System.Text.Json;

namespace PubSub.Stress.Protocols;

/// <summary>One message of a server, parsed with all checks. Positions are byte offsets of a value in the frame, -1 if absent.</summary>
internal struct ServerMessage
{
    public string? Type;
    public string? Topic;
    public string? ErrorCode;
    public string? ErrorText;
    public string? Epoch;
    public bool? Complete;
    public int RequestIdAt = -1;
    public int MessageIdAt = -1;
    public Range Payload;

    /// <summary>Without its quotes; empty, at the end of the frame, if there is none.</summary>
    public Range Timestamp;

    public ServerMessage(ReadOnlySpan<byte> frame)
    {
        Timestamp = frame.Length..frame.Length;
        try
        {
            var json = new Utf8JsonReader(frame);
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString();
                json.Read();
                switch (name)
                {
                    case "type": Type = json.GetString(); break;
                    case "topic": Topic = json.GetString(); break;
                    case "epoch": Epoch = json.GetString(); break;
                    case "complete": Complete = json.GetBoolean(); break;
                    case "request_id": RequestIdAt = InsideQuotes(json); break;
                    case "timestamp" or "ts" when json.TokenType == JsonTokenType.String:
                        Timestamp = InsideQuotes(json)..(int)(json.BytesConsumed - 1);
                        break;
                    case "message": ReadMessage(ref json); break;
                    case "error": ReadError(ref json); break;
                    default: json.Skip(); break;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RunFailed($"not a message of the protocol ({e.Message}): {Excerpt(frame)}");
        }
    }

    public static string Excerpt(ReadOnlySpan<byte> frame) =>
        Encoding.UTF8.GetString(frame[..Math.Min(frame.Length, 200)]);

    /// <summary>The number that the id of an event's message is, as <see cref="Digits"/> writes it.</summary>
    public readonly long Number(ReadOnlySpan<byte> frame) =>
        MessageIdAt >= 0 && Digits.TryRead(frame[MessageIdAt..], out var number)
            ? number
            : throw new RunFailed($"an id that was never sent: {Excerpt(frame)}");

    private void ReadMessage(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            if (name == "id")
            {
                MessageIdAt = InsideQuotes(json);
            }

            var start = (int)json.TokenStartIndex;
            json.Skip();
            if (name == "payload")
            {
                Payload = start..(int)json.BytesConsumed;
            }
        }
    }

    private void ReadError(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            ErrorText = json.GetString();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            switch (name)
            {
                case "code": ErrorCode = json.GetString(); break;
                case "message": ErrorText = json.GetString(); break;
                default: json.Skip(); break;
            }
        }
    }

    private static int InsideQuotes(Utf8JsonReader json) => (int)json.TokenStartIndex + 1;
}
