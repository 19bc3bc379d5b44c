using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Hosting.Metrics;

/// <summary>
/// Counts the lines of the log that the framework's console has dropped. It reports them on standard error and nowhere else, with the first
/// line that there is room for again.
/// </summary>
internal sealed partial class DropReports : TextWriter
{
    private static readonly Tally Dropped = new();
    private static int _isWatching;

    private readonly TextWriter _error;

    private DropReports(TextWriter error) => _error = error;

    /// <summary>Lines dropped and reported since <see cref="Watch"/>, by the whole process.</summary>
    public static long Lines => Dropped.Sum();

    public override Encoding Encoding => _error.Encoding;

    /// <summary>Begins to count. To be called before the console's logger is made, which keeps the writer that it finds.</summary>
    public static void Watch()
    {
        if (Interlocked.Exchange(ref _isWatching, 1) == 0)
        {
            Console.SetError(new DropReports(Console.Error));
        }
    }

    public override void Write(char value) => _error.Write(value);

    public override void Write(string? value)
    {
        if (Report().Match(value ?? "") is { Success: true } report)
        {
            Dropped.Add(long.Parse(report.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
        }

        _error.Write(value);
    }

    public override void Flush() => _error.Flush();

    [GeneratedRegex(@"^(\d+) message\(s\) dropped because of queue size limit")]
    private static partial Regex Report();
}
