using System.Net;
using System.Net.Sockets;

namespace PubSub.PropertyTests.Tools;

internal static class Ports
{
    /// <summary>A port on which no process listened a moment ago.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return Of(listener);
    }

    /// <summary>
    /// A free port that stays free while its server is down: Linux gives outgoing connections only ports from 32768 on.
    /// </summary>
    public static int Lasting()
    {
        while (true)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(10_000, 32_768));
                listener.Start();
                return Of(listener);
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }

    public static int Of(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
}
