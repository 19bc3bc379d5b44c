using System.CommandLine;
using System.Globalization;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>One measurement of all bars: its options, and the results so far.</summary>
/// <param name="Parsed">The command line.</param>
/// <param name="Servers">The options that name servers.</param>
/// <param name="Keeper">Owns the build of the server that all parts share.</param>
/// <param name="Load">Payload, window and repetitions.</param>
/// <param name="Folder">The folder for the results; null to write none.</param>
internal sealed record BarsRun(ParseResult Parsed, ServerOptions Servers, Lineup Keeper, ClosedLoad Load, string? Folder)
{
    public const string Ours = "pubsub", Nats = "nats", Redis = "redis", Limit = "limit";

    public List<Bar> Bars { get; } = [];

    /// <summary>Starts the server and these peers; with others, also the servers that --against names.</summary>
    public Lineup Open((string Name, string Value)[] settings, string[] peers, bool others = false) =>
        Servers.Open(Parsed, settings, peers, Keeper, others);

    /// <summary>Adds a figure of ours divided by that of another server under the same load.</summary>
    public void Against(string name, string other, Limits limits, IReadOnlyList<Run> runs, string figure)
    {
        var (ours, theirs) = (Of(runs, Ours), Of(runs, other));
        var ratio = Ratio.Of(ours, theirs, Ratio.Figure(figure));
        Bars.Add(new Bar(name, limits, "x", ratio, ratio is null ? $"{other} is absent, or failed" : Sides(ours, theirs, figure)));
    }

    /// <summary>Adds a figure of ours under one load divided by the same figure under another load.</summary>
    public void Growth(string name, Limits limits, IReadOnlyList<Run> large, IReadOnlyList<Run> small, string figure) =>
        Bars.Add(new Bar(name, limits, "x", Ratio.Of(large, small, Ratio.Figure(figure)), Sides(large, small, figure)));

    /// <summary>Adds a figure, multiplied by a factor.</summary>
    public void Absolute(string name, Limits limits, string unit, Spread? value, double factor = 1, string remark = "") =>
        Bars.Add(new Bar(name, limits, unit, value?.Times(factor), remark));

    public static Run[] Of(IReadOnlyList<Run> runs, string contender) => [.. runs.Where(run => run.Contender == contender)];

    private static string Sides(IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, string figure)
    {
        if (Summary.Of(ours, figure) is not { } one || Summary.Of(theirs, figure) is not { } other)
        {
            return "";
        }

        var unit = ours.Concat(theirs).First(run => run.Failure is null).Figures[figure].Unit;
        return string.Create(CultureInfo.InvariantCulture, $"{Summary.Number(one.Median)} against {Summary.Number(other.Median)} {unit}");
    }
}
