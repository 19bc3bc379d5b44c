using System.CommandLine;
using PubSub.Stress.Reports;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.CommandLine;

/// <summary>Draws the results of earlier runs.</summary>
internal sealed class ReportVerb : Verb
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "The folder with the results, as given to --out." };
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", "Where report.html and charts/ go; by default FOLDER itself.", "FOLDER");
    private readonly Func<IReadOnlyDictionary<string, string>> _questions;

    /// <param name="questions">The questions of all verbs by name. Called at the run, when all verbs exist.</param>
    public ReportVerb(Func<IReadOnlyDictionary<string, string>> questions)
        : base(
            "report",
            "What do the results look like?",
            "Renders all results of a folder as one self-contained page, report.html, and each chart as PNG and SVG.")
    {
        _questions = questions;
        Arguments.Add(_folder);
        Options.Add(_out);
    }

    /// <returns>The path of the page.</returns>
    public static string Render(string folder, string target, IReadOnlyDictionary<string, string> questions)
    {
        var files = Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(ResultsFile.Read).ToArray()
            : throw new UsageError($"{folder}: no such folder");
        if (files.Length == 0)
        {
            throw new UsageError($"{folder}: no results, expected *.json as --out writes them");
        }

        var groups = RunGroup.Of(files.SelectMany(file => file.Runs));
        var charts = Charts.Of(groups);
        var chartFolder = Directory.CreateDirectory(Path.Combine(target, "charts")).FullName;
        foreach (var (_, chart) in charts)
        {
            Drawing.Save(chart, chartFolder);
        }

        var page = Path.Combine(target, "report.html");
        File.WriteAllText(page, new Page(files, groups, questions).Render(charts, chartFolder));
        return page;
    }

    protected override bool Run(ParseResult parsed)
    {
        var folder = parsed.GetValue(_folder)!;
        Console.WriteLine($"wrote {Render(folder, parsed.GetValue(_out) ?? folder, _questions())}");
        return true;
    }
}
