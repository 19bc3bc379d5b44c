using PubSub.Stress.Measure;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace PubSub.Stress.Reports;

/// <summary>Horizontal bars, from the top in the given order, each with its value at the end; with a line at the reference value.</summary>
internal sealed record BarChart(
    string Name,
    string Title,
    string Subtitle,
    string XLabel,
    IReadOnlyList<(string Label, string Hex, Spread Value)> Entries,
    double? Reference = null) : IChart
{
    private const float TitleSize = 19, TextSize = 13;

    public int Height => 190 + (Entries.Count * 46);

    public Plot Draw()
    {
        var plot = new Plot();
        var most = Entries.Max(bar => bar.Value.Max);
        var names = new NumericManual();
        for (var n = 0; n < Entries.Count; n++)
        {
            var (label, hex, value) = Entries[^(n + 1)];
            var bar = plot.Add.Bar(n, value.Median);
            bar.Color = Palette.Of(hex);
            bar.Horizontal = true;
            bar.Bars[0].Size = 0.62;
            bar.Bars[0].LineWidth = 0;
            names.AddMajor(n, label);
            if (value.Max > value.Min)
            {
                var spread = plot.Add.Line(value.Min, n, value.Max, n);
                spread.LineColor = Palette.Of(Palette.Ink);
                spread.LineWidth = 1.5f;
            }

            var text = plot.Add.Text(Axis.Short(value.Median), value.Max + (most * 0.012), n);
            text.LabelFontColor = Palette.Of(Palette.Ink);
            text.LabelFontSize = TextSize;
            text.LabelAlignment = Alignment.MiddleLeft;
        }

        if (Reference is { } reference)
        {
            var line = plot.Add.VerticalLine(reference);
            line.Color = Palette.Of(Palette.Quiet);
            line.LineWidth = 1.5f;
        }

        var right = Math.Max(most, Reference ?? 0) * 1.14;
        plot.Axes.SetLimits(0, right, -0.6, Entries.Count - 0.4);
        plot.Axes.Bottom.TickGenerator = new Axis(XLabel, IsLogarithmic: false).Generate(0, right);
        plot.Axes.Left.TickGenerator = names;
        Style.Apply(plot, Title, Subtitle, XLabel, "", TitleSize, TextSize);
        plot.Grid.YAxisStyle.IsVisible = false;
        return plot;
    }
}
