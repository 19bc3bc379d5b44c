using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// One message of the server, read tolerantly: a member that is missing or of another shape is null; the raw text is always kept.
/// Only this class knows how the target's dialect spells the members.
/// </summary>
public sealed partial class ServerMessage
{
    internal const string SentinelPrefix = "sentinel-";

    private readonly Dialect _dialect;
    private readonly Accommodations _wants;
    private readonly MessageIds _ids;

    internal ServerMessage(int index, string raw, bool isText, Target target)
    {
        _dialect = target.Dialect;
        _ids = target.MessageIds;
        Index = index;
        Raw = raw;
        IsText = isText;
        Members = isText && Json.TryParse(raw) is { ValueKind: JsonValueKind.Object } members ? members : null;
        Type = Members.Member("type").Text();
        RequestId = Spelling.RequestId(Members.Member("request_id").Text(), target);
        HasRequestId = Members.Member("request_id") is { } id && (RequestId is not null || id.ValueKind != JsonValueKind.String);
        Topic = Members.Member("topic").Text();
        _wants = target.Accommodations;
        MessageId = target.MessageIds.Meant(Content.Member("id").Text());
    }

    /// <summary>A part of a stream; its data, if it has any, are the message.</summary>
    internal ServerMessage(int index, StreamPart part, Target target) : this(index, part.Data ?? "", isText: true, target) => Part = part;

    /// <summary>The part of a stream that this is; null for a message of a WebSocket, or of an answer.</summary>
    public StreamPart? Part { get; }

    /// <summary>Its place in the order of arrival on its connection, from 0.</summary>
    public int Index { get; }

    public string Raw { get; }

    /// <summary>False for a binary message, whose raw text is then hexadecimal.</summary>
    public bool IsText { get; }

    /// <summary>For a reply: <see cref="Request.Requirement"/> of the request that it answers.</summary>
    internal string? Requirement { get; set; }

    public bool IsObject => Members is not null;

    public string? Type { get; }
    public string? RequestId { get; }
    public string? Topic { get; }
    public string? MessageId { get; }

    public bool HasRequestId { get; }
    public string? Status => Members.Member("status").Text();

    /// <summary>For the ack of a subscribe.</summary>
    public string? Epoch => Members.Member("epoch").Text();

    /// <summary>For the ack of a subscribe; null if the member is missing or no truth value.</summary>
    public bool? Complete => Members.Member("complete") switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => null,
    };

    public string? Timestamp => Members.Member(_dialect.Timestamp).Text();

    /// <summary>The message has an RFC 3339 date-time, or none if the dialect allows that.</summary>
    public bool IsDated => IsUndated || Rfc3339.IsDateTime(Timestamp);

    /// <summary>As <see cref="IsDated"/>, in UTC and written with Z.</summary>
    public bool IsDatedInUtc => IsUndated || Rfc3339.IsUtc(Timestamp);

    /// <summary>The message has no time, and the dialect allows that.</summary>
    public bool IsUndated => _dialect.TimestampOptional && Members.Member(_dialect.Timestamp) is null;

    /// <summary>The text of an <c>info</c> message.</summary>
    public string? Notice => Members.Member("msg").Text();

    /// <summary>The whole <c>message</c> of an event as it was written.</summary>
    public string? Message => Content?.GetRawText();

    /// <summary>The payload of an event as it was written, byte for byte.</summary>
    public string? Payload => (Content.Member("payload") ?? Content.Member(_wants.Payload))?.GetRawText();

    public string? ErrorCode => Members.Member("error").Member("code").Text()
        ?? Members.Member("code").Text()
        ?? Code(Members.Member("error").Text());

    /// <summary>The <c>error</c> is a sentence without a code. Only PS-ERR-004 reports that; other requirements ignore the code.</summary>
    public bool IsUncoded => IsError
        && Members.Member("code") is null
        && Members.Member("error").Text() is { } sentence
        && !LeadingCode().IsMatch(sentence);

    public string? ErrorMessage => Members.Member("error").Member("message").Text() ?? Members.Member("error").Text();

    /// <summary>For an error <c>RATE_LIMITED</c>; null if it says nothing.</summary>
    public long? RetryAfterMs => Members.Member("error").Member("retry_after_ms").Integer();

    public bool IsAck => Type == "ack";
    public bool IsPong => Type == _dialect.Pong;
    public bool IsError => Type == "error";

    /// <summary>An error with this code, or without any.</summary>
    public bool IsErrorOf(string code) => IsError && (ErrorCode == code || IsUncoded);

    /// <summary>An event that only shows that all before it have arrived.</summary>
    internal bool IsSentinel => IsEvent && MessageId?.StartsWith(SentinelPrefix, StringComparison.Ordinal) == true;

    public bool IsEvent => Type == "event";
    public bool IsInfo => Type == "info";

    /// <summary>The notice that a topic has been deleted.</summary>
    public bool IsDeletion => IsInfo && Notice == _dialect.TopicDeleted;

    /// <summary>The <c>error</c> has one of the forms that the dialect knows.</summary>
    public bool HasLegalError =>
        (_dialect.Error.Contains(ErrorShape.Structured)
            && Members.Member("error").Member("code").Text() is not null && Members.Member("error").Member("message").Text() is not null)
        || (_dialect.Error.Contains(ErrorShape.Plain) && Members.Member("error").Text() is not null);

    internal bool IsReply => IsAck || IsPong || (IsError && ErrorCode is not ("SLOW_CONSUMER" or Interference.MissedEvents));

    private JsonElement? Members { get; }

    // The object that holds the message of an event.
    private JsonElement? Content => Members.Member("message") ?? Members.Member(_wants.Message) ?? Members.Member("data")
        ?? (Members.Member("payload") is null ? null : Members);

    /// <summary>Records an outage behind the server, if this message reports one: the scenario then decides nothing against it.</summary>
    internal ServerMessage Noted(Traffic? traffic)
    {
        if (IsError && ErrorCode is Interference.Unavailable or Interference.MissedEvents)
        {
            traffic?.Noted(Interference.Outage(ErrorCode));
        }

        return this;
    }

    /// <summary>A member of an event's <c>message</c> other than id and payload, as it was written.</summary>
    public string? MessageMember(string name) => Content.Member(name)?.GetRawText();

    // A string may hold the code alone, or the code and a sentence after it.
    private static string? Code(string? error) => error is null
        ? null
        : LeadingCode().Match(error) is { Success: true } code ? code.Value : error;

    [GeneratedRegex(@"\A[A-Z][A-Z_]+(?=\z|[\s:,;-])")]
    private static partial Regex LeadingCode();

    /// <summary>The raw text, cut if it is long, with its message id in both spellings.</summary>
    public override string ToString() => _ids.Explain((Part?.ToString() ?? Raw).OnOneLine()).Quoted(300);
}

public static class ServerMessages
{
    public static IReadOnlyList<string> Ids(this IEnumerable<ServerMessage> messages) =>
        [.. messages.Select(message => message.MessageId ?? "(no id)")];

    public static IReadOnlyList<ServerMessage> On(this IEnumerable<ServerMessage> messages, string topic) =>
        [.. messages.Where(message => message.Topic == topic)];

    public static IReadOnlyList<ServerMessage> Events(this IEnumerable<ServerMessage> messages) =>
        [.. messages.Where(message => message.IsEvent)];

    /// <summary>The events that are no sentinels.</summary>
    public static IReadOnlyList<ServerMessage> OwnEvents(this IEnumerable<ServerMessage> messages) =>
        [.. messages.Where(message => message.IsEvent && !message.IsSentinel)];
}
