using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers at the end of an odd line: TCP (RFC 9293) is a stream of bytes, and promises neither when they come nor in what pieces.</summary>
internal static class Lines
{
    private const string Prefix = "/some/prefix";

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Over("benign-jitter", "Every byte is under way for 20 to 60 ms in either direction; no requirement says how fast a network is.", socket => new Jittery(socket)) with
        {
            Parallel = RunOptions.MostParallel,
        },
        Over("benign-single-bytes", "Everything goes out in TCP segments of one byte; RFC 9293 knows a stream, and no segments.", socket => new SingleBytes(socket)),
        Over(
            "benign-batches",
            "What is said within 5 ms goes out in one TCP segment, as with Nagle's algorithm; RFC 9293 knows a stream, and no segments.",
            socket => new Batches(socket)) with
        {
        },
        new("benign-slow-start", "Nothing is answered in the 1.5 s after the first request; no requirement says that a server is warm.")
        {
            Open = () =>
            {
                var warm = new Lazy<Task>(() => Task.Delay(1500));
                return new SmallServer(new Parts { Connection = socket => new Cold(socket, warm) });
            },
        },
        new(
            "benign-ipv6",
            "It listens at ::1 and nowhere else; the protocol is about HTTP and WebSocket, whose URLs have addresses of either kind (RFC 3986, section 3.2.2).")
        {
            Open = () => new SmallServer(),
            Front = inner => new Sixth(inner),
        },
        new("benign-tls", "It speaks TLS only, with a certificate of its owner's; wss is a WebSocket as ws is (RFC 6455, section 3).")
        {
            Open = () => new SmallServer(),
            Front = inner => new TlsServer(inner),
            Probing = door => new ProbeOptions
            {
                Url = door.Origin,
                Tls = new Tls { Authorities = [X509Certificate2.CreateFromPem(((TlsServer)door).CertificatePem)] },
            },
        },
        new("benign-prefix", "It stands behind a proxy and below another path; the paths of SPEC.md are those behind whatever the URL begins with.")
        {
            Open = () => new SmallServer(),
            Front = inner => new PrefixProxy(inner, Prefix),
            Probing = door => new ProbeOptions { Url = new Uri(door.Origin, Prefix) },
        },
    ];

    private static BenignServer Over(string id, string oddity, Func<Socket, Connection> line) =>
        BenignServer.Of(id, oddity, parts => parts with { Connection = line });

    private sealed class Jittery(Socket socket) : LongLine(socket, Some)
    {
        private const int Underway = 64;

        private readonly Channel<(long Sent, TimeSpan Delay, byte[] Bytes)> _due = Channel.CreateBounded<(long, TimeSpan, byte[])>(Underway);
        private Task? _carrying;
        private ReadOnlyMemory<byte> _here;

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            _carrying ??= CarryAsync();
            if (_here.IsEmpty && await _due.Reader.WaitToReadAsync(cancellation) && _due.Reader.TryRead(out var next))
            {
                var early = next.Delay - TimeProvider.System.GetElapsedTime(next.Sent);
                _here = next.Bytes;
                await Task.Delay(early > TimeSpan.Zero ? early : TimeSpan.Zero, cancellation);
            }

            var count = Math.Min(buffer.Length, _here.Length);
            _here[..count].CopyTo(buffer);
            _here = _here[count..];
            return count;
        }

        private static TimeSpan Some() => TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(20, 60));

        private async Task CarryAsync()
        {
            var buffer = new byte[16 * 1024];
            try
            {
                while (await base.ReceiveAsync(buffer, CancellationToken.None) is var count and > 0)
                {
                    await _due.Writer.WriteAsync((TimeProvider.System.GetTimestamp(), Some(), buffer[..count]));
                }

                _due.Writer.Complete();
            }
            catch (Exception e) when (IsEnd(e))
            {
                _due.Writer.Complete(e);
            }
        }
    }

    /// <summary>Of what is long, the middle goes out in larger pieces: it is the ends that readers get wrong.</summary>
    private sealed class SingleBytes(Socket socket) : Connection(socket)
    {
        private const int Ends = 64;

        protected override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            var at = 0;
            while (at < bytes.Length)
            {
                var size = at < Ends || at >= bytes.Length - Ends ? 1 : bytes.Length - Ends - at;
                await base.SendAsync(bytes.Slice(at, size), cancellation);
                at += size;
            }
        }
    }

    private sealed class Batches(Socket socket) : Connection(socket)
    {
        private const int Most = 64 * 1024;
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

        private readonly Lock _gate = new();
        private readonly List<byte> _waiting = []; // guarded by _gate
        private Task _flushing = Task.CompletedTask; // guarded by _gate

        public override async Task EndOutputAsync()
        {
            await Flushing().WaitAsync(Patience);
            await base.EndOutputAsync();
        }

        protected override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            if (Flushing() is { IsFaulted: true } broken)
            {
                await broken;
            }

            Task? full;
            lock (_gate)
            {
                _waiting.AddRange(bytes.Span);
                _flushing = _flushing.IsCompleted ? SendLaterAsync() : _flushing;
                full = _waiting.Count > Most ? _flushing : null;
            }

            await (full ?? Task.CompletedTask).WaitAsync(cancellation);
        }

        private Task Flushing()
        {
            lock (_gate)
            {
                return _flushing;
            }
        }

        private async Task SendLaterAsync()
        {
            while (true)
            {
                await Task.Delay(Pause);
                byte[] batch;
                lock (_gate)
                {
                    batch = [.. _waiting];
                    _waiting.Clear();
                }

                await base.SendAsync(batch, CancellationToken.None);
                lock (_gate)
                {
                    if (_waiting.Count == 0)
                    {
                        // Whoever has more to say begins anew.
                        _flushing = Task.CompletedTask;
                        return;
                    }
                }
            }
        }
    }

    private sealed class Sixth : TcpServer
    {
        private readonly Uri _inner;

        public Sixth(Uri inner)
            : base(address: IPAddress.IPv6Loopback)
        {
            _inner = inner;
            Start();
        }

        protected override async Task ServeAsync(Connection connection, CancellationToken stopping) =>
            await Relay.CarryAsync(connection, connection.EndOutput.Call, await Connection.OpenAsync(_inner, stopping), stopping);
    }

    private sealed class Cold(Socket socket, Lazy<Task> warm) : Connection(socket)
    {
        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var count = await base.ReceiveAsync(buffer, cancellation);
            await warm.Value.WaitAsync(cancellation);
            return count;
        }
    }
}
