using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Wire;

/// <summary>A WebSocket client, frame by frame. It reads only when a test asks it to, and answers nothing by itself.</summary>
internal sealed partial class Peer : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private Peer()
    {
    }

    /// <summary>Connects and completes the handshake.</summary>
    /// <param name="host">The server.</param>
    /// <param name="window">The size of the receive buffer in bytes; by default, the operating system chooses.</param>
    public static async Task<Peer> OfAsync(RunningHost host, int? window = null)
    {
        var peer = new Peer();
        var answer = await peer.ShakeHandsAsync(host, window);
        return answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) ? peer : throw new IOException(answer);
    }

    /// <summary>Tries a handshake that the server may refuse.</summary>
    /// <returns>The first line of the response.</returns>
    public static async Task<string> TryAsync(RunningHost host, params string[] headers)
    {
        using var peer = new Peer();
        return (await peer.ShakeHandsAsync(host, window: null, headers)).Split("\r\n")[0];
    }

    public async Task SendAsync(params byte[] bytes)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        for (var rest = bytes.AsMemory(); !rest.IsEmpty;)
        {
            rest = rest[await _socket.SendAsync(rest, limit.Token)..];
        }
    }

    public Task SayAsync(params string[] texts) =>
        SendAsync([.. texts.SelectMany(text => ClientFrame.Of(Opcode.Text, Encoding.UTF8.GetBytes(text)))]);

    public Task CloseAsync(int? status = 1000, string reason = "") => SendAsync(ClientFrame.Of(Opcode.Close, status is { } code
        ? [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]
        : []));

    /// <summary>Sends a text and receives the next frame.</summary>
    public async Task<string> AskAsync(string text)
    {
        await SayAsync(text);
        return await HearAsync();
    }

    /// <summary>Receives the next frame.</summary>
    /// <returns>A text without its timestamp; the kind and the payload of any other frame; "the end" if the connection has ended.</returns>
    public async Task<string> HearAsync()
    {
        byte[] header;
        try
        {
            header = await ReadAsync(2);
        }
        catch (Exception end) when (end is SocketException or EndOfStreamException)
        {
            return "the end";
        }

        var payload = await ReadPayloadAsync(header[1]);
        return header[0] switch
        {
            0x81 => Timestamp().Replace(Encoding.UTF8.GetString(payload), ""),
            0x88 when payload.Length < 2 => "close",
            0x88 => $"close {BinaryPrimitives.ReadUInt16BigEndian(payload)} {Encoding.UTF8.GetString(payload.AsSpan(2))}".TrimEnd(),
            0x89 => $"ping {Encoding.UTF8.GetString(payload)}".TrimEnd(),
            0x8A => $"pong {Encoding.UTF8.GetString(payload)}".TrimEnd(),
            var other => $"{other:X2}",
        };
    }

    /// <summary>Receives all frames up to the end of the connection.</summary>
    public async Task<List<string>> HearAllAsync()
    {
        var heard = new List<string>();
        do
        {
            heard.Add(await HearAsync());
        }
        while (heard[^1] != "the end");

        return heard;
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    public Task<byte[]> ReadAsync(int count) => _socket.ReadAsync(count);

    /// <summary>Reads <paramref name="count"/> bytes on this thread if they have arrived.</summary>
    /// <returns>False if they have not.</returns>
    public bool TryRead(int count) => _socket.Available >= count && _socket.Receive(new byte[count]) == count;

    /// <summary>Closes the sending side only.</summary>
    public void Finish() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection.</summary>
    public void BreakOff() => _socket.Close(0);

    public void Dispose() => _socket.Dispose();

    private async Task<string> ShakeHandsAsync(RunningHost host, int? window, params string[] headers)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        if (window is { } bytes)
        {
            _socket.ReceiveBufferSize = bytes;
        }

        await _socket.ConnectAsync(host.Origin.Host, host.Origin.Port, limit.Token);
        await SendAsync(Encoding.ASCII.GetBytes(Handshake.To(host, headers)));
        var answer = new StringBuilder();
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            answer.Append(Encoding.ASCII.GetString(await ReadAsync(1)));
        }

        return answer.ToString();
    }

    private async Task<byte[]> ReadPayloadAsync(int shortLength) => await ReadAsync(shortLength switch
    {
        126 => BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2)),
        127 => (int)BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8)),
        _ => shortLength,
    });

    [GeneratedRegex(",\"timestamp\":\"[^\"]*\"")]
    private static partial Regex Timestamp();
}
