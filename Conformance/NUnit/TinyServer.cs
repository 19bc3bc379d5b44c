using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace PubSub.Conformance.Tests;

/// <summary>
/// A TCP server of a few lines, to see how the suite takes what a real one might do. Each connection is served with its request
/// head and its stream.
/// </summary>
internal sealed class TinyServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    public TinyServer(Func<string, Stream, CancellationToken, Task> serve)
    {
        _listener.Start();
        _accepting = AcceptAsync(serve);
    }

    /// <summary>With waits short enough for tests that run into them.</summary>
    public Target Target => Target.From(new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}")) with
    {
        Timeouts = new Timeouts
        {
            Connect = TimeSpan.FromMilliseconds(500),
            Wait = TimeSpan.FromMilliseconds(500),
            Cleanup = TimeSpan.FromMilliseconds(500),
            Scenario = TimeSpan.FromSeconds(20),
        },
    };

    /// <summary>Says 201 to every REST request and speaks WebSocket, by the runtime's own implementation, on the rest.</summary>
    public static TinyServer Speaking(Func<WebSocket, CancellationToken, Task> session) => new(async (head, stream, stopping) =>
    {
        if (!head.Contains("Sec-WebSocket-Key: ", StringComparison.Ordinal))
        {
            await stream.WriteAsync("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), stopping);
            return;
        }

        using var socket = await UpgradeAsync(head, stream, stopping);
        await session(socket, stopping);
    });

    /// <summary>Accepts the handshake, and leaves the framing to the runtime.</summary>
    public static async Task<WebSocket> UpgradeAsync(string head, Stream stream, CancellationToken stopping)
    {
        var key = head.Split("Sec-WebSocket-Key: ")[1].Split('\r')[0];
        var answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Accept: {RawClient.AcceptFor(key)}\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), stopping);
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
    }

    public static async Task SayAsync(WebSocket socket, string text, CancellationToken stopping) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, stopping);

    /// <summary>The next whole message, or null at a close frame.</summary>
    public static async Task<string?> HearAsync(WebSocket socket, CancellationToken stopping)
    {
        using var message = new MemoryStream();
        var buffer = new byte[1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), stopping);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                return Encoding.UTF8.GetString(message.ToArray());
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Func<string, Stream, CancellationToken, Task> serve)
    {
        while (true)
        {
            var connection = await _listener.AcceptTcpClientAsync(_stopping.Token);
            _ = ServeAsync(connection, serve);
        }
    }

    private async Task ServeAsync(TcpClient connection, Func<string, Stream, CancellationToken, Task> serve)
    {
        using var owned = connection;
        try
        {
            await serve(await HeadAsync(connection.GetStream()), connection.GetStream(), _stopping.Token);
        }
        catch (Exception e) when (e is IOException or WebSocketException or OperationCanceledException)
        {
            // The suite hung up, or the test is over.
        }
    }

    private async Task<string> HeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _stopping.Token) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
