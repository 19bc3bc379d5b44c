using System.CommandLine;

namespace PubSub.Stress;

/// <summary>Draws what runs have written down.</summary>
internal sealed class ReportVerb : Verb
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "Where --out put the results." };
    private readonly Option<string?> _out = Offer.Text("--out", "Where report.html and charts/ go; FOLDER itself unless it is said.", "FOLDER");
    private readonly Func<IReadOnlyDictionary<string, string>> _questions;

    /// <param name="questions">Of the verbs, by name; asked when all of them exist.</param>
    public ReportVerb(Func<IReadOnlyDictionary<string, string>> questions)
        : base(
            "report",
            "What do the results look like?",
            "Renders all results of a folder as one self-contained page, report.html, and the charts one by one as PNG and SVG.")
    {
        _questions = questions;
        Arguments.Add(_folder);
        Options.Add(_out);
    }

    /// <summary>Returns the page's path.</summary>
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
