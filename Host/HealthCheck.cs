using System.Net.Sockets;
using System.Text;

namespace PubSub.Hosting;

/// <summary>Asks the server on this machine whether it is ready: the health check of containers without another client.</summary>
internal static class HealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <param name="bind">The address that the server listens on, or what stands for several.</param>
    /// <param name="port">Its port.</param>
    /// <returns>0 when <c>/readyz</c> answers 200, otherwise 1: what a container's health check expects.</returns>
    public static async Task<int> RunAsync(string bind, int port)
    {
        using var deadline = new CancellationTokenSource(Timeout);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(bind is "*" or "0.0.0.0" or "::" ? "localhost" : bind, port, deadline.Token);
            var stream = client.GetStream();
            await stream.WriteAsync("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), deadline.Token);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            return await reader.ReadLineAsync(deadline.Token) is "HTTP/1.1 200 OK" ? 0 : 1;
        }
        catch (Exception unreachable) when (unreachable is SocketException or IOException or OperationCanceledException)
        {
            return 1;
        }
    }
}
