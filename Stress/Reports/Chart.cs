using PubSub.Stress.Measure;
using ScottPlot;

namespace PubSub.Stress.Reports;

/// <summary>One line of a chart: the median and range of the runs at each x.</summary>
internal sealed record Series(string Label, string Hex, IReadOnlyList<(double X, Spread Y)> Points, bool IsOurs, bool IsFaint = false);

/// <summary>Lines, labelled at their right ends. The title is the question that the chart answers.</summary>
internal sealed record LineChart(string Name, string Title, string Subtitle, Axis X, Axis Y, IReadOnlyList<Series> Lines) : IChart
{
    private const double LabelRoom = 0.3; // of the width of the data, right of it
    private const double LeastLabelDistance = 0.052; // of the height of the data
    private const float TitleSize = 19, TextSize = 13, LabelSize = 13;

    public Plot Draw()
    {
        var plot = new Plot();
        var points = Lines.SelectMany(line => line.Points).ToArray();
        var (left, right) = Range(points.Select(point => X.Place(point.X)));
        var (bottom, top) = Range(points.SelectMany(point =>
            new[] { Y.Place(Math.Max(point.Y.Min, Least(point.Y))), Y.Place(point.Y.Max) }));
        if (!Y.IsLogarithmic)
        {
            bottom = Math.Min(0, bottom);
        }

        var (width, height) = (Math.Max(right - left, 1e-9), Math.Max(top - bottom, 1e-9));
        foreach (var line in Lines.OrderBy(line => line.IsOurs))
        {
            Add(plot, line);
        }

        Label(plot, width, height);
        plot.Axes.SetLimits(
            left - (width * 0.03),
            right + (width * LabelRoom),
            bottom - (Y.IsLogarithmic ? height * 0.06 : 0),
            top + (height * 0.06));
        plot.Axes.Bottom.TickGenerator = X.Generate(left, right);
        plot.Axes.Left.TickGenerator = Y.Generate(bottom, top);
        Style.Apply(plot, Title, Subtitle, X.Label, Y.Label, TitleSize, TextSize);
        return plot;
    }

    private void Add(Plot plot, Series line)
    {
        var points = line.Points.OrderBy(point => point.X).ToArray();
        var color = Palette.Of(line.Hex);
        var scatter = plot.Add.Scatter(
            points.Select(point => X.Place(point.X)).ToArray(),
            points.Select(point => Y.Place(Math.Max(point.Y.Median, Least(point.Y)))).ToArray(),
            color);
        scatter.LineWidth = line.IsOurs ? 3.2f : 1.8f;
        scatter.MarkerSize = line.IsOurs ? 9 : 6;
        if (line.IsFaint)
        {
            scatter.MarkerShape = MarkerShape.OpenCircle;
            scatter.LineColor = color.WithAlpha(0.5);
        }

        foreach (var point in points.Where(point => point.Y.Max > point.Y.Min))
        {
            var x = X.Place(point.X);
            var spread = plot.Add.Line(x, Y.Place(Math.Max(point.Y.Min, Least(point.Y))), x, Y.Place(point.Y.Max));
            spread.LineColor = color.WithAlpha(0.45);
            spread.LineWidth = line.IsOurs ? 2.5f : 1.5f;
        }
    }

    // Labels are right of each line's last point, moved up or down where two would overlap.
    private void Label(Plot plot, double width, double height)
    {
        var labels = Lines.Select(line => (Line: line, Last: line.Points.MaxBy(point => point.X)))
            .Select(one => (one.Line, X: X.Place(one.Last.X), Y: Y.Place(one.Last.Y.Median)))
            .OrderBy(label => label.Y).ToArray();
        var distance = height * LeastLabelDistance;
        for (var pass = 0; pass < 50; pass++)
        {
            for (var n = 1; n < labels.Length; n++)
            {
                var overlap = distance - (labels[n].Y - labels[n - 1].Y);
                if (overlap > 0 && Math.Abs(labels[n].X - labels[n - 1].X) < width * LabelRoom)
                {
                    labels[n].Y += overlap / 2;
                    labels[n - 1].Y -= overlap / 2;
                }
            }
        }

        foreach (var (line, x, y) in labels)
        {
            var text = plot.Add.Text(line.Label, x + (width * 0.015), y);
            text.LabelFontColor = Palette.Of(line.Hex);
            text.LabelBold = line.IsOurs;
            text.LabelFontSize = LabelSize;
            text.LabelAlignment = Alignment.MiddleLeft;
        }
    }

    private static (double Least, double Most) Range(IEnumerable<double> places)
    {
        var all = places.Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        return (all.Min(), all.Max());
    }

    // A logarithmic axis has no zero: a value of zero is drawn far below.
    private static double Least(Spread spread) => spread.Median > 0 ? spread.Median / 1000 : 1e-6;
}
