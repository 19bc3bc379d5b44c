using System.Net.WebSockets;
using System.Text;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Tests;

/// <summary>A server that is not a broker. The test decides what it sends on each connection.</summary>
internal sealed class TinyServer : TcpServer
{
    private const int LongestLine = 64 * 1024;

    private readonly Func<Connection, CancellationToken, Task> _serve;

    /// <param name="serve">Gets the request head and the stream. The connection ends when it returns.</param>
    public TinyServer(Func<string, Stream, CancellationToken, Task> serve)
        : this(async (connection, stopping) => await serve(await HeadAsync(connection, stopping), connection, stopping))
    {
    }

    private TinyServer(Func<Connection, CancellationToken, Task> serve)
    {
        _serve = serve;
        Start();
    }

    /// <summary>The timeouts are short, for tests in which they expire.</summary>
    public Target Target => Target.From(Origin) with
    {
        Timeouts = new Timeouts
        {
            Connect = TimeSpan.FromMilliseconds(500),
            Wait = TimeSpan.FromMilliseconds(500),
            Cleanup = TimeSpan.FromMilliseconds(500),
            Scenario = TimeSpan.FromSeconds(20),
        },
    };

    /// <summary>Answers every REST request with 201 and accepts every WebSocket, with the implementation of the runtime.</summary>
    public static TinyServer Speaking(Func<WebSocket, CancellationToken, Task> session) => new(async (connection, stopping) =>
    {
        if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
        {
            return;
        }

        var upgrades = Handshake.IsValid(request);
        var answer = upgrades ? Handshake.Accept(request) : new HttpResponse(201, "");
        await answer.WriteAsync(connection, keepsAlive: false, isHead: false, stopping);
        if (upgrades)
        {
            using var socket = WebSocket.CreateFromStream(connection, new WebSocketCreationOptions { IsServer = true });
            await session(socket, stopping);
        }
    });

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

    protected override Task ServeAsync(Connection connection, CancellationToken stopping) => _serve(connection, stopping);

    private static async Task<string> HeadAsync(Connection connection, CancellationToken stopping)
    {
        var head = new StringBuilder();
        while (await connection.ReadLineAsync.Call(LongestLine, stopping) is { } line)
        {
            head.Append(line).Append("\r\n");
            if (line.Length == 0)
            {
                break;
            }
        }

        return head.ToString();
    }
}
