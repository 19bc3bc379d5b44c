using System.Globalization;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Bars;

/// <summary>The target for a figure, set before it was measured.</summary>
/// <param name="Target">The value for "met".</param>
/// <param name="Moonshot">A more ambitious value; null if there is none.</param>
/// <param name="IsLeast">True for a lower bound, false for an upper bound.</param>
internal sealed record Limits(double Target, double? Moonshot, bool IsLeast)
{
    public static Limits AtLeast(double target, double? moonshot = null) => new(target, moonshot, IsLeast: true);

    public static Limits AtMost(double target, double? moonshot = null) => new(target, moonshot, IsLeast: false);

    public bool Reaches(double value, double bound) => IsLeast ? value >= bound : value <= bound;
}

/// <summary>A target and its measured value.</summary>
/// <param name="Name">The figure, as the table names it.</param>
/// <param name="Limits">The target.</param>
/// <param name="Unit">The unit of target and value; x for a ratio.</param>
/// <param name="Value">The median and range; null if it was not measured.</param>
/// <param name="Remark">The two sides of a ratio, or why nothing was measured.</param>
internal sealed record Bar(string Name, Limits Limits, string Unit, Spread? Value, string Remark)
{
    public string Verdict
    {
        get
        {
            if (Value is not { Median: var median })
            {
                return "not measured";
            }

            if (Limits.Moonshot is { } moonshot && Limits.Reaches(median, moonshot))
            {
                return "MOONSHOT";
            }

            var missed = Limits.IsLeast ? 1 - (median / Limits.Target) : (median / Limits.Target) - 1;
            return Limits.Reaches(median, Limits.Target) ? "met" : string.Create(CultureInfo.InvariantCulture, $"missed by {missed:0 %}");
        }
    }

    private string Bound => $"{(Limits.IsLeast ? "≥" : "≤")} {Summary.Number(Limits.Target)} {Unit}";

    private string Measured =>
        Value is null ? "–" : $"{Summary.Number(Value.Median)} {Unit} ({Summary.Number(Value.Min)}..{Summary.Number(Value.Max)})";

    /// <summary>One line for each bar, below a heading.</summary>
    public static string Table(IReadOnlyList<Bar> bars) => Summary.Columns(
    [
        ["bar", "target", "measured", "verdict", ""],
        .. bars.Select(bar => (string[])[bar.Name, bar.Bound, bar.Measured, bar.Verdict, bar.Remark]),
    ]);
}
