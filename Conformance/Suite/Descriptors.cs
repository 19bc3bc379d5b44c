using System.Globalization;

namespace PubSub.Conformance;

/// <summary>
/// The file descriptors that this process may have. The runtime ends a process in which it finds none for itself, so connections have
/// those alone that it does not need.
/// </summary>
public static class Descriptors
{
    /// <summary>Files of the runtime's own, of reports and of the resolution of names; 98 were counted in a run.</summary>
    private const int Own = 116;

    private const int Fewest = Own + 24;

    /// <summary>The soft limit; null where the system does not say.</summary>
    private static readonly int? Limit = ReadLimit();

    private static int _connections;

    /// <summary>Why no run can begin; null when one can, or the system does not say.</summary>
    public static string? Shortage() => Limit is { } limit && limit < Fewest
        ? $"This machine gives the suite only {limit} file descriptors, and it needs at least {Fewest} (raise `ulimit -n`). The target is not to blame."
        : null;

    /// <summary>One for a connection, to be given back; false when all that connections may have are taken.</summary>
    internal static bool TryTake()
    {
        if (Interlocked.Increment(ref _connections) <= (Limit - Own ?? int.MaxValue))
        {
            return true;
        }

        GiveBack();
        return false;
    }

    internal static void GiveBack() => Interlocked.Decrement(ref _connections);

    private static int? ReadLimit()
    {
        try
        {
            var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
            var soft = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return int.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
