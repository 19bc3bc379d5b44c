using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace PubSub.PropertyTests;

public sealed class HandshakeLaws
{
    /// <summary>A session writes to the socket and the server's answer to the handshake goes through a pipe: two ways to one place.</summary>
    [Test]
    public async Task What_a_session_says_comes_behind_the_answer_to_the_handshake()
    {
        using var host = new RunningHost();
        byte[] ping = [0x89, 0x80, 0, 0, 0, 0];
        byte[] pong = [0x8A, 0];
        byte[] hasty =
        [
            .. Encoding.ASCII.GetBytes(
                $"GET /v1/ws HTTP/1.1\r\nHost: {host.Origin.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
            .. ping,
        ];

        for (var attempt = 0; attempt < 300; attempt++)
        {
            using var client = new TcpClient(host.Origin.Host, host.Origin.Port);
            var stream = client.GetStream();
            await stream.WriteAsync(hasty);

            var answer = await ReadToAsync(stream, pong);

            Assert.That(Encoding.Latin1.GetString(answer), Does.StartWith("HTTP/1.1 101 ").And.Contains("\r\n\r\n"));
            Assert.That(answer.AsSpan(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4).ToArray(), Is.EqualTo(pong));
        }
    }

    private static async Task<byte[]> ReadToAsync(NetworkStream stream, byte[] end)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        var (buffer, length) = (new byte[4096], 0);
        do
        {
            var count = await stream.ReadAsync(buffer.AsMemory(length), limit.Token);
            length += count > 0 ? count : throw new IOException($"ended after {Encoding.Latin1.GetString(buffer, 0, length)}");
        }
        while (buffer.AsSpan(0, length).IndexOf(end) < 0 || buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0);

        return buffer[..length];
    }
}
