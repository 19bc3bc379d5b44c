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

    public static int Of(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
}
