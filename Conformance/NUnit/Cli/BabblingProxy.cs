using System.Buffers.Binary;
using System.Threading.Channels;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>
/// A correct server that talks without end: on every WebSocket, between the messages of the server behind it, some thousand info
/// messages a second, of which the first comes first.
/// </summary>
internal sealed class BabblingProxy : TcpServer
{
    private static readonly byte[] Babble =
        [.. Enumerable.Repeat(Frame("""{"type":"info","msg":"babble","timestamp":"2025-08-28T10:00:00Z"}"""u8), 5).SelectMany(frame => frame)];

    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(2);

    private readonly Uri _inner;

    public BabblingProxy(Uri inner)
    {
        _inner = inner;
        Start();
    }

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
        {
            return;
        }

        var server = await Connection.OpenAsync(_inner, stopping);
        var upgrades = Handshake.IsValid(request);
        var headers = request.Headers.Where(header => upgrades || !header.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            .Select(header => $"{header.Key}: {header.Value}\r\n");
        var head = $"{request.Method} {request.Target} {request.Version}\r\n{string.Concat(headers)}{(upgrades ? "" : "Connection: close\r\n")}\r\n";
        await server.WriteAsync(System.Text.Encoding.Latin1.GetBytes(head), stopping);
        if (!upgrades)
        {
            await Relay.CarryAsync(connection, connection.EndOutputAsync, server, stopping);
            return;
        }

        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var frames = Channel.CreateUnbounded<byte[]>();
        try
        {
            await HandshakeAsync(server, connection, over.Token);
            var up = connection.CopyToAsync(server, over.Token);
            var down = FramesAsync(server, frames.Writer, over.Token);
            var babbling = BabbleAsync(connection, frames.Reader, over.Token);
            await Task.WhenAny(babbling, up).Unwrap();
            await over.CancelAsync();
            await Task.WhenAll(babbling, up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            server.Reset();
        }
    }

    private static byte[] Frame(ReadOnlySpan<byte> text) => [0x81, (byte)text.Length, .. text];

    private static async Task HandshakeAsync(Connection server, Connection client, CancellationToken stopping)
    {
        while (await server.ReadLineAsync(4096, stopping) is { } line)
        {
            await client.WriteAsync(System.Text.Encoding.Latin1.GetBytes($"{line}\r\n"), stopping);
            if (line.Length == 0)
            {
                return;
            }
        }
    }

    /// <summary>Until the server has no more to say, which is said first of all.</summary>
    private static async Task BabbleAsync(Connection client, ChannelReader<byte[]> frames, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Breath);
        while (!frames.Completion.IsCompleted)
        {
            await client.WriteAsync(Babble, stopping);
            while (frames.TryRead(out var frame))
            {
                await client.WriteAsync(frame, stopping);
            }

            await timer.WaitForNextTickAsync(stopping);
        }
    }

    /// <summary>Whole frames, so that nothing gets between the parts of one.</summary>
    private static async Task FramesAsync(Connection server, ChannelWriter<byte[]> frames, CancellationToken stopping)
    {
        var opcode = Opcode.Text;
        while (opcode != Opcode.Close)
        {
            var head = new byte[2];
            await server.ReadExactlyAsync(head, stopping);
            var more = new byte[(head[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 }];
            await server.ReadExactlyAsync(more, stopping);
            var body = new byte[more.Length switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(more),
                8 => (int)BinaryPrimitives.ReadInt64BigEndian(more),
                _ => head[1],
            }];
            await server.ReadExactlyAsync(body, stopping);
            await frames.WriteAsync([.. head, .. more, .. body], stopping);
            opcode = (Opcode)(head[0] & 0x0f);
        }

        frames.Complete();
    }
}
