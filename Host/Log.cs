using System.Globalization;
using System.Net;
using System.Text;

namespace PubSub.Hosting;

/// <summary>
/// Every line that is logged: lifecycle at Information, requests at Debug; never a payload (PS-LIF-012). Ids are only ever appended.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Session {Connection} opened from {Remote}")]
    public static partial void SessionOpened(ILogger logger, string connection, IPAddress? remote);

    [LoggerMessage(2, LogLevel.Information, "Session {Connection} closed: {Ending}")]
    public static partial void SessionClosed(ILogger logger, string connection, string ending);

    [LoggerMessage(3, LogLevel.Warning, "Session {Connection} closed as a slow consumer")]
    public static partial void SlowConsumerClosed(ILogger logger, string connection);

    [LoggerMessage(4, LogLevel.Warning, "Session {Connection} read nothing for {Seconds} s and was ended")]
    public static partial void WriteTimedOut(ILogger logger, string connection, double seconds);

    [LoggerMessage(5, LogLevel.Warning, "Session {Connection} answered no Ping for {Seconds} s and was ended")]
    public static partial void PingUnanswered(ILogger logger, string connection, double seconds);

    [LoggerMessage(6, LogLevel.Information, "Topic {Topic} created")]
    public static partial void TopicCreated(ILogger logger, Escaped topic);

    [LoggerMessage(7, LogLevel.Information, "Topic {Topic} deleted")]
    public static partial void TopicDeleted(ILogger logger, Escaped topic);

    [LoggerMessage(8, LogLevel.Information, "Draining {Sessions} sessions")]
    public static partial void Draining(ILogger logger, int sessions);

    [LoggerMessage(9, LogLevel.Warning, "{Sessions} sessions had not drained after {Seconds} s and were ended")]
    public static partial void DrainTimedOut(ILogger logger, int sessions, double seconds);

    [LoggerMessage(10, LogLevel.Debug, "Session {Connection} published to {Topic}: {Bytes} bytes")]
    public static partial void Published(ILogger logger, string connection, Escaped topic, int bytes);

    [LoggerMessage(11, LogLevel.Debug, "Session {Connection} asked to subscribe to {Topic} with last_n {LastN}")]
    public static partial void Subscribed(ILogger logger, string connection, Escaped topic, int lastN);

    [LoggerMessage(12, LogLevel.Debug, "Session {Connection} asked to unsubscribe from {Topic}")]
    public static partial void Unsubscribed(ILogger logger, string connection, Escaped topic);

    [LoggerMessage(13, LogLevel.Debug, "Session {Connection} sent a bad request: {Rule}")]
    public static partial void BadRequest(ILogger logger, string connection, string rule);

    [LoggerMessage(14, LogLevel.Error, "Session {Connection}: a request failed unexpectedly")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string connection);

    [LoggerMessage(15, LogLevel.Debug, "{Method} {Target} answered {Status} in {Milliseconds:F1} ms")]
    public static partial void RestAnswered(ILogger logger, Escaped method, Escaped target, int status, double milliseconds);

    [LoggerMessage(16, LogLevel.Error, "{Method} {Target} failed unexpectedly")]
    public static partial void RestFailed(ILogger logger, Exception exception, Escaped method, Escaped target);

    [LoggerMessage(17, LogLevel.Information, "Session {Connection} broke the WebSocket protocol: {Rule}")]
    public static partial void ProtocolBroken(ILogger logger, string connection, string rule);

    [LoggerMessage(
        18,
        LogLevel.Warning,
        "MAX_CONNECTIONS {Connections} needs {Descriptors} file descriptors (ulimit -n) and {Memory} bytes of memory; "
        + "there may be {Sessions} connections")]
    public static partial void LowCapacity(ILogger logger, int connections, long descriptors, long memory, int sessions);

    [LoggerMessage(
        19, LogLevel.Information, "At most {Sessions} connections, {Retained} bytes retained and {Outstanding} bytes outstanding")]
    public static partial void Bounds(ILogger logger, int sessions, long retained, long outstanding);

    [LoggerMessage(20, LogLevel.Error, "No connection could be accepted; the next attempt is in {Seconds} s")]
    public static partial void AcceptFailed(ILogger logger, Exception exception, double seconds);

    [LoggerMessage(21, LogLevel.Debug, "Connection {Connection} published {Messages} messages to {Topic}: {Bytes} bytes")]
    public static partial void PublishedOverHttp(ILogger logger, string connection, Escaped topic, int messages, int bytes);

    [LoggerMessage(22, LogLevel.Debug, "Session {Connection} asked to follow {Topic}")]
    public static partial void StreamOpened(ILogger logger, string connection, Escaped topic);

    [LoggerMessage(23, LogLevel.Warning, "The {Kind} connection to Redis was lost: {Cause}")]
    public static partial void RedisLost(ILogger logger, string kind, string cause);

    [LoggerMessage(24, LogLevel.Information, "The {Kind} connection to Redis is there again")]
    public static partial void RedisRestored(ILogger logger, string kind);

    [LoggerMessage(25, LogLevel.Warning, "Redis refused a request: {Reason}")]
    public static partial void RedisRefused(ILogger logger, string reason);

    [LoggerMessage(26, LogLevel.Warning, "Events of {Topic} may be missing; {Subscribers} subscribers are told and disconnected")]
    public static partial void EventsMissed(ILogger logger, Escaped topic, int subscribers);

    [LoggerMessage(27, LogLevel.Error, "The mirror of {Topic} failed unexpectedly")]
    public static partial void MirrorFailed(ILogger logger, Exception exception, Escaped topic);

    [LoggerMessage(28, LogLevel.Information, "{Setting} was read: {Keys} keys")]
    public static partial void CredentialsRead(ILogger logger, string setting, int keys);

    [LoggerMessage(29, LogLevel.Error, "{Fault}; the keys stay what they were")]
    public static partial void CredentialsRefused(ILogger logger, string fault);

    [LoggerMessage(30, LogLevel.Debug, "Connection {Connection} sent a request as {Identity}")]
    public static partial void Authenticated(ILogger logger, string connection, Escaped identity);

    [LoggerMessage(31, LogLevel.Debug, "Connection {Connection} sent a request of no identity: {Reason}")]
    public static partial void Unauthorized(ILogger logger, string connection, string reason);
}

/// <summary>
/// A client's text in a log: what could end a line, colour it or turn it around is written as <c>\uXXXX</c>, when it is written.
/// </summary>
internal readonly record struct Escaped(string Text)
{
    public override string ToString()
    {
        var escaped = new StringBuilder(Text.Length);
        foreach (var rune in Text.EnumerateRunes())
        {
            _ = IsPlain(rune) ? escaped.Append(rune) : escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        }

        return escaped.ToString();
    }

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
