using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Network;

/// <summary>An HTTP response as received: no redirect followed, nothing normalised.</summary>
public record HttpAnswer(int Status, string Reason, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] BodyBytes)
{
    /// <summary>The status that was sent; <see cref="Status"/> is its meaning in the target's dialect.</summary>
    public int SentStatus { get; init; } = Status;

    /// <summary>The requirement that is broken when this is no success; null if the server may refuse the request.</summary>
    internal string? Requirement { get; init; }

    public string Body => Encoding.UTF8.GetString(BodyBytes);

    /// <summary>The body as JSON, or null when it is not.</summary>
    public JsonElement? Json => Conformance.Json.TryParse(Body);

    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>For a deletion: the topic does not exist any more, or never did.</summary>
    public bool IsGone => IsSuccess || Status == 404;

    /// <summary>The target of a redirect within the same origin; null for anything else.</summary>
    public Uri? Redirect(Uri origin) => Status is 301 or 302 or 307 or 308 && Uri.TryCreate(origin, Header("Location"), out var place)
        && place.Authority == origin.Authority && place.Scheme == origin.Scheme ? place : null;

    /// <summary>The media type without parameters, in lower case.</summary>
    public string? MediaType => Header("Content-Type")?.Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>The error code in the body, wherever the server keeps it.</summary>
    public string? ErrorCode => Json.Member("code").Text() ?? Json.Member("error").Member("code").Text() ?? Json.Member("error").Text();

    /// <summary>The outcome for the topic as the server reports it: "created", "deleted".</summary>
    public string? Outcome => Json.Member("status").Text();

    /// <summary>The topic that the answer is about.</summary>
    public string? Topic => Json.Member("topic").Text() ?? Json.Member("name").Text();

    public string? Header(string name) =>
        Headers.FirstOrDefault(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    internal byte[] Whole()
    {
        var headers = string.Concat(Headers.Select(header => $"{header.Key}: {header.Value}\n"));
        return Encoding.UTF8.GetBytes($"{SentStatus} {Reason}\n{headers}\n{Body}".TrimEnd());
    }

    /// <summary>Sealed, since a derived record would print itself as code.</summary>
    public sealed override string ToString() => $"{SentStatus} {Reason} {Body.OnOneLine().Quoted(300)}".TrimEnd();
}

/// <summary>HTTP/1.1 as far as a client needs it, over bytes it writes itself.</summary>
internal static class Http
{
    private const int LargestBody = 64 * 1024 * 1024;
    private const int MostHeaders = 500;

    /// <summary>
    /// One exchange with the target's REST origin, on a connection of its own. A request that has been sent ends only by timeout, not by
    /// cancellation: the cleanup after a cancelled run has to know its outcome.
    /// </summary>
    /// <exception cref="Interference">Something between the suite and the server answered or failed.</exception>
    public static async Task<HttpAnswer> ExchangeAsync(
        ReadOnlyMemory<byte> request,
        string label,
        Target target,
        Transcript transcript,
        CancellationToken cancellation,
        StartingLine? start = null)
    {
        // A server that a scenario has started itself has no gateway in front of it, and a readiness check may itself answer 503.
        var gateway = transcript.Traffic is { } traffic && traffic.Covers(target.Rest) && !IsReadiness(label) ? traffic.Gateway : null;
        for (var attempt = 1; ; attempt++)
        {
            await (gateway?.TurnAsync(cancellation) ?? Task.CompletedTask);
            var answer = await ExchangeOnceAsync(request, label, target, transcript, attempt == 1 ? start : null, cancellation);
            if (!IsReadiness(label) && (gateway is null || !IsSafe(label)) && Gateway.Outage(answer) is { } outage)
            {
                // The request may have had an effect, so it is not made again.
                throw transcript.Traffic?.Noted(outage) ?? outage;
            }

            var again = false;
            if (gateway?.Judge(answer, IsSafe(label), attempt, out again) is { } interference)
            {
                throw transcript.Traffic!.Noted(interference);
            }

            if (!again)
            {
                return answer;
            }

            transcript.Note(target.Label("rest"), $"a gateway answered {answer.Status}; the request is made again");
        }
    }

    private static bool IsSafe(string label) => label.Split(' ')[0] is "GET" or "HEAD" or "OPTIONS";

    private static bool IsReadiness(string label) => label.EndsWith(RestPaths.Ready, StringComparison.Ordinal);

    private static async Task<HttpAnswer> ExchangeOnceAsync(
        ReadOnlyMemory<byte> request,
        string label,
        Target target,
        Transcript transcript,
        StartingLine? start,
        CancellationToken cancellation)
    {
        var expectation = $"The server answers {label}";
        try
        {
            return await Bounds.Within(target.Timeouts.Wait, transcript.Time, async limit =>
            {
                using var beforehand = CancellationTokenSource.CreateLinkedTokenSource(limit, cancellation);
                await using var wire = await Wire.OpenAsync(
                    target.Rest, target.Tls, receiveBuffer: null, transcript.Traffic, beforehand.Token);
                await (start?.ReadyAsync() ?? Task.CompletedTask).WaitAsync(beforehand.Token);
                cancellation.ThrowIfCancellationRequested();
                transcript.Sent(target.Label("rest"), "http", request.Span);
                await WriteWholeAsync(wire, request, limit);
                var answer = await ReadAnswerAsync(wire, isHead: label.StartsWith("HEAD ", StringComparison.Ordinal), limit)
                    ?? throw new Violation(expectation, "an HTTP response", wire.End ?? "something that is not HTTP");
                transcript.Received(target.Label("rest"), "http", answer.Whole());
                return answer;
            }, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            throw new Violation(expectation, "an HTTP response", $"none within {target.Timeouts.Wait.TotalSeconds} s");
        }
        catch (Exception e) when (Interference.Of(e) is { } own)
        {
            throw transcript.Traffic?.Noted(own) ?? own;
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new Violation(expectation, "an HTTP response", e.GetBaseException().Message);
        }
    }

    /// <summary>The request target with the query that every request carries.</summary>
    public static string WithQuery(string requestTarget, string query) =>
        query.Length == 0 ? requestTarget : $"{requestTarget}{(requestTarget.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{query}";

    /// <summary>Null when the stream ended first, or the response is not HTTP.</summary>
    public static async Task<HttpAnswer?> ReadAnswerAsync(Wire wire, bool isHead, CancellationToken cancellation)
    {
        var answer = await ReadHeadAsync(wire, cancellation);
        return answer is null || isHead || answer.Status is 101 or 204 or 304
            ? answer
            : answer with { BodyBytes = await ReadBodyAsync(wire, answer, cancellation) };
    }

    /// <summary>The response without its body. Null when the stream ended first, or the response is not HTTP.</summary>
    public static async Task<HttpAnswer?> ReadHeadAsync(Wire wire, CancellationToken cancellation)
    {
        while (true)
        {
            var status = (await wire.ReadLineAsync(cancellation))?.Split(' ', 3);
            if (status is not [['H', 'T', 'T', 'P', '/', ..], _, ..]
                || !int.TryParse(status[1], CultureInfo.InvariantCulture, out var code))
            {
                return null;
            }

            if (await ReadHeadersAsync(wire, cancellation) is not { } headers)
            {
                return null;
            }

            if (code is >= 100 and < 200 and not 101)
            {
                continue;
            }

            if (code is not (502 or 503 or 504 or 508 or (>= 520 and <= 530)))
            {
                // A gateway sends the excluded statuses when the server does not answer.
                wire.Lived();
            }

            return new HttpAnswer(code, status.Length > 2 ? status[2] : "", headers, []);
        }
    }

    private static async Task<List<KeyValuePair<string, string>>?> ReadHeadersAsync(Wire wire, CancellationToken cancellation)
    {
        var headers = new List<KeyValuePair<string, string>>();
        while (headers.Count < MostHeaders)
        {
            if (await wire.ReadLineAsync(cancellation) is not { } line)
            {
                return null;
            }

            if (line.Length == 0)
            {
                return headers;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(colon < 0 ? new(line, "") : new(line[..colon], line[(colon + 1)..].Trim()));
        }

        return null;
    }

    public static async Task<byte[]> ReadBodyAsync(Wire wire, HttpAnswer answer, CancellationToken cancellation)
    {
        var body = new HttpBody(wire, answer);
        var bytes = new ArrayBufferWriter<byte>();
        while (bytes.WrittenCount < LargestBody && await body.ReadSomeAsync(cancellation) is { Length: > 0 } some)
        {
            bytes.Write(some);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private static async Task WriteWholeAsync(Wire wire, ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        try
        {
            await wire.WriteAsync(request, cancellation);
        }
        catch (IOException)
        {
            // A server may refuse a body before it has read all of it; its answer counts.
        }
    }
}

/// <summary>A barrier: no contender sends before all of them are connected.</summary>
internal sealed class StartingLine(int contenders)
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _missing = contenders;

    public Task ReadyAsync()
    {
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _all.SetResult();
        }

        return _all.Task;
    }
}
