using ScottPlot;

namespace PubSub.Stress.Reports;

/// <summary>A chart that can be saved as files.</summary>
internal interface IChart
{
    /// <summary>The name of its files, without extension.</summary>
    string Name { get; }

    string Title { get; }

    /// <summary>In pixels at scale 1; the width is fixed.</summary>
    int Height => 480;

    Plot Draw();
}

/// <summary>Writes charts as files.</summary>
internal static class Drawing
{
    public const int Width = 900; // pixels at scale 1
    private const int Scale = 2;

    /// <summary>NAME.png, at twice the size for sharp screens, and NAME.svg.</summary>
    public static void Save(IChart chart, string folder)
    {
        chart.Draw().SaveSvg(Path.Combine(folder, $"{chart.Name}.svg"), Width, chart.Height);
        var large = chart.Draw();
        large.ScaleFactor = Scale;
        large.SavePng(Path.Combine(folder, $"{chart.Name}.png"), Width * Scale, chart.Height * Scale);
    }
}

/// <summary>The style of all charts.</summary>
internal static class Style
{
    // Fonts of the usual systems. If none is installed, the drawing library chooses one.
    private static readonly string[] FontNames =
    [
        "Inter", "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial",
    ];

    private static readonly string FontName = FontNames.FirstOrDefault(Exists) ?? Fonts.Default;

    public static void Apply(Plot plot, string title, string subtitle, string x, string y, float titleSize, float textSize)
    {
        var (ink, quiet, faint) = (Palette.Of(Palette.Ink), Palette.Of(Palette.Quiet), Palette.Of(Palette.Faint));
        plot.FigureBackground.Color = plot.DataBackground.Color = Colors.White;
        plot.Font.Set(FontName);

        plot.Axes.Title.Label.Text = title;
        plot.Axes.Title.Label.FontSize = titleSize;
        plot.Axes.Title.Label.ForeColor = ink;
        plot.Axes.Title.Label.Bold = true;
        plot.Axes.Title.Label.Alignment = Alignment.LowerCenter;

        plot.Axes.Bottom.Label.Text = subtitle.Length > 0 ? $"{x}\n{subtitle}" : x;
        plot.Axes.Left.Label.Text = y;
        foreach (var label in (ScottPlot.LabelStyle[])[plot.Axes.Bottom.Label, plot.Axes.Left.Label])
        {
            label.FontSize = textSize;
            label.ForeColor = quiet;
            label.Bold = false;
        }

        foreach (var axis in (ScottPlot.IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            axis.TickLabelStyle.FontSize = textSize;
            axis.TickLabelStyle.ForeColor = quiet;
            axis.MajorTickStyle.Length = 0;
            axis.MinorTickStyle.Length = 0;
            axis.FrameLineStyle.Width = 0;
        }

        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = faint;
        plot.Grid.MajorLineWidth = 1;
    }

    private static bool Exists(string name) => Fonts.GetTypeface(name, bold: false, italic: false)?.FamilyName == name;
}
