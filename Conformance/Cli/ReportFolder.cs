using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary>The folder for the reports of one run.</summary>
internal sealed class ReportFolder
{
    public const string ResultsFile = "results.json";

    private readonly List<(string Name, string Why)> _missing = [];

    private ReportFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>Checks before the run that files can be written there.</summary>
    /// <exception cref="WrongUsage">They cannot.</exception>
    public static ReportFolder Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            var probe = System.IO.Path.Combine(path, ".writable");
            File.WriteAllText(probe, "x");
            File.Delete(probe);
            return new ReportFolder(System.IO.Path.GetFullPath(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WrongUsage($"--out '{path}' cannot be written: {e.Message}");
        }
    }

    /// <summary>Writes each report, also when another cannot be written.</summary>
    /// <exception cref="WrongUsage">Some could not be written; it says which, and why the first could not.</exception>
    public void Write(Results results)
    {
        _missing.Clear();
        Save(ResultsFile, Bounded.ToJson(results));
        Save("report.html", HtmlPage.Render(results));
        Save("junit.xml", JUnit.Render(results));
        Save("summary.md", Summary.Render(results));
        Save("badge.json", Badge.Render(results));
        using var transcripts = new StringWriter();
        Transcripts.Write(results, transcripts);
        Save("transcripts.jsonl", transcripts.ToString());
        if (_missing is [var (_, why), ..])
        {
            var names = string.Join(", ", _missing.Select(file => file.Name));
            throw new WrongUsage($"{why} (not written: {names}). {results.Conclusion.Message}");
        }
    }

    /// <summary>On GitHub Actions, shows the summary on the page of the job.</summary>
    public static void AppendStepSummary(Results results)
    {
        if (Environment.GetEnvironmentVariable("GITHUB_STEP_SUMMARY") is not { Length: > 0 } path)
        {
            return;
        }

        try
        {
            File.AppendAllText(path, Summary.Render(results));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The verdict does not depend on this file.
            Console.Error.WriteLine($"GITHUB_STEP_SUMMARY cannot be written: {e.Message}");
        }
    }

    private void Save(string name, string text)
    {
        try
        {
            CommandLine.WriteFile(System.IO.Path.Combine(Path, name), "--out", text);
        }
        catch (WrongUsage fault)
        {
            _missing.Add((name, fault.Message));
        }
    }
}
