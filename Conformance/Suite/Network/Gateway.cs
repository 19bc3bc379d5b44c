using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Network;

/// <summary>
/// Handles answers that a gateway gives in the server's place (429, 502 to 504, 508, 520 to 530): the suite waits, as
/// <c>Retry-After</c> asks, and retries a bounded number of times. From then on all requests to that server are spaced out.
/// </summary>
public sealed class Gateway(TimeProvider time)
{
    /// <summary>How often one request is made before its scenario gives up.</summary>
    public const int MostAttempts = 8;

    /// <summary>The same if the gateway says that the server does not answer, or if another request has just given up.</summary>
    public const int FewAttempts = 3;

    /// <summary>A longer <c>Retry-After</c> is not waited for.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(31);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestOwnPause = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ShortestDistance = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestDistance = TimeSpan.FromMilliseconds(50);

    /// <summary>The factor by which each answer of the server itself shortens the distance.</summary>
    private const double Recovery = 0.99;

    private const int LongestStatusLine = 200;

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _free; // when the next request may go, since the start; guarded by _gate
    private TimeSpan _distance; // between two requests; guarded by _gate
    private bool _isWornOut; // guarded by _gate

    /// <summary>The code of a server that refuses an identity above its limit (SPEC, section 21): no gateway answers so.</summary>
    internal const string RateLimited = "RATE_LIMITED";

    /// <summary>The gateway's answer; null when the server itself answered.</summary>
    public static Interference? In(HttpAnswer answer) => Outage(answer)
        ?? (answer is { Status: 429, ErrorCode: RateLimited } ? null : In(answer.Status, answer.Reason));

    /// <summary>The answer of a server that reports an outage behind it; null for any other answer.</summary>
    internal static Interference? Outage(HttpAnswer answer) =>
        answer is { Status: 503, ErrorCode: Interference.Unavailable } ? Interference.Outage($"503 {Interference.Unavailable}") : null;

    /// <summary>The same for a whole response as it was read from the connection.</summary>
    public static Interference? In(ReadOnlySpan<byte> response) =>
        Encoding.Latin1.GetString(response[..Math.Min(response.Length, LongestStatusLine)]).Split('\r', '\n')[0].Split(' ', 3)
            is [['H', 'T', 'T', 'P', '/', ..], var code, .. var reason]
            && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status)
                ? In(status, string.Concat(reason))
                : null;

    private static Interference? In(int status, string reason) => status is 429 or 502 or 503 or 504 or 508 or (>= 520 and <= 530)
        ? new(InterferenceKind.Gateway, $"A gateway, or a limit in front of the server, answered in its place: {status} {reason}".TrimEnd())
        {
            Answer = $"{status}",
        }
        : null;

    /// <summary>How long the answer asks to wait; null when it does not say.</summary>
    public static TimeSpan? RetryAfter(HttpAnswer answer, DateTimeOffset now)
    {
        var text = answer.Header("Retry-After");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
                ? TimeSpan.FromTicks(Math.Max(0, (date - now).Ticks))
            : null;
    }

    /// <summary>Returns when the next request may be sent.</summary>
    public async Task TurnAsync(CancellationToken cancellation)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetElapsedTime(_start);
            wait = _free - now;
            _free = (_free > now ? _free : now) + _distance;
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellation);
        }
    }

    /// <summary>
    /// Records an answer. Returns null when the server itself gave it, or when the request has to be retried (<paramref name="again"/>);
    /// otherwise the reason why the scenario has to give up.
    /// </summary>
    /// <param name="isSafe">The request may be repeated even if the server has seen it.</param>
    /// <param name="attempt">The first is 1.</param>
    public Interference? Judge(HttpAnswer answer, bool isSafe, int attempt, out bool again)
    {
        again = false;
        lock (_gate)
        {
            if (In(answer) is not { } interference)
            {
                _isWornOut = false;
                _distance = _distance < ShortestDistance ? TimeSpan.Zero : _distance * Recovery;
                return null;
            }

            var pause = RetryAfter(answer, time.GetUtcNow())
                ?? TimeSpan.FromTicks(Math.Min((FirstPause * Math.Pow(2, attempt - 1)).Ticks, LongestOwnPause.Ticks));
            if (pause > LongestPause)
            {
                return new(InterferenceKind.Gateway, $"{interference.Message}. It asks to come back in {pause.TotalSeconds:0} s");
            }

            var now = time.GetElapsedTime(_start);
            if (_free <= now + _distance)
            {
                // Requests refused at the same time lengthen the distance only once.
                _distance = TimeSpan.FromTicks(Math.Clamp(_distance.Ticks * 2, ShortestDistance.Ticks, LongestDistance.Ticks));
            }

            _free = _free > now + pause ? _free : now + pause;

            // A gateway that refuses with 429 or 503 has not forwarded the request, so any request may be repeated then.
            var most = answer.Status == 429 || (answer.Status == 503 && answer.Header("Retry-After") is not null)
                ? MostAttempts
                : FewAttempts;
            again = attempt < (_isWornOut ? Math.Min(most, FewAttempts) : most) && (isSafe || answer.Status is 429 or 503);
            _isWornOut |= !again;
            return again ? null : interference;
        }
    }
}
