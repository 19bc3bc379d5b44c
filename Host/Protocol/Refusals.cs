using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Protocol;

/// <summary>
/// Every way in which the Host refuses a request (SPEC, section Errors), over WebSocket and REST. The texts of bad requests name the field
/// and the rule, so they are written where the rule is checked.
/// </summary>
internal static class Refusals
{
    public static Refusal TopicNotFound { get; } = new(404, ErrorCode.TopicNotFound, "topic not found");

    public static Refusal TopicExists { get; } = new(409, ErrorCode.TopicExists, "name must not be that of an existing topic");

    public static Refusal NotFound { get; } = new(404, ErrorCode.NotFound, "there is nothing at this path");

    public static Refusal NoJson { get; } = new(415, ErrorCode.UnsupportedMediaType, "Content-Type must be application/json");

    public static Refusal ForeignHost { get; } =
        new(421, ErrorCode.ForbiddenHost, "the Host is none of this machine's own names and not in ALLOWED_HOSTS");

    public static Refusal ForeignOrigin { get; } =
        new(403, ErrorCode.ForbiddenOrigin, "the Origin is of another host and not in ALLOWED_ORIGINS");

    public static Refusal NoHandshake { get; } =
        new(426, ErrorCode.UpgradeRequired, "this path takes WebSocket handshakes of version 13 only");

    public static Refusal Draining { get; } = new(503, ErrorCode.Draining, "the server is shutting down");

    public static Refusal Failed { get; } = new(500, ErrorCode.Internal, "the server failed to handle the request");

    public static Refusal SlowConsumer { get; } = new(0, ErrorCode.SlowConsumer, "the subscriber's queue overflowed"); // ends a WebSocket

    /// <summary>Ends a subscriber's connection: it has to resume, to learn whether events are missing.</summary>
    public static Refusal MissedEvents { get; } =
        new(0, ErrorCode.MissedEvents, "events of a topic may be missing; connect again and resume with since");

    /// <summary>The engine behind the node is not there.</summary>
    public static Refusal Unavailable(bool mayHaveHappened) => new(
        503,
        ErrorCode.Unavailable,
        mayHaveHappened
            ? "the engine behind this node did not answer in time; the request may have had its effect, or may still have it"
            : "the engine behind this node cannot be reached; the request had no effect");

    /// <summary>The client's token expired, or its key was removed or changed; ends its connection (PS-ACC).</summary>
    public static Refusal AccessEnded { get; } =
        new(0, ErrorCode.Unauthorized, "the token has expired, or the API key was removed or changed");

    public static Refusal TooManyOfIdentity { get; } = new(
        429, ErrorCode.RateLimited, "the identity has as many connections open as it may have (connections)", RetryAfter: 1_000);

    /// <summary>No identity sends the request.</summary>
    /// <param name="reason">What is wrong with its credentials, without any of them.</param>
    public static Refusal Unauthorized(string reason) => new(401, ErrorCode.Unauthorized, reason);

    /// <summary>The identity lacks a permission. The text is the same whether the topic exists or not.</summary>
    /// <param name="verb">What it may not do with the topic.</param>
    public static Refusal Forbidden(string verb) => new(403, ErrorCode.Forbidden, $"this identity may not {verb} the topic");

    /// <summary>A limit was reached.</summary>
    /// <param name="what">What there were too many of.</param>
    /// <param name="wait">After which it may pass.</param>
    public static Refusal RateLimited(string what, TimeSpan wait) => new(
        429,
        ErrorCode.RateLimited,
        $"there were more {what} in a second than may be",
        RetryAfter: (int)Math.Ceiling(wait.TotalMilliseconds));

    /// <summary>The request or one of its fields breaks a rule.</summary>
    /// <param name="rule">The field and the rule.</param>
    public static Refusal BadRequest(string rule) => new(400, ErrorCode.BadRequest, rule);

    /// <summary>What the framework refuses before a handler sees the request.</summary>
    public static Refusal OfStatus(int status, string allowed) => status switch
    {
        404 => NotFound,
        405 => new(status, ErrorCode.MethodNotAllowed, $"the path takes {allowed} only"),
        _ => new(status, ErrorCode.BadRequest, "the request was refused"),
    };

    public static Refusal BodyTooLarge(int most, string setting) =>
        new(413, ErrorCode.ContentTooLarge, $"the body must be at most {most} bytes long ({setting})");

    public static Refusal NoRoom(Settings settings) => new(
        503,
        ErrorCode.LimitExceeded,
        $"there is no room for it in the {settings.MaxOutstandingBytes} bytes that clients have under way (MAX_OUTSTANDING_BYTES)");

    public static Refusal MessageTooLarge(Settings settings) =>
        BadRequest($"the request must be at most {settings.MaxMessageBytes} bytes long (MAX_MESSAGE_BYTES)");

    public static Refusal TooManyTopics(Settings settings) =>
        new(507, ErrorCode.LimitExceeded, $"there are {settings.MaxTopics} topics, which is the most there may be (MAX_TOPICS)");

    public static Refusal TooManySubscriptions(Settings settings) =>
        BadRequest($"topic must be one of at most {settings.MaxSubscriptions} that a connection subscribes to (MAX_SUBSCRIPTIONS)");

    public static Refusal TooManyConnections(int most, string bound) =>
        new(503, ErrorCode.LimitExceeded, $"{most} connections are open, which is the most there may be ({bound})");

    public static Refusal NoMemory(Settings settings) => new(
        507,
        ErrorCode.LimitExceeded,
        $"there is no room for it in the {settings.MaxRetainedBytes} bytes of topics, subscriptions and messages (MAX_RETAINED_BYTES)");
}

/// <summary>The Close frames with which the Host ends a connection (SPEC, sections Backpressure, Topic deletion, Lifecycle).</summary>
internal static class Closes
{
    public static Frame SlowConsumer { get; } = WebSocketFrame.Close(CloseStatus.PolicyViolation, "slow consumer");

    public static Frame TopicDeleted { get; } = WebSocketFrame.Close(CloseStatus.Normal, "topic deleted");

    public static Frame Draining { get; } = WebSocketFrame.Close(CloseStatus.GoingAway, "server is shutting down");

    public static Frame MissedEvents { get; } = WebSocketFrame.Close(CloseStatus.ServiceRestart, "events may be missing");

    public static Frame AccessEnded { get; } = WebSocketFrame.Close(CloseStatus.PolicyViolation, "access has ended");

    public static Frame RequestTooLarge { get; } = WebSocketFrame.Close(CloseStatus.TooLarge, "request too large");
}
