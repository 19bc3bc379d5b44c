using System.ComponentModel;
using System.Net.Sockets;

namespace PubSub.Conformance;

/// <summary>The cause, other than the server, that kept a scenario from deciding anything.</summary>
public enum InterferenceKind
{
    /// <summary>The suite's own machine has run out of something, or forbids it.</summary>
    Machine,

    /// <summary>The network between suite and server, or name resolution.</summary>
    Network,

    /// <summary>A proxy in front of the server answered in its place.</summary>
    Gateway,

    /// <summary>The server said that it could not reach what it relies on, as it may at any time.</summary>
    Outage,
}

/// <summary>A failure between the suite and the server that the server did not cause. It is never a violation.</summary>
public sealed class Interference(InterferenceKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    private const int NoMemory = 12; // ENOMEM
    private const int NoSpace = 28; // ENOSPC
    private const int TryLater = 11; // EAGAIN, of a process that cannot be started
    private const int TooManyInSystem = 23; // ENFILE
    private const int TooManyInProcess = 24; // EMFILE

    private const string NoDescriptors =
        "has no file descriptor left for the suite (EMFILE or ENFILE: raise `ulimit -n`, or lower --parallel)";

    /// <summary>The error of a server that cannot reach what it relies on; the request may have had an effect.</summary>
    internal const string Unavailable = "UNAVAILABLE";

    /// <summary>The error of a subscriber that may have missed events during such an outage.</summary>
    internal const string MissedEvents = "MISSED_EVENTS";

    public InterferenceKind Kind { get; } = kind;

    /// <summary>What a gateway answered.</summary>
    public string? Answer { get; init; }

    /// <summary>The server reported an outage behind it with this error code.</summary>
    internal static Interference Outage(string code) =>
        new(InterferenceKind.Outage, $"The server could not reach what it relies on, and said so with {code}");

    /// <summary>There is no descriptor left for a connection.</summary>
    internal static Interference NoDescriptor() => Machine(NoDescriptors, null);

    /// <summary>This failure as an interference; null when the server may have caused it.</summary>
    public static Interference? Of(Exception failure) => failure.GetBaseException() switch
    {
        Interference own => own,
        SocketException socket => Of(socket),
        Win32Exception { NativeErrorCode: var code } start => OfNumber(code, start),
        OutOfMemoryException memory => Machine("has no memory left for the suite (ENOMEM)", memory),
        IOException { HResult: var code } file => OfNumber(code, file),
        _ => null,
    };

    private static Interference? Of(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.TooManyOpenSockets => Machine(NoDescriptors, socket),
        SocketError.AddressNotAvailable => Machine("has no local port left for the suite (EADDRNOTAVAIL)", socket),
        SocketError.NoBufferSpaceAvailable => Machine("has no buffer space left for the suite (ENOBUFS)", socket),
        SocketError.AccessDenied => Machine("forbids the connection (EACCES or EPERM: a local firewall?)", socket),
        SocketError.NetworkDown or SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.HostDown =>
            Network($"The server's address cannot be reached from this machine: {socket.Message}", socket),
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoRecovery or SocketError.NoData =>
            Network($"The server's name cannot be resolved on this machine: {socket.Message}", socket),
        _ => OfNumber(socket.NativeErrorCode, socket),
    };

    private static Interference? OfNumber(int code, Exception failure) => code switch
    {
        TooManyInProcess or TooManyInSystem => Machine(NoDescriptors, failure),
        NoSpace => Machine("has no space left on its disk (ENOSPC)", failure),
        NoMemory => Machine("has no memory left for the suite (ENOMEM)", failure),
        TryLater when failure is not SocketException => Machine("can start no further process (EAGAIN)", failure),
        _ => null,
    };

    private static Interference Machine(string what, Exception? failure) => new(InterferenceKind.Machine, $"This machine {what}", failure);

    private static Interference Network(string what, Exception failure) => new(InterferenceKind.Network, what, failure);
}
