using System.Globalization;

namespace PubSub.Stress.Measure;

/// <summary>
/// Decides whether samples over time are flat. The rule: the first quarter is warm-up; of the rest, the median of the last third may
/// exceed the median of the first third by at most a share of it plus a fixed slack. A leak grows without end, so a longer run detects
/// it more reliably; noise and a heap that settles do not grow.
/// </summary>
internal sealed class Flatness(string name, string unit, double share, double slack)
{
    private readonly List<double> _samples = [];

    public int Count => _samples.Count;

    public double Last => _samples[^1];

    public void Add(double sample) => _samples.Add(sample);

    /// <summary>Adds the two medians and the maximum to the figures.</summary>
    /// <returns>The growth in words, or null if the samples are flat.</returns>
    public string? Judge(Measured measured)
    {
        var rest = _samples[(_samples.Count / 4)..];
        var third = Math.Max(1, rest.Count / 3);
        var (early, late) = (Spread.Of(rest.Take(third))!.Median, Spread.Of(rest.TakeLast(third))!.Median);
        measured.Add($"{name}_early", early, unit).Add($"{name}_late", late, unit).Add($"{name}_most", _samples.Max(), unit);
        return late <= (early * (1 + share)) + slack
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{name} is not flat: from {early:0.#} to {late:0.#} {unit}, more than {share:0 %} and {slack:0.#} {unit} above");
    }
}
