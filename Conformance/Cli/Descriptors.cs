using System.Globalization;

namespace PubSub.Conformance.Cli;

/// <summary>The file descriptors that this process may have.</summary>
internal static class Descriptors
{
    /// <summary>With fewer the runtime itself ends the process in the middle of a run.</summary>
    private const int Fewest = 140;

    /// <summary>Why no run can begin; null when one can, or the system does not say.</summary>
    public static string? Shortage()
    {
        try
        {
            var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
            var soft = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return int.TryParse(soft, CultureInfo.InvariantCulture, out var limit) && limit < Fewest
                ? $"This machine gives the suite only {limit} file descriptors, and it needs at least {Fewest} (raise `ulimit -n`). The target is not to blame."
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
