using System.Globalization;
using System.Runtime.InteropServices;

namespace PubSub.Conformance.Cli;

/// <summary>
/// The first Ctrl-C, SIGTERM, SIGHUP or SIGQUIT lets the run clean up and report its results so far; the second ends the process at
/// once. A second SIGHUP does not: a terminal that closes often sends two.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public StopSignals()
    {
        var ignored = Ignored();
        var signals = new[] { (PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1), (PosixSignal.SIGQUIT, 3) };
        foreach (var (signal, number) in signals)
        {
            // A parent that starts this process with SIGHUP ignored, as nohup does, wants it to go on.
            if (signal != PosixSignal.SIGHUP || (ignored & (1UL << (number - 1))) == 0)
            {
                _registrations.Add(PosixSignalRegistration.Create(signal, Stop));
            }
        }
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stopping.Token;

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _stopping.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        if (!_stopping.IsCancellationRequested)
        {
            signal.Cancel = true;
            Console.Error.WriteLine("Stopping, and cleaning up. Once more ends it at once.");
            _stopping.Cancel();
        }
        else if (signal.Signal == PosixSignal.SIGHUP)
        {
            signal.Cancel = true;
        }
    }

    /// <summary>The signals that this process ignores, one bit each, the lowest for signal 1; 0 if the system does not say.</summary>
    private static ulong Ignored()
    {
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
            var digits = line?["SigIgn:".Length..].Trim();
            return ulong.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var bits) ? bits : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
