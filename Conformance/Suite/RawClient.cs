using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance;

/// <summary>How to reach the server, where it differs from the usual.</summary>
public sealed record ConnectOptions
{
    /// <summary>Another server than the one under test, such as one that the scenario started itself.</summary>
    public Target? Target { get; init; }

    /// <summary>SO_RCVBUF in bytes; a few thousand make a client that does not read felt soon.</summary>
    public int? ReceiveBuffer { get; init; }

    /// <summary>Handshake headers, added to or (same name) replacing the usual ones; a null value leaves the header out.</summary>
    public IReadOnlyDictionary<string, string?> Headers { get; init; } = new Dictionary<string, string?>();

    /// <summary>False leaves a bare TCP connection, for a scenario that shakes hands itself.</summary>
    public bool Handshake { get; init; } = true;

    public bool AnswersPings { get; init; } = true;

    /// <summary>
    /// Ends its own direction of TCP as soon as it has answered the server's Close. Who has claimed more payload than it sends has to: its
    /// Close cannot be told from the payload, and the server would wait for the end of the frame for as long as it waits for anything.
    /// </summary>
    public bool HalfClosesAfterClose { get; init; }
}

/// <summary>How a connection ended: with a close frame (code and reason) or without, and what TCP said.</summary>
public sealed record Closure(int? Code, string Reason, bool CloseFrame, string End)
{
    /// <summary>A close frame came before the end.</summary>
    public bool Clean => CloseFrame;

    public override string ToString() => CloseFrame ? $"a close frame {Code?.ToString() ?? "without code"} '{Reason}'" : End;
}

/// <summary>
/// The rude client: RFC 6455 in its own hands, so that anything can be sent wrongly and everything is seen. It reads only when asked.
/// </summary>
public sealed class RawClient : IAsyncDisposable
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Wire _wire;
    private readonly Target _target;
    private readonly Transcript _transcript;
    private readonly ConnectOptions _options;
    private readonly CancellationToken _cancellation;
    private int _messages;
    private bool _closeSent;
    private Frame? _closeFrame;

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

    /// <summary>How the connection ended, once reading has come to its end.</summary>
    public Closure? Closure { get; private set; }

    internal static async Task<RawClient> OpenAsync(
        string name, Target target, Transcript transcript, ConnectOptions options, CancellationToken cancellation)
    {
        var where = $"{target.WebSocket.Host}:{target.WebSocket.Port}";
        try
        {
            var wire = await Bounds.Within(
                target.Timeouts.Connect, transcript.Time, limit => Wire.OpenAsync(target.WebSocket, target.Tls, options.ReceiveBuffer, transcript.Traffic, limit), cancellation);
            transcript.Note(name, $"connected to {where}");
            return new RawClient(name, wire, target, transcript, options, cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation(
                "The server accepts connections", "a TCP connection", $"none to {where} within {target.Timeouts.Connect.TotalSeconds} s");
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new Violation("The server accepts connections", "a TCP connection", $"none to {where}: {e.GetBaseException().Message}");
        }
    }

    /// <summary>What <c>Sec-WebSocket-Accept</c> has to be for this <c>Sec-WebSocket-Key</c>.</summary>
    public static string AcceptFor(string key)
    {
        // RFC 6455 section 4.2.2 prescribes SHA-1 here; nothing rests on its strength.
#pragma warning disable CA5350
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    /// <summary>Asks for the upgrade, with the usual headers unless told otherwise, and returns the answer whatever it is.</summary>
    public Task<HttpAnswer> HandshakeAsync(IReadOnlyDictionary<string, string?>? headers = null, string? path = null, string method = "GET")
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
        var request = Encoding.UTF8.GetBytes($"{method} {Http.WithQuery(path ?? _target.WebSocket.AbsolutePath, _target.Query)} HTTP/1.1\r\n{head}\r\n");
        return HandshakeBytesAsync(request, isHead: method == "HEAD");
    }

    /// <summary>Sends these bytes as the handshake and reads the HTTP response to them.</summary>
    public async Task<HttpAnswer> HandshakeBytesAsync(ReadOnlyMemory<byte> request, bool isHead = false)
    {
        const string Expectation = "The server answers the WebSocket handshake";
        _transcript.Sent(Name, "handshake", request.Span);
        await WriteAsync(request);
        try
        {
            var answer = await Bounds.Within(
                _target.Timeouts.Connect, _transcript.Time, limit => Http.ReadAnswerAsync(_wire, isHead, limit), _cancellation);
            if (answer is null)
            {
                throw new Violation(Expectation, "an HTTP response", _wire.End ?? "something that is not HTTP");
            }

            _transcript.Received(Name, "handshake", answer.Whole());
            return answer;
        }
        catch (TimeoutException)
        {
            throw new Violation(Expectation, "an HTTP response", $"none within {_target.Timeouts.Connect.TotalSeconds} s");
        }
    }

    public Task SendAsync(Request request) => SendAsync(Frame.Text(request.To(_target)));

    public Task SendTextAsync(string text) => SendAsync(Frame.Text(text));

    public async Task SendAsync(params IEnumerable<Frame> frames)
    {
        foreach (var frame in frames)
        {
            _transcript.Sent(Name, KindOf(frame), frame.Opcode == Opcode.Close ? Encoding.UTF8.GetBytes(frame.ToString()) : frame.Payload.Span);
            _closeSent |= frame.Opcode == Opcode.Close;
            await WriteAsync(frame.Encode());
        }
    }

    /// <summary>All these frames in one write.</summary>
    public Task SendTogetherAsync(IReadOnlyCollection<Frame> frames)
    {
        _transcript.Note(Name, $"the following {frames.Count} frames in one write");
        foreach (var frame in frames)
        {
            _transcript.Sent(Name, KindOf(frame), frame.Payload.Span);
            _closeSent |= frame.Opcode == Opcode.Close;
        }

        return WriteAsync(frames.SelectMany(frame => frame.Encode()).ToArray());
    }

    /// <summary>Bytes as they are, in one write.</summary>
    public Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        _transcript.Sent(Name, "bytes", Encoding.ASCII.GetBytes(Convert.ToHexString(bytes.Span[..Math.Min(bytes.Length, Transcript.DataCap / 2)])));
        return WriteAsync(bytes);
    }

    /// <summary>The same bytes in several writes, cut after every <paramref name="size"/> bytes and flushed each time.</summary>
    public async Task SendInPiecesAsync(ReadOnlyMemory<byte> bytes, int size)
    {
        _transcript.Note(Name, $"the following {bytes.Length} bytes in pieces of {size}");
        for (var at = 0; at < bytes.Length; at += size)
        {
            await SendBytesAsync(bytes.Slice(at, Math.Min(size, bytes.Length - at)));
        }
    }

    /// <summary>The next frame of any kind, none answered and none skipped; null when the connection ended.</summary>
    public async Task<Frame?> ReadFrameAsync(TimeSpan? within = null)
    {
        var limit = within ?? _target.Timeouts.Wait;
        try
        {
            return await Bounds.Within<Frame?>(limit, _transcript.Time, ReadFrameAsync, _cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation($"{Name} receives a frame", "a frame or the end of the connection", $"neither within {limit.TotalSeconds} s");
        }
    }

    /// <summary>
    /// The next whole message that fits (any, without a predicate); others are passed over. Pings and a close are answered on the way.
    /// </summary>
    public async Task<ServerMessage> ReadMessageAsync(
        Func<ServerMessage, bool>? which = null, string awaited = "a message", TimeSpan? within = null)
    {
        var limit = within ?? _target.Timeouts.Wait;
        var instead = new Newest();
        try
        {
            return await Bounds.Within(limit, _transcript.Time, async token =>
            {
                while (await ReceiveAsync(token) is { } message)
                {
                    if (which?.Invoke(message) != false)
                    {
                        return message;
                    }

                    instead.Add(message);
                }

                throw new Violation($"{Name} receives {awaited}", awaited, $"{Closure}{Instead(instead)}");
            }, _cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation($"{Name} receives {awaited}", awaited, $"nothing of the kind within {limit.TotalSeconds} s{Instead(instead)}");
        }
    }

    /// <summary>Reads, and passes over whatever comes, until the server ends the connection.</summary>
    public async Task<Closure> ClosedAsync(TimeSpan? within = null)
    {
        var limit = within ?? _target.Timeouts.Wait;
        try
        {
            await Bounds.Within(limit, _transcript.Time, async token =>
            {
                while (await ReceiveAsync(token) is not null)
                {
                    // What still comes before the end is in the transcript.
                }
            }, _cancellation);
            return Closure!;
        }
        catch (TimeoutException)
        {
            throw new Violation($"The server closes {Name}", "the end of the connection", $"{StillOpen} after {limit.TotalSeconds} s");
        }
    }

    /// <summary>Reads, whatever it is, until the server ends the connection; for one that was never upgraded.</summary>
    public async Task<byte[]> ReadToEndAsync(TimeSpan? within = null)
    {
        var limit = within ?? _target.Timeouts.Wait;
        try
        {
            var bytes = await Bounds.Within(limit, _transcript.Time, token => _wire.ReadAsync(long.MaxValue, token), _cancellation);
            _transcript.Received(Name, "bytes", bytes);
            _transcript.Note(Name, $"ended by {_wire.End}");
            return bytes;
        }
        catch (TimeoutException)
        {
            throw new Violation($"The server closes {Name}", "the end of the connection", $"an open connection after {limit.TotalSeconds} s");
        }
    }

    /// <summary>Ends our direction only; the server can still be read.</summary>
    public void HalfClose()
    {
        _transcript.Note(Name, "half closed by the client");
        _wire.HalfClose();
    }

    /// <summary>Vanishes with a TCP reset.</summary>
    public void Abort()
    {
        _transcript.Note(Name, "reset by the client");
        _wire.Abort();
    }

    /// <summary>Hangs up without a word.</summary>
    public ValueTask DisposeAsync() => _wire.DisposeAsync();

    internal string StillOpen => _closeFrame is { } close ? $"a close frame {close.CloseCode}, but an open TCP connection" : "an open connection";

    internal static string Instead(IReadOnlyList<ServerMessage> messages) => Instead(messages.Count, messages.TakeLast(Newest.Kept));

    private static string Instead(Newest others) => Instead(others.Count, others.Messages);

    private static string Instead(int count, IEnumerable<ServerMessage> newest) => count == 0
        ? "; nothing else arrived"
        : $"; {count} other message(s) arrived, the last: {string.Join(" | ", newest)}";

    /// <summary>The next whole message, or null once the connection has ended and <see cref="Closure"/> says how.</summary>
    internal async Task<ServerMessage?> ReceiveAsync(CancellationToken cancellation)
    {
        List<byte>? parts = null;
        var opcode = Opcode.Text;
        while (await ReadFrameAsync(cancellation) is { } frame)
        {
            Require(frame is { Masked: false, Reserved: 0 }, "unmasked, with no reserved bits set", frame);
            switch (frame.Opcode)
            {
                case Opcode.Ping:
                    if (_options.AnswersPings)
                    {
                        await TrySendAsync(Frame.Pong(frame.Payload));
                    }

                    break;

                case Opcode.Pong:
                    break;

                case Opcode.Close:
                    _closeFrame = frame;
                    if (!_closeSent)
                    {
                        await TrySendAsync(Frame.Close(frame.CloseCode));
                    }

                    if (_options.HalfClosesAfterClose)
                    {
                        HalfClose();
                    }

                    break;

                case Opcode.Text or Opcode.Binary:
                    Require(parts is null, "a continuation of the unfinished message", frame);
                    opcode = frame.Opcode;
                    if (frame.Final)
                    {
                        return Whole(opcode, frame.Payload.Span);
                    }

                    parts = [.. frame.Payload.Span];
                    break;

                case Opcode.Continuation:
                    Require(parts is not null, "the start of a message before its continuation", frame);
                    parts ??= [];
                    Require(parts.Count + frame.Payload.Length <= Frame.LargestPayload, $"the end of a message after at most {Frame.LargestPayload} bytes", frame);
                    parts.AddRange(frame.Payload.Span);
                    if (frame.Final)
                    {
                        return Whole(opcode, [.. parts]);
                    }

                    break;

                default:
                    Require(false, "a defined opcode", frame);
                    break;
            }
        }

        return null;
    }

    private async Task<Frame?> ReadFrameAsync(CancellationToken cancellation)
    {
        if (await _wire.ReadFrameAsync(cancellation) is { } frame)
        {
            _transcript.Received(Name, KindOf(frame), frame.Opcode == Opcode.Close ? Encoding.UTF8.GetBytes(frame.ToString()) : frame.Payload.Span);
            return frame;
        }

        if (Closure is null)
        {
            Closure = new Closure(
                _closeFrame?.CloseCode, _closeFrame?.CloseReason ?? "", _closeFrame is not null, _wire.End ?? "the end of the TCP stream");
            _transcript.Note(Name, $"ended by {Closure.End}");
        }

        return null;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await Bounds.Within(_target.Timeouts.Wait, _transcript.Time, limit => _wire.WriteAsync(bytes, limit), _cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation($"The server reads what {Name} sends", "room to write", $"none within {_target.Timeouts.Wait.TotalSeconds} s");
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
            // The peer is gone or deaf; what it sent before that still counts.
        }
    }

    private ServerMessage Whole(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (opcode == Opcode.Binary)
        {
            return new ServerMessage(_messages++, Convert.ToHexString(payload), isText: false, _target);
        }

        try
        {
            return new ServerMessage(_messages++, StrictUtf8.GetString(payload), isText: true, _target);
        }
        catch (DecoderFallbackException)
        {
            var shown = Convert.ToHexString(payload[..Math.Min(payload.Length, 200)]);
            throw new Violation("A text message of the server is UTF-8", "valid UTF-8", shown);
        }
    }

    private static void Require(bool legal, string expected, Frame frame)
    {
        if (!legal)
        {
            throw new Violation("Frames of the server obey RFC 6455", expected, frame.ToString());
        }
    }

    private static string KindOf(Frame frame)
    {
        var name = Enum.IsDefined(frame.Opcode) ? frame.Opcode.ToString().ToLowerInvariant() : $"opcode {(int)frame.Opcode}";
        return frame.Final ? name : $"{name}+";
    }

    /// <summary>How many there were, and the newest of them: a server that never stops talking must not fill the memory.</summary>
    private sealed class Newest
    {
        public const int Kept = 3;

        public int Count { get; private set; }
        public Queue<ServerMessage> Messages { get; } = [];

        public void Add(ServerMessage message)
        {
            Count++;
            Messages.Enqueue(message);
            if (Messages.Count > Kept)
            {
                Messages.Dequeue();
            }
        }
    }
}
