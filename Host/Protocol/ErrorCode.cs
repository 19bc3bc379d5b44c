namespace PubSub.Hosting.Protocol;

/// <summary>Every error code there is, on the WebSocket and over REST (SPEC, section Errors).</summary>
internal static class ErrorCode
{
    // On both.
    public const string BadRequest = "BAD_REQUEST";
    public const string TopicNotFound = "TOPIC_NOT_FOUND";
    public const string LimitExceeded = "LIMIT_EXCEEDED";
    public const string Internal = "INTERNAL";
    public const string Unavailable = "UNAVAILABLE";

    public const string Unauthorized = "UNAUTHORIZED";
    public const string Forbidden = "FORBIDDEN";
    public const string RateLimited = "RATE_LIMITED";

    // On the WebSocket, and at the end of a stream.
    public const string SlowConsumer = "SLOW_CONSUMER";
    public const string MissedEvents = "MISSED_EVENTS";

    // Over REST, the handshake included.
    public const string TopicExists = "TOPIC_EXISTS";
    public const string NotFound = "NOT_FOUND";
    public const string MethodNotAllowed = "METHOD_NOT_ALLOWED";
    public const string UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";
    public const string ContentTooLarge = "CONTENT_TOO_LARGE";
    public const string ForbiddenOrigin = "FORBIDDEN_ORIGIN";
    public const string ForbiddenHost = "FORBIDDEN_HOST";
    public const string UpgradeRequired = "UPGRADE_REQUIRED";
    public const string Draining = "DRAINING";
}
