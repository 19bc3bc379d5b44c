using System.Globalization;

namespace PubSub.Conformance.Network;

/// <summary>
/// The file descriptors that this process may open. The runtime ends a process when it runs out of them, so connections get only those
/// that the runtime does not need.
/// </summary>
public static class Descriptors
{
    /// <summary>Files of the runtime, of reports and of name resolution; a run was measured to use 98.</summary>
    private const int Own = 116;

    private const int Fewest = Own + 24;

    /// <summary>The soft limit; null if the system does not report it.</summary>
    private static readonly int? Limit = ReadLimit();

    private static int _connections;

    /// <summary>Why no run can begin; null if one can, or if the limit is unknown.</summary>
    public static string? Shortage() => Limit is { } limit && limit < Fewest
        ? $"This machine gives the suite only {limit} file descriptors, and it needs at least {Fewest} (raise `ulimit -n`). "
            + "The target is not to blame."
        : null;

    /// <summary>Reserves one for a connection, until <see cref="GiveBack"/>; false when all are in use.</summary>
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
            var line = File.ReadLines("/proc/self/limits")
                .FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
            var soft = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return int.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
