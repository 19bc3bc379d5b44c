using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary>
/// Shows the progress of a run on standard error. A terminal gets one line that changes; a file gets a line for every tenth of the run.
/// Failures are shown at once.
/// </summary>
internal sealed class Terminal(bool quiet, bool plain) : IProgress<Progress>
{
    private const int Steps = 10;
    private const int UsualWidth = 100;

    private readonly bool _live = !quiet && !Console.IsErrorRedirected && !IsDumb;
    private readonly bool _colour = WantsColour(plain, Console.IsErrorRedirected);
    private readonly Lock _gate = new();
    private int _failed; // guarded by _gate
    private int _warned; // guarded by _gate
    private int _step; // guarded by _gate

    /// <summary>Whether standard output is coloured: not in a file, on a dumb terminal, or with NO_COLOR set.</summary>
    public static bool WantsColour(bool refused) => WantsColour(refused, Console.IsOutputRedirected);

    /// <summary>The width of standard output, 60 to 160 columns; 100 in a file.</summary>
    public static int Width => Console.IsOutputRedirected ? UsualWidth : Math.Clamp(Columns, 60, 160);

    // Such a terminal does not understand escape sequences.
    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb" && !OperatingSystem.IsWindows();

    private static int Columns
    {
        get
        {
            try
            {
                // A terminal that does not know its size reports 0.
                return Console.WindowWidth is > 0 and var width ? width : UsualWidth;
            }
            catch (IOException)
            {
                return UsualWidth;
            }
        }
    }

    private static bool WantsColour(bool refused, bool isFile) =>
        !refused && !isFile && !IsDumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public void Report(Progress value)
    {
        if (quiet)
        {
            return;
        }

        lock (_gate)
        {
            var verdict = value.Scenario.Verdict;
            if (verdict is Verdict.Fail or Verdict.Error && value.Scenario.KnownFailing is null)
            {
                _failed++;
                Clear();
                var word = Paint("31", verdict == Verdict.Fail ? "fail " : "error");
                Console.Error.WriteLine($"{word} {value.Scenario.Id}  {Cut(value.Scenario.Message, 160)}");
            }
            else if (verdict == Verdict.Warn)
            {
                _warned++;
            }

            var counts = $"{value.Done} of {value.Total}, {_failed} failed, {_warned} warned";
            if (_live)
            {
                Clear();
                Console.Error.Write(Cut($"{counts}  {value.Scenario.Id}", Math.Max(20, Columns - 1)));
            }
            else if (value.Done * Steps / value.Total > _step)
            {
                _step = value.Done * Steps / value.Total;
                Console.Error.WriteLine(counts);
            }
        }
    }

    /// <summary>Erases the changing line.</summary>
    public void Done()
    {
        lock (_gate)
        {
            Clear();
        }
    }

    private void Clear()
    {
        if (_live)
        {
            Console.Error.Write("\r\u001b[2K");
        }
    }

    private string Paint(string code, string text) => _colour ? $"\u001b[{code}m{text}\u001b[0m" : text;

    private static string Cut(string text, int width)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= width ? line : line.Cut(width - 1);
    }
}
