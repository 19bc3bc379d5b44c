using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// The rude client: its own implementation of RFC 6455, so that it can send anything wrongly and sees every frame. It reads only when
/// asked.
/// </summary>
public sealed class RawClient : IMessageSource
{
    private Wire _wire;
    private readonly Target _target;
    private readonly Transcript _transcript;
    private readonly ConnectOptions _options;
    private readonly CancellationToken _cancellation;
    private int _messages;
    private bool _closeSent;
    private bool _answerToFirst;
    private Frame? _closeFrame; // the first
    private ITimer? _leaving;

    private RawClient(string name, Wire wire, Target target, Transcript transcript, ConnectOptions options, CancellationToken cancellation)
    {
        Name = name;
        _wire = wire;
        _target = target;
        _transcript = transcript;
        _options = options;
        _cancellation = cancellation;
    }

    public string Name { get; }

    private string Label => _target.Label(Name);

    /// <summary>The <c>client_id</c> for targets that require one where SPEC.md has none.</summary>
    internal string? ClientId { get; set; }

    /// <summary>How the connection ended; null until its end has been read.</summary>
    public Closure? Closure { get; private set; }

    MessageIds IMessageSource.Ids => _target.MessageIds;

    internal static async Task<RawClient> OpenAsync(
        string name, Target target, Transcript transcript, ConnectOptions options, CancellationToken cancellation)
    {
        var wire = await OpenWireAsync(name, target.WebSocket, target, transcript, options, cancellation);
        return new RawClient(name, wire, target, transcript, options, cancellation);
    }

    internal static async Task<Wire> OpenWireAsync(
        string name, Uri url, Target target, Transcript transcript, ConnectOptions options, CancellationToken cancellation)
    {
        var where = $"{url.Host}:{url.Port}";
        try
        {
            var wire = await Bounds.Within(
                target.Timeouts.Connect,
                transcript.Time,
                limit => Wire.OpenAsync(url, target.Tls, options.ReceiveBuffer, transcript.Traffic, limit),
                cancellation);
            transcript.Note(target.Label(name), $"connected to {where}");
            return wire;
        }
        catch (TimeoutException)
        {
            throw new Violation(
                "The server accepts connections", "a TCP connection", $"none to {where} within {target.Timeouts.Connect.TotalSeconds} s");
        }
        catch (Exception e) when (Interference.Of(e) is { } own)
        {
            throw transcript.Traffic?.Noted(own) ?? own;
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new Violation("The server accepts connections", "a TCP connection", $"none to {where}: {e.GetBaseException().Message}");
        }
    }

    /// <summary>The <c>Sec-WebSocket-Accept</c> that this <c>Sec-WebSocket-Key</c> requires.</summary>
    public static string AcceptFor(string key)
    {
        // RFC 6455 section 4.2.2 prescribes SHA-1 here; nothing depends on its strength.
#pragma warning disable CA5350
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    /// <summary>
    /// Asks for the upgrade, with the usual headers unless told otherwise, and returns any answer of the server itself. If a gateway
    /// refuses, the client asks again on a new connection.
    /// </summary>
    public async Task<HttpAnswer> HandshakeAsync(
        IReadOnlyDictionary<string, string?>? headers = null, string? path = null, string method = "GET")
    {
        var lines = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Host"] = _target.WebSocket.Authority,
            ["Upgrade"] = "websocket",
            ["Connection"] = "Upgrade",
            ["Sec-WebSocket-Key"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)),
            ["Sec-WebSocket-Version"] = "13",
        };
        if (_target.Origin is { } origin)
        {
            lines["Origin"] = origin;
        }

        foreach (var (name, value) in _target.Headers.Select(header => KeyValuePair.Create(header.Key, (string?)header.Value))
            .Concat(_options.Headers).Concat(headers ?? new Dictionary<string, string?>()))
        {
            lines[name] = value;
        }

        var head = string.Concat(lines.Where(line => line.Value is not null).Select(line => $"{line.Key}: {line.Value}\r\n"));
        var where = Http.WithQuery(path ?? _target.WebSocket.AbsolutePath, _target.Query);
        var request = Encoding.UTF8.GetBytes($"{method} {where} HTTP/1.1\r\n{head}\r\n");
        for (var attempt = 1; ; attempt++)
        {
            await (Gateway?.TurnAsync(_cancellation) ?? Task.CompletedTask);
            var answer = await AskAsync(request, isHead: method == "HEAD");
            if (!MayRepeat(answer, attempt))
            {
                return answer;
            }

            _transcript.Note(Label, $"a gateway answered {answer.Status}; the handshake is made again");
            await _wire.DisposeAsync();
            _wire = await OpenWireAsync(Name, _target.WebSocket, _target, _transcript, _options, _cancellation);
        }
    }

    /// <summary>Sends these bytes as the handshake and reads the HTTP response to them.</summary>
    /// <exception cref="Interference">A gateway answered in the server's place.</exception>
    public async Task<HttpAnswer> HandshakeBytesAsync(ReadOnlyMemory<byte> request, bool isHead = false)
    {
        var answer = await AskAsync(request, isHead);
        return MayRepeat(answer, Gateway.MostAttempts) ? throw new InvalidOperationException("No attempt follows the last.") : answer;
    }

    // Null for a server that the scenario has started itself, and for requests outside a run: they are not retried.
    private Gateway? Gateway => _transcript.Traffic is { } traffic && traffic.Covers(_target.WebSocket) ? traffic.Gateway : null;

    private bool MayRepeat(HttpAnswer answer, int attempt)
    {
        var again = false;
        return Gateway?.Judge(answer, isSafe: true, attempt, out again) is { } interference
            ? throw _transcript.Traffic!.Noted(interference)
            : again;
    }

    private async Task<HttpAnswer> AskAsync(ReadOnlyMemory<byte> request, bool isHead)
    {
        const string Expectation = "The server answers the WebSocket handshake";
        _transcript.Sent(Label, "handshake", request.Span);
        await WriteAsync(request);
        var answer = await WithinAsync(
            _target.Timeouts.Connect,
            limit => Http.ReadAnswerAsync(_wire, isHead, limit),
            within => new Violation(Expectation, "an HTTP response", $"none within {within}"));
        if (answer is null)
        {
            throw new Violation(Expectation, "an HTTP response", _wire.End ?? "something that is not HTTP");
        }

        _transcript.Received(Label, "handshake", answer.Whole());
        if (answer.Status == 101 && _target.Accommodations.FirstText is { } first)
        {
            _answerToFirst = _target.Accommodations.FirstIsAnswered;
            await SendAsync(Frame.Text(first));
        }

        return answer;
    }

    public Task SendAsync(Request request) => SendAsync(request.To(_target).ToFrame());

    public Task SendTextAsync(string text) => SendAsync(Frame.Text(text));

    public async Task SendAsync(params IEnumerable<Frame> frames)
    {
        foreach (var frame in frames.Select(Spelt))
        {
            _transcript.Sent(Label, KindOf(frame), Shown(frame));
            _closeSent |= frame.Opcode == Opcode.Close;
            await WriteAsync(frame.Encode());
        }
    }

    /// <summary>Sends all these frames in one write.</summary>
    public Task SendTogetherAsync(IReadOnlyCollection<Frame> frames)
    {
        frames = [.. frames.Select(Spelt)];
        _transcript.Note(Label, $"the following {frames.Count} frames in one write");
        foreach (var frame in frames)
        {
            _transcript.Sent(Label, KindOf(frame), frame.Payload.Span);
            _closeSent |= frame.Opcode == Opcode.Close;
        }

        return WriteAsync(frames.SelectMany(frame => frame.Encode()).ToArray());
    }

    /// <summary>Sends these bytes unchanged, in one write.</summary>
    public Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        var shown = bytes.Span[..Math.Min(bytes.Length, Transcript.DataCap / 2)];
        _transcript.Sent(Label, "bytes", Encoding.ASCII.GetBytes(Convert.ToHexString(shown)));
        return WriteAsync(bytes);
    }

    /// <summary>Sends these bytes in several writes of <paramref name="size"/> bytes, each flushed.</summary>
    public async Task SendInPiecesAsync(ReadOnlyMemory<byte> bytes, int size)
    {
        _transcript.Note(Label, $"the following {bytes.Length} bytes in pieces of {size}");
        for (var at = 0; at < bytes.Length; at += size)
        {
            await SendBytesAsync(bytes.Slice(at, Math.Min(size, bytes.Length - at)));
        }
    }

    /// <summary>The next frame of any kind; none is answered or skipped. Null when the connection has ended.</summary>
    public Task<Frame?> ReadFrameAsync(TimeSpan? within = null) => WithinAsync<Frame?>(
        within,
        ReadFrameAsync,
        limit => new Violation($"{Name} receives a frame", "a frame or the end of the connection", $"neither within {limit}"));

    /// <summary>
    /// The next whole message that fits (any, without a predicate); others are skipped. Pings and a Close are answered meanwhile.
    /// </summary>
    public Task<ServerMessage> ReadMessageAsync(
        Func<ServerMessage, bool>? which = null, string awaited = "a message", TimeSpan? within = null)
    {
        var others = new OtherMessages();
        return WithinAsync(
            within,
            async token =>
            {
                while (await ReceiveAsync(token) is { } message)
                {
                    if (which?.Invoke(message) != false)
                    {
                        return message;
                    }

                    others.Add(message);
                }

                throw Missing($"{Closure}");
            },
            limit => Missing($"nothing of the kind within {limit}"));

        Violation Missing(string observed) => new($"{Name} receives {awaited}", awaited, $"{observed}{others}");
    }

    /// <summary>Reads and discards all messages until the server ends the connection.</summary>
    public Task<Closure> ClosedAsync(TimeSpan? within = null) => WithinAsync(
        within,
        async token =>
        {
            while (await ReceiveAsync(token) is not null)
            {
                // The transcript has the messages that still arrive.
            }

            return Closure!;
        },
        limit => new Violation($"The server closes {Name}", "the end of the connection", $"{StillOpen} after {limit}"));

    /// <summary>Reads any bytes until the server ends the connection; for a connection that was never upgraded.</summary>
    /// <exception cref="Interference">The bytes are a gateway's answer.</exception>
    public async Task<byte[]> ReadToEndAsync(TimeSpan? within = null)
    {
        var bytes = await WithinAsync(
            within,
            token => _wire.ReadAsync(long.MaxValue, token),
            limit => new Violation($"The server closes {Name}", "the end of the connection", $"an open connection after {limit}"));
        _transcript.Received(Label, "bytes", bytes);
        _transcript.Note(Label, $"ended by {_wire.End}");
        return Gateway is not null && Network.Gateway.In(bytes) is { } interference
            ? throw _transcript.Traffic!.Noted(interference)
            : bytes;
    }

    /// <summary>Ends the client's direction of TCP; the server's is still read.</summary>
    public void HalfClose()
    {
        _transcript.Note(Label, "half closed by the client");
        _wire.HalfClose();
    }

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Abort()
    {
        _transcript.Note(Label, "reset by the client");
        _wire.Abort();
    }

    /// <summary>Closes the TCP connection without a Close frame.</summary>
    public async ValueTask DisposeAsync()
    {
        await (_leaving?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _wire.DisposeAsync();
    }

    string IMessageSource.StillOpen => StillOpen;

    private string StillOpen => _closeFrame is { } close
        ? $"a close frame {close.CloseCode}, but an open TCP connection"
        : "an open connection";

    Task<ServerMessage?> IMessageSource.ReceiveAsync(CancellationToken cancellation) => ReceiveAsync(cancellation);

    /// <summary>The next whole message, or null once the connection has ended and <see cref="Closure"/> says how.</summary>
    internal async Task<ServerMessage?> ReceiveAsync(CancellationToken cancellation)
    {
        var parts = new MessageParts();
        while (await ReadFrameAsync(cancellation) is { } frame)
        {
            if (parts.Add(frame))
            {
                return parts.ToMessage(_messages++, _target).Noted(_transcript.Traffic);
            }

            if (frame.Opcode == Opcode.Ping && _options.AnswersPings)
            {
                await TrySendAsync(Frame.Pong(frame.Payload));
            }
            else if (frame.Opcode == Opcode.Close)
            {
                await AnswerCloseAsync(frame);
            }
        }

        return null;
    }

    private async Task AnswerCloseAsync(Frame close)
    {
        _closeFrame ??= close;
        if (!_closeSent)
        {
            await TrySendAsync(Frame.Close(close.CloseCode));
        }

        if (_options.EndsAfterClose is { } patience)
        {
            _leaving ??= _transcript.Time.CreateTimer(_ => HalfClose(), null, patience, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task<Frame?> ReadFrameAsync(CancellationToken cancellation)
    {
        while (await _wire.ReadFrameAsync(cancellation) is { } frame)
        {
            _transcript.Received(Label, KindOf(frame), Shown(frame));
            if (!IsAnswerToFirst(frame))
            {
                return frame;
            }
        }

        if (Closure is null)
        {
            Closure = new Closure(
                _closeFrame?.CloseCode, _closeFrame?.CloseReason ?? "", _closeFrame is not null, _wire.End ?? "the end of the TCP stream");
            _transcript.Note(Label, $"ended by {Closure.End}");
        }

        return null;
    }

    // A whole text message is rewritten as the target needs it; fragments, bytes and malformed frames are sent unchanged.
    private Frame Spelt(Frame frame)
    {
        if (frame is not { Opcode: Opcode.Text, Final: true, ClaimedLength: null }
            || _target.Accommodations.LeaveRequests
            || !Utf8.IsValid(frame.Payload.Span))
        {
            return frame;
        }

        var text = Encoding.UTF8.GetString(frame.Payload.Span);
        var spelt = Spelling.Of(text, _target, ClientId);
        return spelt == text ? frame : frame with { Payload = Encoding.UTF8.GetBytes(spelt) };
    }

    // Scenarios do not know of the first message, so they do not see the answer to it.
    private bool IsAnswerToFirst(Frame frame)
    {
        if (!_answerToFirst || frame is not { Opcode: Opcode.Text, Final: true })
        {
            return false;
        }

        var message = new ServerMessage(0, Encoding.UTF8.GetString(frame.Payload.Span), isText: true, _target);
        var isAnswer = message is { IsInfo: false, IsEvent: false };
        _answerToFirst = !isAnswer;
        return isAnswer;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await Bounds.Within(_target.Timeouts.Wait, _transcript.Time, limit => _wire.WriteAsync(bytes, limit), _cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation(
                $"The server reads what {Name} sends", "room to write", $"none within {_target.Timeouts.Wait.TotalSeconds} s");
        }
        catch (Exception e) when (Interference.Of(e) is { } own)
        {
            throw _transcript.Traffic?.Noted(own) ?? own;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            throw new Violation(
                $"The server reads what {Name} sends",
                "an open connection",
                Closure?.ToString() ?? $"a connection closed under the write: {e.GetBaseException().Message}");
        }
    }

    private async Task TrySendAsync(Frame frame)
    {
        try
        {
            await SendAsync(frame);
        }
        catch (Violation)
        {
            // The server is gone or does not read; what it sent before still counts.
        }
    }

    /// <param name="limit">Null for the target's usual wait.</param>
    /// <param name="late">Makes the violation for a timeout, given the limit in words.</param>
    private async Task<T> WithinAsync<T>(TimeSpan? limit, Func<CancellationToken, Task<T>> wait, Func<string, Violation> late)
    {
        var bound = limit ?? _target.Timeouts.Wait;
        try
        {
            return await Bounds.Within(bound, _transcript.Time, wait, _cancellation);
        }
        catch (TimeoutException)
        {
            throw late($"{bound.TotalSeconds} s");
        }
    }

    private static ReadOnlySpan<byte> Shown(Frame frame) =>
        frame.Opcode == Opcode.Close ? Encoding.UTF8.GetBytes(frame.ToString()) : frame.Payload.Span;

    private static string KindOf(Frame frame)
    {
        var name = Enum.IsDefined(frame.Opcode) ? frame.Opcode.ToString().ToLowerInvariant() : $"opcode {(int)frame.Opcode}";
        return frame.Final ? name : $"{name}+";
    }
}
