using System.Globalization;

namespace PubSub.Stress;

/// <summary>A bar that was set before anything was measured, and what was measured.</summary>
/// <param name="Name">What is asked.</param>
/// <param name="Target">The bar.</param>
/// <param name="Moonshot">What would be extraordinary; null where that was not said.</param>
/// <param name="IsLeast">True when it is to be reached, false when it is not to be exceeded.</param>
/// <param name="Unit">Of both; x for a ratio.</param>
/// <param name="Value">The median and range; null when it was not measured.</param>
/// <param name="Remark">What stands behind a ratio, or why nothing was measured.</param>
internal sealed record Bar(string Name, double Target, double? Moonshot, bool IsLeast, string Unit, Spread? Value, string Remark)
{
    public string Verdict
    {
        get
        {
            if (Value is null)
            {
                return "not measured";
            }

            if (Moonshot is { } moonshot && Reaches(moonshot))
            {
                return "MOONSHOT";
            }

            return Reaches(Target)
                ? "met"
                : string.Create(CultureInfo.InvariantCulture, $"missed by {(IsLeast ? 1 - (Value.Median / Target) : (Value.Median / Target) - 1):0 %}");
        }
    }

    public string Bound => $"{(IsLeast ? "≥" : "≤")} {Summary.Number(Target)} {Unit}";

    public string Measured => Value is null ? "–" : $"{Summary.Number(Value.Median)} {Unit} ({Summary.Number(Value.Min)}..{Summary.Number(Value.Max)})";

    private bool Reaches(double bound) => IsLeast ? Value!.Median >= bound : Value!.Median <= bound;

    /// <summary>All of them, each on a line.</summary>
    public static string Table(IReadOnlyList<Bar> bars)
    {
        var (name, bound, measured, verdict) = (
            bars.Max(bar => bar.Name.Length), bars.Max(bar => bar.Bound.Length), bars.Max(bar => bar.Measured.Length), bars.Max(bar => bar.Verdict.Length));
        return string.Join(
            Environment.NewLine,
            bars.Select(bar =>
                $"{bar.Name.PadRight(name)}  {bar.Bound.PadRight(bound)}  {bar.Measured.PadRight(measured)}  {bar.Verdict.PadRight(verdict)}  {bar.Remark}".TrimEnd()));
    }
}
