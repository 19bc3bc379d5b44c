using System.Net.Sockets;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>How a server, or what stands before it, is lost.</summary>
internal enum Loss
{
    /// <summary>New connections are answered 502, as a gateway does whose server is gone; the old ones go on.</summary>
    BadGateway,

    /// <summary>Nobody listens any more; who is connected stays so, and is served.</summary>
    ClosedPort,

    /// <summary>Every connection, old or new, is open, and nothing that comes in is answered.</summary>
    Hang,
}

/// <summary>Carries so many connections to the server behind it; with the next one it is lost for good.</summary>
internal sealed class FailingProxy : TcpServer
{
    private static readonly byte[] BadGateway = [.. "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8];

    private readonly Uri _inner;
    private readonly int _good;
    private readonly Loss _loss;
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    public FailingProxy(Uri inner, int good, Loss loss)
    {
        _inner = inner;
        _good = good;
        _loss = loss;
        Start();
    }

    /// <summary>Comes with the first connection that is not served.</summary>
    public Task Lost => _lost.Task;

    protected override Connection Open(Socket socket) => new Stalling(socket, this);

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        if (Interlocked.Increment(ref _count) > _good)
        {
            _lost.TrySetResult();
            await LoseAsync(connection, stopping);
            return;
        }

        await Relay.CarryAsync(connection, connection.EndOutputAsync, await Connection.OpenAsync(_inner, stopping), stopping);
    }

    private async Task LoseAsync(Connection connection, CancellationToken stopping)
    {
        switch (_loss)
        {
            case Loss.BadGateway:
                await HttpRequest.ReadAsync(connection, stopping);
                await connection.WriteAsync(BadGateway, stopping);
                break;

            case Loss.ClosedPort:
                Close();
                throw new IOException("Nobody is here any more.");

            default:
                await Task.Delay(Timeout.Infinite, stopping);
                break;
        }
    }

    /// <summary>What has been read when everything hangs goes no further.</summary>
    private sealed class Stalling(Socket socket, FailingProxy proxy) : Connection(socket)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (proxy is { _loss: Loss.Hang, Lost.IsCompleted: true })
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return count;
        }
    }
}
