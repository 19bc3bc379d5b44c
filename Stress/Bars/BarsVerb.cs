using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Measures the reference server against all its bars, and prints whether each is met.</summary>
internal sealed class BarsVerb : Verb
{
    private readonly ServerOptions _servers;
    private readonly LoadOptions _load;
    private readonly Option<string?> _out = OptionFactory.Out();

    public BarsVerb()
        : base(
            "bars",
            "Which of the bars that were set for the reference server are met?",
            "Runs the loads of other verbs against nats-server, Redis and the limit, where they are installed, and against the servers\n" +
            "that --against names; then prints a table: the bar, the measured value, and whether it is met. A ratio divides the\n" +
            "medians; its range covers the repetitions. Takes about half an hour; --runs 1 --seconds 1 --warmup 1 shows that it works.\n" +
            "A missed bar does not fail the run; a broken promise does.")
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

    // A part that fails does not end the other parts, and loses no bars measured before.
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
