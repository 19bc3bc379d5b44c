using System.Runtime.InteropServices;

namespace PubSub.Hosting;

/// <summary>The first SIGTERM or SIGINT drains (the framework sees to that); the second ends the process at once (PS-LIF-004).</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;
    private int _received;

    private SecondSignal()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Count);
    }

    public static SecondSignal EndTheProcess() => new();

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
    }

    private void Count(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _received) > 1)
        {
            Environment.Exit(context.Signal == PosixSignal.SIGINT ? 130 : 143); // 128 + the signal's number, as shells have it
        }
    }
}
