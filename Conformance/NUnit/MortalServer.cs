using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Tests;

/// <summary>One REST request, its whole head and its body.</summary>
internal sealed record Heard(string Method, string Path, string Head, string Body);

/// <summary>The answer to it; extra header lines end with a line break each.</summary>
internal sealed record Said(int Status, string Body, string Headers = "");

/// <summary>
/// A server that speaks just enough of the protocol to be found and talked to, and that a request with <see cref="Poison"/> in it can
/// kill, silence or restart. It keeps topics and acks publishes; it delivers nothing.
/// </summary>
internal sealed partial class MortalServer : IAsyncDisposable
{
    public const string Poison = "poison";

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = [];
    private readonly ConcurrentDictionary<string, bool> _topics = [];
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _port;
    private readonly Lock _gate = new();
    private Socket? _listener; // guarded by _gate
    private volatile bool _mute;

    public MortalServer(IPAddress? address = null)
    {
        Address = address ?? IPAddress.Loopback;
        _listener = Listen(0);
        _port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    /// <summary>What stands before /topics and /health, wherever these answer.</summary>
    public IReadOnlyList<string> RestPrefixes { get; init; } = ["/v1"];

    /// <summary>The paths that are upgraded.</summary>
    public IReadOnlyList<string> Sockets { get; init; } = ["/v1/ws"];

    public Dialect Dialect { get; init; } = Dialect.V1;

    public bool UuidsOnly { get; init; }

    /// <summary>Answers a REST request; null leaves it to the server.</summary>
    public Func<Heard, Said?> Answer { get; init; } = _ => null;

    /// <summary>Replies to a message; null leaves it to the server, empty means silence.</summary>
    public Func<string, string?> Reply { get; init; } = _ => null;

    /// <summary>Makes a topic of every name that has a path, however bad.</summary>
    public bool TakesEverything { get; init; }

    /// <summary>The status that every handshake gets instead of 101, or null.</summary>
    public int? Turnstile { get; init; }

    /// <summary>Speaks TLS with this when it is there.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }

    /// <summary>What a request with <see cref="Poison"/> in it does.</summary>
    public Action<MortalServer> WhenPoisoned { get; init; } = server => server.Crash();

    public IPAddress Address { get; }

    public Uri Origin => new($"{(Certificate is null ? "http" : "https")}://{new IPEndPoint(Address, _port)}");

    /// <summary>Completes when it crashes or falls silent for the first time.</summary>
    public Task Ended => _ended.Task;

    public IReadOnlyCollection<string> Topics => [.. _topics.Keys];

    /// <summary>Every topic that anybody asked it to make.</summary>
    public IReadOnlyCollection<string> Asked => [.. _asked];

    public Target Target(TimeSpan? wait = null)
    {
        var limit = wait ?? TimeSpan.FromSeconds(5);
        return Conformance.Target.From(Origin, Dialect) with
        {
            Timeouts = new Timeouts { Connect = limit, Wait = limit, Cleanup = limit, Scenario = TimeSpan.FromSeconds(30) },
        };
    }

    public ProbedTarget Probed(TimeSpan? wait = null) => new(Target(wait), Origin);

    /// <summary>Resets every connection and refuses new ones, as the kernel does for a process that is gone.</summary>
    public void Crash()
    {
        lock (_gate)
        {
            _listener?.Dispose();
            _listener = null;
        }

        foreach (var socket in _open.Keys)
        {
            Reset(socket);
        }

        _ended.TrySetResult();
    }

    /// <summary>Accepts and reads nothing more that it would answer, as a process does whose threads are all stuck.</summary>
    public void Hang()
    {
        _mute = true;
        _ended.TrySetResult();
    }

    /// <summary>A crash after which a new process listens at the same address, having forgotten everything.</summary>
    public void Restart()
    {
        Crash();
        _topics.Clear();
        lock (_gate)
        {
            _listener = Listen(_port);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Crash();
        _stopping.Dispose();
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // It has just ended by itself.
        }
    }

    private Socket Listen(int port)
    {
        var listener = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(Address, port));
        listener.Listen(512);
        _ = AcceptAsync(listener, _stopping.Token);
        return listener;
    }

    private async Task AcceptAsync(Socket listener, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(stopping);
                _open[socket] = true;
                _ = ServeAsync(socket, stopping);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // It has crashed, or the test is over.
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken stopping)
    {
        try
        {
            await using var stream = await SecuredAsync(socket, stopping);
            var head = await HeadAsync(stream, stopping);
            if (head.Length == 0)
            {
                return;
            }

            await SilenceAsync(stopping);
            if (head.Contains("Sec-WebSocket-Key: ", StringComparison.Ordinal))
            {
                await UpgradeAsync(head, stream, stopping);
                return;
            }

            var said = await AnswerAsync(head, stream, stopping);
            await SilenceAsync(stopping);
            await WriteAsync(stream, said, stopping);
        }
        catch (Exception e) when (e is IOException or WebSocketException or SocketException or ObjectDisposedException or OperationCanceledException
            or AuthenticationException or InvalidOperationException)
        {
            // It has crashed, the suite hung up, or the test is over.
        }
        finally
        {
            _open.TryRemove(socket, out _);
            socket.Dispose();
        }
    }

    private async Task<Stream> SecuredAsync(Socket socket, CancellationToken stopping)
    {
        var plain = new NetworkStream(socket, ownsSocket: true);
        if (Certificate is null)
        {
            return plain;
        }

        var secure = new SslStream(plain);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = Certificate }, stopping);
        return secure;
    }

    private static async Task<string> HeadAsync(Stream stream, CancellationToken stopping)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!(head.Length >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n'))
        {
            if (await stream.ReadAsync(one, stopping) == 0)
            {
                return "";
            }

            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    // REST -----------------------------------------------------------------------------------------------------------

    private async Task<Said> AnswerAsync(string head, Stream stream, CancellationToken stopping)
    {
        var length = head.Split("Content-Length: ") is [_, var rest, ..] && int.TryParse(rest.Split('\r')[0], CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, stopping);
        var heard = new Heard(head.Split(' ')[0], head.Split(' ')[1].Split('?')[0], head, Encoding.UTF8.GetString(body));
        Taste(heard.Path + heard.Body);
        return Answer(heard) ?? Usual(heard);
    }

    private Said Usual(Heard heard)
    {
        foreach (var prefix in RestPrefixes.Where(prefix => heard.Path.StartsWith($"{prefix}/", StringComparison.Ordinal)))
        {
            switch (heard.Method, heard.Path[prefix.Length..])
            {
                case ("GET", "/topics"):
                    var entries = _topics.Keys.Select(name => $$"""{"name":{{Json.Quote(name)}},"subscribers":0,"messages":0}""");
                    return new(200, $$"""{"topics":[{{string.Join(',', entries)}}]}""");

                case ("POST", "/topics"):
                    return Create(heard.Body);

                case ("DELETE", ['/', 't', 'o', 'p', 'i', 'c', 's', '/', .. var name]):
                    var deleted = _topics.TryRemove(Uri.UnescapeDataString(name), out _);
                    return new(deleted ? 200 : 404, deleted ? """{"status":"deleted"}""" : """{"code":"TOPIC_NOT_FOUND"}""");

                case ("GET", "/health"):
                    return new(200, $$"""{"{{Dialect.Uptime}}":1,"topics":{{_topics.Count}},"subscribers":0}""");
            }
        }

        return new(404, "");
    }

    private Said Create(string body)
    {
        using var json = TryParse(body);
        if (json is null || json.RootElement.ValueKind != JsonValueKind.Object
            || !json.RootElement.TryGetProperty("name", out var member) || member.ValueKind != JsonValueKind.String)
        {
            return new(400, """{"code":"BAD_REQUEST"}""");
        }

        var name = TextOf(member);
        if (name.Length == 0 || (name.Length > 255 && !TakesEverything))
        {
            return new(400, """{"code":"BAD_REQUEST"}""");
        }

        _asked.Enqueue(name);
        return _topics.TryAdd(name, true) ? new(201, """{"status":"created"}""") : new(409, """{"code":"TOPIC_EXISTS"}""");
    }

    private static async Task WriteAsync(Stream stream, Said said, CancellationToken stopping)
    {
        var body = Encoding.UTF8.GetBytes(said.Body);
        var head = $"HTTP/1.1 {said.Status} Said\r\n{said.Headers}Content-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
        byte[] whole = [.. Encoding.UTF8.GetBytes(head), .. body];
        await stream.WriteAsync(whole, stopping);
    }

    // WebSocket ------------------------------------------------------------------------------------------------------

    private async Task UpgradeAsync(string head, Stream stream, CancellationToken stopping)
    {
        if (Turnstile is { } status || !Sockets.Contains(head.Split(' ')[1].Split('?')[0]))
        {
            await WriteAsync(stream, new(Turnstile ?? 404, ""), stopping);
            return;
        }

        using var socket = await TinyServer.UpgradeAsync(head, stream, stopping);
        while (await TinyServer.HearAsync(socket, stopping) is { } request)
        {
            Taste(request);
            await SilenceAsync(stopping);
            if ((Reply(request) ?? Usual(request)) is { Length: > 0 } reply)
            {
                await TinyServer.SayAsync(socket, reply, stopping);
            }
        }

        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", stopping);
    }

    private string Usual(string request)
    {
        using var json = TryParse(request);
        if (json is null || json.RootElement.ValueKind != JsonValueKind.Object)
        {
            return Message("error", null, ""","error":{"code":"BAD_REQUEST","message":"not JSON"}""");
        }

        var root = json.RootElement;
        var id = root.TryGetProperty("request_id", out var own) && own.ValueKind == JsonValueKind.String ? own.GetRawText() : null;
        return (root.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null) switch
        {
            "ping" => Message(Dialect.Pong, id),
            "publish" when UuidsOnly && !Guid.TryParse(root.GetProperty("message").GetProperty("id").GetString(), out _) =>
                Message("error", id, ""","error":{"code":"BAD_REQUEST","message":"message.id must be a UUID"}"""),
            "publish" or "subscribe" or "unsubscribe" => Message("ack", id, ""","status":"ok" """),
            _ => Message("error", id, ""","error":{"code":"BAD_REQUEST","message":"unknown type"}"""),
        };
    }

    private string Message(string type, string? id, string more = "") =>
        $$"""{"type":"{{type}}"{{(id is null ? "" : $",\"request_id\":{id}")}},"{{Dialect.Timestamp}}":"2025-08-28T10:00:00Z"{{more}}}""";

    // Life and death -------------------------------------------------------------------------------------------------

    private void Taste(string request)
    {
        if (request.Contains(Poison, StringComparison.Ordinal))
        {
            WhenPoisoned(this);
        }
    }

    private async Task SilenceAsync(CancellationToken stopping)
    {
        if (_mute)
        {
            await Task.Delay(Timeout.Infinite, stopping);
        }
    }

    private static JsonDocument? TryParse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            // It has to be no JSON for some of what is sent here.
            return null;
        }
    }

    [GeneratedRegex(@"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][cdefCDEF])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][cdefCDEF][0-9a-fA-F]{2}")]
    private static partial Regex Unpaired();

    private static string TextOf(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // It has an unpaired surrogate, which many a server replaces.
            return Unpaired().Replace(text.GetRawText().Trim('"'), "\ufffd");
        }
    }
}
