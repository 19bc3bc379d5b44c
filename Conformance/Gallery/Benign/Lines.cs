using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers behind an odd network path: TCP (RFC 9293) is a stream of bytes, and promises neither times nor segments.</summary>
internal static class Lines
{
    private const string Prefix = "/some/prefix";

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        new BenignServer(
            "benign-jitter",
            "Every byte is under way for 20 to 60 ms in either direction; no requirement says how fast a network is.")
        {
            Parallel = RunOptions.MostParallel,
        }
            .Does(server => server.EachConnection(Jitter)),
        new BenignServer(
            "benign-single-bytes",
            "Everything goes out in TCP segments of one byte; RFC 9293 knows a stream, and no segments.")
            .Does(server => server.EachConnection(connection => connection.Send.Wrap(next => async (bytes, cancellation) =>
            {
                // The middle of a long text is sent in one piece: clients make mistakes at its beginning and end.
                const int ends = 64;
                var at = 0;
                while (at < bytes.Length)
                {
                    var size = at < ends || at >= bytes.Length - ends ? 1 : bytes.Length - ends - at;
                    await next(bytes.Slice(at, size), cancellation);
                    at += size;
                }
            }))),
        new BenignServer(
            "benign-batches",
            "What is said within 5 ms goes out in one TCP segment, as with Nagle's algorithm; RFC 9293 knows a stream, and no segments.")
            .Does(server => server.EachConnection(Batches.Collect)),
        new BenignServer(
            "benign-slow-start",
            "Nothing is answered in the 1.5 s after the first request; no requirement says that a server is warm.")
            .Does(server =>
            {
                var warm = new Lazy<Task>(() => Task.Delay(1500));
                server.EachConnection(connection => connection.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    var count = await next(buffer, cancellation);
                    await warm.Value.WaitAsync(cancellation);
                    return count;
                }));
            }),
        new BenignServer(
            "benign-ipv6",
            "It listens at ::1 and nowhere else; the protocol is about HTTP and WebSocket, whose URLs have addresses of either kind "
                + "(RFC 3986, section 3.2.2).")
            .Does(server => server.Settings = server.Settings with { Address = IPAddress.IPv6Loopback }),
        new("benign-tls", "It speaks TLS only, with a certificate of its owner's; wss is a WebSocket as ws is (RFC 6455, section 3).")
        {
            Front = inner => new TlsServer(inner),
            Probing = door => new ProbeOptions
            {
                Url = door.Origin,
                Tls = new Tls { Authorities = [X509Certificate2.CreateFromPem(((TlsServer)door).CertificatePem)] },
            },
        },
        new(
            "benign-prefix",
            "It stands behind a proxy and below another path; the paths of SPEC.md are those behind whatever the URL begins with.")
        {
            Front = inner => new PrefixProxy(inner, Prefix),
            Probing = door => new ProbeOptions { Url = new Uri(door.Origin, Prefix) },
        },
    ];

    private static TimeSpan Some() => TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(20, 60));

    private static void Jitter(Connection connection)
    {
        const int underway = 64;
        var due = Channel.CreateBounded<(long Sent, TimeSpan Delay, byte[] Bytes)>(underway);
        Task? carrying = null;
        ReadOnlyMemory<byte> here = default;
        LongLine.Delay(connection, Some);
        connection.Receive.Wrap(receive => async (buffer, cancellation) =>
        {
            carrying ??= CarryAsync(receive);
            if (here.IsEmpty && await due.Reader.WaitToReadAsync(cancellation) && due.Reader.TryRead(out var next))
            {
                var early = next.Delay - TimeProvider.System.GetElapsedTime(next.Sent);
                here = next.Bytes;
                await Task.Delay(early > TimeSpan.Zero ? early : TimeSpan.Zero, cancellation);
            }

            var count = Math.Min(buffer.Length, here.Length);
            here[..count].CopyTo(buffer);
            here = here[count..];
            return count;
        });

        async Task CarryAsync(Func<Memory<byte>, CancellationToken, ValueTask<int>> receive)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                while (await receive(buffer, CancellationToken.None) is var count and > 0)
                {
                    await due.Writer.WriteAsync((TimeProvider.System.GetTimestamp(), Some(), buffer[..count]));
                }

                due.Writer.Complete();
            }
            catch (Exception e) when (Connection.IsEnd(e))
            {
                due.Writer.Complete(e);
            }
        }
    }

    /// <summary>Collects the writes of one connection for 5 ms.</summary>
    private sealed class Batches(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send)
    {
        private const int Most = 64 * 1024;
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

        private readonly Lock _gate = new();
        private readonly List<byte> _waiting = []; // guarded by _gate
        private Task _flushing = Task.CompletedTask; // guarded by _gate

        public static void Collect(Connection connection)
        {
            var batches = new Batches(connection.Send.Call);
            connection.Send.Wrap(_ => batches.SendAsync);
            connection.EndOutput.Wrap(end => async () =>
            {
                await batches.Flushing().WaitAsync(connection.Patience);
                await end();
            });
        }

        private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
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

                await send(batch, CancellationToken.None);
                lock (_gate)
                {
                    if (_waiting.Count == 0)
                    {
                        // The next send starts a new batch.
                        _flushing = Task.CompletedTask;
                        return;
                    }
                }
            }
        }
    }
}
