using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace PubSub.Stress.Net;

/// <summary>Where a server accepts connections: WebSocket on a path, or plain TCP.</summary>
/// <param name="Address">Host and port.</param>
/// <param name="Path">The path of the upgrade; null for plain TCP.</param>
/// <param name="Subprotocol">The subprotocol that the upgrade requests; null for none.</param>
internal sealed record Endpoint(IPEndPoint Address, string? Path, string? Subprotocol = null)
{
    /// <summary>Other headers of the upgrade, each with a line end.</summary>
    public string Headers { get; init; } = "";

    public static Endpoint Of(Uri url, string? path, string? subprotocol = null)
    {
        var host = url.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : url.Host;
        var addresses = Addresses(host);
        var address = Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        return new Endpoint(new IPEndPoint(address, url.Port), path, subprotocol);
    }

    private static IPAddress[] Addresses(string host)
    {
        try
        {
            return Dns.GetHostAddresses(host);
        }
        catch (SocketException e)
        {
            throw new UsageError($"{host} is not known: {e.Message}");
        }
    }

    /// <summary>
    /// A nonblocking socket that has begun to connect. It becomes writable when it is connected or has failed.
    /// <paramref name="receiveBuffer"/> is in bytes; 0 for the kernel's default.
    /// </summary>
    public Socket Begin(int receiveBuffer)
    {
        var socket = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        try
        {
            if (receiveBuffer > 0)
            {
                socket.ReceiveBufferSize = receiveBuffer; // before connecting: the window is announced there
            }

            socket.Connect(Address);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Expected: the connection is under way.
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new RunFailed($"cannot connect to {Address}: {e.Message}");
        }

        return socket;
    }

    /// <summary>The upgrade request, and the value of Sec-WebSocket-Accept that the answer must have.</summary>
    public (byte[] Request, string Accept) Upgrade()
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var subprotocol = Subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {Subprotocol}\r\n";
        var request =
            $"GET {Path} HTTP/1.1\r\nHost: {Address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            $"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{subprotocol}{Headers}\r\n";
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1 here; it protects nothing
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        return (Encoding.ASCII.GetBytes(request), accept);
    }
}
