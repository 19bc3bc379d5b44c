using System.CommandLine;

namespace PubSub.Stress;

/// <summary>Measures every bar that was set for the reference server, and says of each whether it is met.</summary>
internal sealed class BarsVerb : Verb
{
    private readonly ServerOptions _servers;
    private readonly LoadOptions _load;
    private readonly Option<string?> _out = Offer.Out();

    public BarsVerb()
        : base(
            "bars",
            "Which of the bars that were set for the reference server are met?",
            "Runs what is needed of the other verbs against nats-server, Redis and the limit, where they are installed, and whatever --against\n" +
            "names besides; then prints a table: the bar, what was measured, and whether it is met. A ratio is that of the medians; its range is\n" +
            "that of the repetitions. Takes about half an hour; --runs 1 --seconds 1 --warmup 1 shows that it works. A bar that is missed does\n" +
            "not fail the run; a broken promise does.")
    {
        _servers = new ServerOptions(this, compares: true);
        _load = new LoadOptions(this);
        Options.Add(_out);
    }

    protected override bool Run(ParseResult parsed)
    {
        using var keeper = new Lineup();
        var run = new BarsRun(parsed, _servers, keeper, _load.Read(parsed), parsed.GetValue(_out));
        Func<BarsRun, bool>[] parts = _servers.IsOurs(parsed)
            ? [ClosedLoopBars.Measure, OpenLoopBars.Measure, FreshProcessBars.Measure, BuildBars.Measure]
            : [ClosedLoopBars.Measure, OpenLoopBars.Measure, FreshProcessBars.Measure];
        var kept = parts.Select(part => Part(part, run)).ToArray().All(one => one);
        Console.WriteLine(Bar.Table(run.Bars));
        return kept;
    }

    // What breaks in one part is not the end of the others, nor of what was measured before it.
    private static bool Part(Func<BarsRun, bool> measure, BarsRun run)
    {
        try
        {
            return measure(run);
        }
        catch (RunFailed e)
        {
            Progress.Done();
            Console.WriteLine($"FAILED: {e.Message}");
            return false;
        }
    }
}
