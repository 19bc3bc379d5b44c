using System.Globalization;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The refusal of an HTTP request, with its status and code.</summary>
internal sealed class HttpFault(int status, string code, string detail) : Exception(detail)
{
    public int Status => status;
    public string Code => code;
}

/// <summary>
/// The head of one HTTP/1.1 request (RFC 9112); its body is read on demand. The path is left as it was sent: <see cref="TopicName"/>
/// decodes names in it.
/// </summary>
internal sealed class HttpRequest
{
    private const int LongestLine = 16 * 1024;
    private const int MostHeaders = 100;

    private readonly Connection _connection;
    private readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase);
    private byte[]? _body;

    private HttpRequest(Connection connection, string method, string target, string version)
    {
        _connection = connection;
        Method = method;
        Target = target;
        Version = version;
    }

    public string Method { get; }

    /// <summary>The target exactly as in the request line.</summary>
    public string Target { get; }

    public string Version { get; }

    /// <summary>The target without authority and query.</summary>
    public string Path => (Target.StartsWith('/') || !Target.Contains("://", StringComparison.Ordinal)
        ? Target
        : $"/{string.Join('/', Target.Split('/').Skip(3))}").Split('?')[0];

    /// <summary>The value of the first query parameter of this name, percent-decoded; null when there is none.</summary>
    public string? Parameter(string name) =>
        (Target.IndexOf('?', StringComparison.Ordinal) is var mark and >= 0 ? Target[(mark + 1)..] : "").Split('&')
            .Select(pair => pair.Split('=', 2))
            .Where(pair => pair[0] == name)
            .Select(pair => Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? ""))
            .FirstOrDefault();

    public IEnumerable<KeyValuePair<string, string>> Headers => _headers;

    /// <summary>Whose request it is.</summary>
    public Caller Caller { get; set; } = Caller.Everyone;

    /// <summary>Whether another request may follow on the same connection; an unread body prevents it.</summary>
    public bool KeepsAlive => Version == "HTTP/1.1" && !HasOption("Connection", "close") && (_body is not null || !HasBody);

    private bool HasBody => this["Content-Length"] is not (null or "0") || this["Transfer-Encoding"] is not null;

    /// <summary>The value of a header, or null; several headers of one name are joined with commas.</summary>
    public string? this[string name] => _headers.GetValueOrDefault(name);

    /// <summary>The same with the default handshake timeout.</summary>
    public static Task<HttpRequest?> ReadAsync(Connection connection, CancellationToken stopping) =>
        ReadAsync(connection, new Settings().HandshakeTimeout, stopping);

    /// <summary>Null when the peer closes the connection, or takes too long, before the head is complete.</summary>
    public static async Task<HttpRequest?> ReadAsync(Connection connection, TimeSpan patience, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(patience);
        try
        {
            string? line;
            do
            {
                // RFC 9112 section 2.2: empty lines before a request are ignored.
                line = await connection.ReadLineAsync.Call(LongestLine, limit.Token);
            }
            while (line is "");

            return line is null ? null : await ReadAsync(connection, line, limit.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    public bool HasOption(string header, string option) =>
        this[header]?.Split(',', StringSplitOptions.TrimEntries).Contains(option, StringComparer.OrdinalIgnoreCase) == true;

    /// <summary>The body; a second call returns the same. An <see cref="HttpFault"/> when it has more bytes than allowed.</summary>
    public async Task<byte[]> ReadBodyAsync(int most, CancellationToken stopping)
    {
        _body ??= await ReceiveBodyAsync(most, stopping);
        return _body.Length <= most ? _body : throw TooLarge(most);
    }

    private async Task<byte[]> ReceiveBodyAsync(int most, CancellationToken stopping)
    {
        if (this["Transfer-Encoding"] is { } encoding)
        {
            if (this["Content-Length"] is not null || !encoding.Equals("chunked", StringComparison.OrdinalIgnoreCase))
            {
                throw new HttpFault(400, "BAD_REQUEST", "Transfer-Encoding must be chunked, without Content-Length");
            }

            await ContinueAsync(stopping);
            return await ReadChunksAsync(most, stopping);
        }

        var announced = this["Content-Length"] ?? "0";
        if (announced.Length == 0 || !announced.All(char.IsAsciiDigit))
        {
            throw new HttpFault(400, "BAD_REQUEST", "Content-Length must be a number");
        }

        if (!int.TryParse(announced, CultureInfo.InvariantCulture, out var length) || length > most)
        {
            throw TooLarge(most);
        }

        await ContinueAsync(stopping);
        var body = new byte[length];
        await _connection.ReadExactlyAsync(body, stopping);
        return body;
    }

    private static async Task<HttpRequest?> ReadAsync(Connection connection, string requestLine, CancellationToken stopping)
    {
        if (requestLine.Split(' ') is not [{ Length: > 0 } method, { Length: > 0 } target, ['H', 'T', 'T', 'P', '/', ..] version])
        {
            throw new HttpFault(400, "BAD_REQUEST", "the request line must be a method, a target and a version");
        }

        var request = new HttpRequest(connection, method, target, version);
        for (var count = 0; await connection.ReadLineAsync.Call(LongestLine, stopping) is { } line; count++)
        {
            if (line.Length == 0)
            {
                return request.Checked();
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (count == MostHeaders || colon < 1 || line[..colon].Any(char.IsWhiteSpace))
            {
                throw count == MostHeaders
                    ? new HttpFault(431, "BAD_REQUEST", $"a request must have at most {MostHeaders} headers")
                    : new HttpFault(400, "BAD_REQUEST", "a header must be a name, a colon and a value");
            }

            var (name, value) = (line[..colon], line[(colon + 1)..].Trim());
            request._headers[name] = request[name] is { } before ? $"{before}, {value}" : value;
        }

        return null;
    }

    private static HttpFault TooLarge(int most) => new(413, "CONTENT_TOO_LARGE", $"the body must be at most {most} bytes long");

    private HttpRequest Checked() => this switch
    {
        { Version: not ("HTTP/1.1" or "HTTP/1.0") } => throw new HttpFault(505, "BAD_REQUEST", "the version must be HTTP/1.1"),
        { Version: "HTTP/1.1" } when this["Host"] is null => throw new HttpFault(400, "BAD_REQUEST", "Host is required"),
        _ => this,
    };

    private async Task ContinueAsync(CancellationToken stopping)
    {
        if (HasOption("Expect", "100-continue"))
        {
            await _connection.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stopping);
        }
    }

    private async Task<byte[]> ReadChunksAsync(int most, CancellationToken stopping)
    {
        var body = new List<byte>();
        while (true)
        {
            var line = await _connection.ReadLineAsync.Call(LongestLine, stopping) ?? throw new EndOfStreamException();
            var digits = line.Split(';')[0].Trim();
            if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size < 0)
            {
                throw new HttpFault(400, "BAD_REQUEST", "a chunk must begin with its size in hexadecimal digits");
            }

            if (body.Count + size > most)
            {
                throw TooLarge(most);
            }

            var chunk = new byte[size];
            await _connection.ReadExactlyAsync(chunk, stopping);
            body.AddRange(chunk);
            var after = await _connection.ReadLineAsync.Call(LongestLine, stopping);
            while (size == 0 && after is { Length: > 0 })
            {
                // Trailers are ignored.
                after = await _connection.ReadLineAsync.Call(LongestLine, stopping);
            }

            if (after is not "")
            {
                throw new HttpFault(400, "BAD_REQUEST", "a chunk must end where its size says");
            }

            if (size == 0)
            {
                return [.. body];
            }
        }
    }
}
