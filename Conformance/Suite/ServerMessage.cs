using System.Text.Json;

namespace PubSub.Conformance;

/// <summary>
/// One message of the server, read tolerantly: what is missing or of another shape is null, and the raw text is always there.
/// The only place that knows how the members are spelt.
/// </summary>
public sealed class ServerMessage
{
    internal ServerMessage(int index, string raw, bool isText)
    {
        Index = index;
        Raw = raw;
        IsText = isText;
        Members = isText && Json.TryParse(raw) is { ValueKind: JsonValueKind.Object } members ? members : null;
        Type = Members.Member("type").Text();
        RequestId = Members.Member("request_id").Text();
        Topic = Members.Member("topic").Text();
        MessageId = Members.Member("message").Member("id").Text();
    }

    /// <summary>Its place in the order of arrival on its connection, from 0.</summary>
    public int Index { get; }

    public string Raw { get; }

    /// <summary>False for a binary message, whose raw text is then hexadecimal.</summary>
    public bool IsText { get; }

    public bool IsObject => Members is not null;

    public string? Type { get; }
    public string? RequestId { get; }
    public string? Topic { get; }
    public string? MessageId { get; }

    public bool HasRequestId => Members.Member("request_id") is not null;
    public string? Status => Members.Member("status").Text();
    public string? Timestamp => Members.Member("timestamp").Text();

    /// <summary>What an <c>info</c> message says.</summary>
    public string? Notice => Members.Member("msg").Text();

    /// <summary>The whole <c>message</c> of an event as it was written.</summary>
    public string? Message => Members.Member("message")?.GetRawText();

    /// <summary>The payload of an event as it was written, byte for byte.</summary>
    public string? Payload => Members.Member("message").Member("payload")?.GetRawText();

    public string? ErrorCode => Members.Member("error").Member("code").Text() ?? Members.Member("code").Text() ?? Members.Member("error").Text();

    public string? ErrorMessage => Members.Member("error").Member("message").Text() ?? Members.Member("error").Text();

    public bool IsAck => Type == "ack";
    public bool IsPong => Type == "pong";
    public bool IsError => Type == "error";
    public bool IsEvent => Type == "event";
    public bool IsInfo => Type == "info";

    internal bool IsReply => IsAck || IsPong || (IsError && ErrorCode != "SLOW_CONSUMER");

    private JsonElement? Members { get; }

    /// <summary>A member of an event's <c>message</c> other than id and payload, as it was written.</summary>
    public string? MessageMember(string name) => Members.Member("message").Member(name)?.GetRawText();

    public override string ToString() => Raw.Length <= 300 ? Raw : $"{Raw[..300]}\u2026 ({Raw.Length} characters)";
}

public static class ServerMessages
{
    public static IReadOnlyList<string> Ids(this IEnumerable<ServerMessage> messages) =>
        [.. messages.Select(message => message.MessageId ?? "(no id)")];

    public static IReadOnlyList<ServerMessage> On(this IEnumerable<ServerMessage> messages, string topic) =>
        [.. messages.Where(message => message.Topic == topic)];

    public static IReadOnlyList<ServerMessage> Events(this IEnumerable<ServerMessage> messages) =>
        [.. messages.Where(message => message.IsEvent)];
}
