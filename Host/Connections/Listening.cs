using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PubSub.Hosting.Connections;

/// <summary>Why the system does not let the Host listen where it is told to.</summary>
internal static class Listening
{
    /// <returns>A line that names the setting; null for what has another cause.</returns>
    public static string? Fault(Exception exception, Settings settings)
    {
        for (var cause = exception; cause is not null; cause = (cause as AggregateException)?.InnerExceptions[0] ?? cause.InnerException)
        {
            switch (cause)
            {
                case AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }:
                    return $"PORT {settings.Port} is already in use on {settings.Bind}: stop the other process or choose another PORT";
                case SocketException { SocketErrorCode: SocketError.AccessDenied }:
                    return $"PORT {settings.Port} may not be opened by this user: choose one above 1023 or permit it";
                case SocketException refusal:
                    return $"BIND {settings.Bind} is no address that this machine can listen on: {refusal.Message}";
            }
        }

        return null;
    }
}
