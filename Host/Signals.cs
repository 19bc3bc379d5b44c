using System.Runtime.InteropServices;

namespace PubSub.Hosting;

/// <summary>
/// The first SIGTERM or SIGINT drains (the framework sees to that), and so does SIGHUP, which a closed terminal sends; the second signal
/// ends the process at once (PS-LIF-004).
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly PosixSignalRegistration[] _registrations;
    private int _received;

    private Signals(IHostApplicationLifetime lifetime)
    {
        _lifetime = lifetime;
        PosixSignal[] signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP];
        _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, Count))];
    }

    public static Signals Listen(IHostApplicationLifetime lifetime) => new(lifetime);

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Count(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _received) > 1)
        {
            // 128 + the signal's number, as shells have it
            Environment.Exit(context.Signal switch
            {
                PosixSignal.SIGHUP => 129,
                PosixSignal.SIGINT => 130,
                _ => 143,
            });
        }

        if (context.Signal == PosixSignal.SIGHUP)
        {
            context.Cancel = true;
            _lifetime.StopApplication();
        }
    }
}
