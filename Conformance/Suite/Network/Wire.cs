using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Network;

/// <summary>
/// One TCP connection, with TLS if the address asks for it. Reading happens only on demand, so an unread peer runs into backpressure.
/// A cancelled read loses nothing.
/// </summary>
internal sealed class Wire : IAsyncDisposable
{
    private const int LongestLine = 64 * 1024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly PipeReader _input;
    private readonly Uri _uri;
    private readonly Traffic? _traffic;
    private int _disposed;

    private Wire(Socket socket, Stream stream, Uri uri, Traffic? traffic)
    {
        _uri = uri;
        _socket = socket;
        _stream = stream;
        _traffic = traffic;
        _traffic?.Opened();
        _input = PipeReader.Create(new Heard(this), new StreamPipeReaderOptions(bufferSize: 4096, minimumReadSize: 1));
    }

    /// <summary>How the peer ended the stream, once it has.</summary>
    public string? End { get; private set; }

    /// <summary>The certificate of the peer; null without TLS.</summary>
    public X509Certificate2? Certificate => _stream is SslStream { RemoteCertificate: X509Certificate2 certificate } ? certificate : null;

    /// <summary>The resolved address of the peer.</summary>
    public EndPoint? Peer => _socket.RemoteEndPoint;

    /// <summary>
    /// Throws <see cref="SocketException"/> when the connection fails, <see cref="AuthenticationException"/> when TLS fails,
    /// <see cref="Untrusted"/> when the certificate is not trusted, <see cref="Interference"/> when this machine is out of resources.
    /// </summary>
    public static async Task<Wire> OpenAsync(Uri uri, Tls tls, int? receiveBuffer, Traffic? traffic, CancellationToken cancellation)
    {
        Socket? socket = null;
        if (!Descriptors.TryTake())
        {
            var none = Interference.NoDescriptor();
            throw traffic?.Noted(none) ?? none;
        }

        try
        {
            socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (receiveBuffer is { } size)
            {
                // The window is negotiated while connecting, so this cannot be set later.
                socket.ReceiveBufferSize = size;
            }

            await socket.ConnectAsync(uri.DnsSafeHost, uri.Port, cancellation);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeWss)
            {
                var secure = new SslStream(stream);
                stream = secure;
                await AuthenticateAsync(secure, tls, uri.DnsSafeHost, cancellation);
            }

            return new Wire(socket, stream, uri, traffic?.Covers(uri) == true ? traffic : null);
        }
        catch (Exception e)
        {
            socket?.Dispose();
            Descriptors.GiveBack();
            if (e is SocketException { SocketErrorCode: SocketError.ConnectionRefused } && traffic?.Covers(uri) == true)
            {
                traffic.Refused();
            }

            if (Interference.Of(e) is { Kind: InterferenceKind.Machine } own)
            {
                throw traffic?.Noted(own) ?? own;
            }

            throw;
        }
    }

    private static async Task AuthenticateAsync(SslStream stream, Tls tls, string host, CancellationToken cancellation)
    {
        SslPolicyErrors? distrust = null;
        try
        {
            await stream.AuthenticateAsClientAsync(tls.For(host, errors => distrust = errors), cancellation);
        }
        catch (AuthenticationException e) when (distrust is { } why)
        {
            throw new Untrusted($"{why}", e);
        }
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            await _stream.WriteAsync(bytes, cancellation);
            await _stream.FlushAsync(cancellation);
            _traffic?.Sent(bytes.Length);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The next frame, or null when the stream ended before one was whole.</summary>
    public async Task<Frame?> ReadFrameAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (await FillAsync(cancellation) is not { } read)
            {
                return null;
            }

            var buffer = read.Buffer;
            if (Frame.TryRead(ref buffer, out var frame))
            {
                _input.AdvanceTo(buffer.Start);
                Lived();
                return frame;
            }

            _input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                End ??= "the end of the TCP stream";
                return null;
            }
        }
    }

    /// <summary>The next line without its end, or null when the stream ended before one was whole.</summary>
    public async Task<string?> ReadLineAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (await FillAsync(cancellation) is not { } read)
            {
                return null;
            }

            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Encoding.Latin1.GetString(read.Buffer.Slice(0, end)).TrimEnd('\r');
                _input.AdvanceTo(read.Buffer.GetPosition(1, end));
                return line;
            }

            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted || read.Buffer.Length > LongestLine)
            {
                End ??= "the end of the TCP stream";
                return null;
            }
        }
    }

    /// <summary>Up to this many bytes; fewer if the stream ends first.</summary>
    public async Task<byte[]> ReadAsync(long wanted, CancellationToken cancellation)
    {
        var bytes = new ArrayBufferWriter<byte>();
        while (bytes.WrittenCount < wanted
            && await ReadSomeAsync(wanted - bytes.WrittenCount, cancellation) is { Length: > 0 } some)
        {
            bytes.Write(some);
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>What has arrived, at least one byte and at most this many; none once the stream has ended.</summary>
    public async Task<byte[]> ReadSomeAsync(long most, CancellationToken cancellation)
    {
        if (await FillAsync(cancellation) is not { } read)
        {
            return [];
        }

        var taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, most));
        var bytes = taken.ToArray();
        _input.AdvanceTo(taken.End);
        if (read.IsCompleted && bytes.Length == 0)
        {
            End ??= "the end of the TCP stream";
        }

        return bytes;
    }

    /// <inheritdoc cref="Traffic.Lived"/>
    public void Lived() => _traffic?.Lived(_uri);

    /// <summary>Ends the sending direction; reading goes on.</summary>
    public void HalfClose()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is already reset or closed.
        }
    }

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Abort()
    {
        // Closing with a linger time of zero makes the kernel send RST.
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
        Ended();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
        Ended();
    }

    private void Ended()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Descriptors.GiveBack();
            _traffic?.Closed();
        }
    }

    private async Task<ReadResult?> FillAsync(CancellationToken cancellation)
    {
        try
        {
            return await _input.ReadAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            if (Interference.Of(e) is { } own)
            {
                throw _traffic?.Noted(own) ?? own;
            }

            // A reset counts as an end too, under another name.
            End ??= e.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionReset }
                ? "a TCP reset"
                : "a broken TCP stream";
            return null;
        }
    }

    /// <summary>
    /// Counts every received byte in the traffic. Ends the sending direction as soon as the peer has ended its own, as usual clients do,
    /// because some servers notice only then that the connection is closed. It is never written to.
    /// </summary>
    private sealed class Heard(Wire wire) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await wire._stream.ReadAsync(buffer, cancellationToken);
            if (count > 0)
            {
                wire._traffic?.Heard(count);
            }
            else if (buffer.Length > 0)
            {
                wire.HalfClose();
            }

            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() => throw new NotSupportedException();
    }
}

/// <summary>The peer speaks TLS, with a certificate that is not trusted.</summary>
internal sealed class Untrusted(string why, Exception inner) : AuthenticationException(why, inner);
