using System.Globalization;
using ScottPlot.TickGenerators;

namespace PubSub.Stress.Reports;

/// <summary>The label, the scale and the ticks of an axis.</summary>
/// <param name="Label">The label, with the unit.</param>
/// <param name="IsLogarithmic">True for a logarithmic scale, false for a linear one.</param>
/// <param name="Ticks">The values of the ticks; null for round numbers.</param>
internal sealed record Axis(string Label, bool IsLogarithmic, IReadOnlyList<(double At, string Text)>? Ticks = null)
{
    /// <summary>The coordinate of a value.</summary>
    public double Place(double value) => IsLogarithmic ? Math.Log10(Math.Max(value, 1e-6)) : value;

    /// <summary>The ticks between two coordinates.</summary>
    public NumericManual Generate(double from, double to)
    {
        var ticks = new NumericManual();
        if (Ticks is { } given)
        {
            foreach (var (at, text) in given)
            {
                ticks.AddMajor(Place(at), text);
            }
        }
        else if (IsLogarithmic)
        {
            int[] steps = to - from > 3 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 5];
            for (var power = (int)Math.Floor(from) - 1; power <= Math.Ceiling(to); power++)
            {
                foreach (var step in steps)
                {
                    ticks.AddMajor(power + Math.Log10(step), Short(step * Math.Pow(10, power)));
                }
            }
        }
        else
        {
            var step = Nice((to - from) / 5);
            for (var at = Math.Floor(from / step) * step; at <= to + step; at += step)
            {
                ticks.AddMajor(at, Short(at));
            }
        }

        return ticks;
    }

    private static double Nice(double step)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(step, 1e-9))));
        return power * (new[] { 1.0, 2, 5, 10 }.First(factor => factor * power >= step * 0.999));
    }

    /// <summary>65,536 as 64 Ki.</summary>
    public static string Binary(double value) => value >= 1024 && value % 1024 == 0 ? $"{Short(value / 1024)} Ki" : Short(value);

    /// <summary>1,500,000 as 1.5 M.</summary>
    public static string Short(double value) => Math.Abs(value) switch
    {
        >= 1e9 => (value / 1e9).ToString("0.## G", CultureInfo.InvariantCulture),
        >= 1e6 => (value / 1e6).ToString("0.## M", CultureInfo.InvariantCulture),
        >= 1e4 => (value / 1e3).ToString("0.# k", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("#,0.##", CultureInfo.InvariantCulture),
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };
}
