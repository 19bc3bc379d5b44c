using System.CommandLine;
using PubSub.Stress.Loads;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Verbs;

/// <summary>The options of a closed loop.</summary>
internal sealed class LoadOptions
{
    /// <summary>The most bytes of a payload.</summary>
    public const int LargestPayload = 1024 * 1024;

    private const int MostOutstanding = 100_000;
    private const int MostRepetitions = 1000;
    private const int MostLoops = 64;

    private readonly Option<int> _payload;
    private readonly Option<int> _outstanding;
    private readonly Option<TimeSpan> _warmup;
    private readonly Option<TimeSpan> _window;
    private readonly Option<int> _runs;
    private readonly Option<int> _loops;

    public LoadOptions(Command command, int payload = 100, int outstanding = 50, double warmup = 3, double window = 5, int runs = 5)
    {
        _payload = OptionFactory.Whole("--payload", "Characters of the payload.", payload, Digits.Width, LargestPayload);
        _outstanding = OptionFactory.Whole("--outstanding", "Messages that may be under way.", outstanding, 1, MostOutstanding);
        _warmup = OptionFactory.Seconds("--warmup", "Load before the timed window.", warmup);
        _window = OptionFactory.Seconds("--seconds", "The timed window of a run.", window);
        _runs = OptionFactory.Whole("--runs", "Runs of each contender; they take turns.", runs, 1, MostRepetitions);
        _loops = LoopsOption();
        Option[] options = [_payload, _outstanding, _warmup, _window, _runs, _loops];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>By default half of the processors, so that the other half is free for the server.</summary>
    public static Option<int> LoopsOption() => OptionFactory.Whole(
        "--loops",
        "Threads of the load generator; by default half of the processors.",
        Math.Max(1, Environment.ProcessorCount / 2),
        1,
        MostLoops);

    public ClosedLoad Read(ParseResult parsed) => new(
        parsed.GetValue(_payload),
        parsed.GetValue(_outstanding),
        parsed.GetValue(_warmup),
        parsed.GetValue(_window),
        parsed.GetValue(_runs),
        parsed.GetValue(_loops));
}
