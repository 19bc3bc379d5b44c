using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace PubSub.Stress;

/// <summary>Where a server accepts WebSocket connections.</summary>
internal sealed record Endpoint(IPEndPoint Address, string Path)
{
    private const int HandshakeMilliseconds = 10_000;

    public static Endpoint Of(Uri url, string path)
    {
        var host = url.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : url.Host;
        var addresses = Dns.GetHostAddresses(host);
        var address = Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        return new Endpoint(new IPEndPoint(address, url.Port), path);
    }

    /// <summary>
    /// Connects and upgrades, blocking. The socket comes back non-blocking, with the bytes that followed the upgrade.
    /// <paramref name="receiveBuffer"/> is in bytes, 0 leaves it to the kernel.
    /// </summary>
    public (Socket Socket, byte[] Following) Open(int receiveBuffer)
    {
        try
        {
            return Connect(receiveBuffer);
        }
        catch (SocketException e)
        {
            throw new RunFailed($"cannot connect to {Address}: {e.Message}");
        }
    }

    private (Socket Socket, byte[] Following) Connect(int receiveBuffer)
    {
        var socket = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (receiveBuffer > 0)
            {
                socket.ReceiveBufferSize = receiveBuffer; // before connecting: the window is announced there
            }

            socket.ReceiveTimeout = socket.SendTimeout = HandshakeMilliseconds;
            socket.Connect(Address);
            socket.Send(Encoding.ASCII.GetBytes(
                $"GET {Path} HTTP/1.1\r\nHost: {Address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                $"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n\r\n"));
            var rest = ReadUpgrade(socket);
            socket.Blocking = false;
            return (socket, rest);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static byte[] ReadUpgrade(Socket socket)
    {
        var head = new byte[8192];
        for (var length = 0; length < head.Length;)
        {
            var read = socket.Receive(head.AsSpan(length));
            if (read == 0)
            {
                break;
            }

            length += read;
            var end = head.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                return head.AsSpan().StartsWith("HTTP/1.1 101 "u8)
                    ? head[(end + 4)..length]
                    : throw new RunFailed($"the upgrade was refused: {Encoding.ASCII.GetString(head, 0, head.AsSpan().IndexOf((byte)'\r'))}");
            }
        }

        throw new RunFailed("the upgrade was not answered");
    }
}
