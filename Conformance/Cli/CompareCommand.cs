using System.CommandLine;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>compare</c>: what changed between two runs.</summary>
internal static class CompareCommand
{
    private const string Description =
        """
        Compares two results.json, the older first. Exit status 1 when a scenario got worse, or is no longer decided.

        Example:
          pubsub-conformance compare before/results.json after/results.json
        """;

    public static Command Create()
    {
        var before = new Argument<string>("before") { Description = "The results.json of the earlier run." };
        var after = new Argument<string>("after") { Description = "The results.json of the later run." };
        var format = CommandLine.Choice("--format", "How to write it.", "text", "text", "md");
        var missing = CommandLine.Flag("--allow-missing", "Accepts that scenarios were not decided again, or are gone.");
        var command = new Command("compare", Description) { before, after, format, missing };
        command.SetAction(parsed =>
        {
            var comparison = Comparison.Of(Read(parsed.GetValue(before)!), Read(parsed.GetValue(after)!));
            var allowed = parsed.GetValue(missing);
            Console.Write(parsed.GetValue(format) == "md" ? comparison.ToMarkdown(allowed) : comparison.ToText(allowed));
            return comparison.HasRegressions(allowed) ? ExitCode.Violation : ExitCode.Conformant;
        });
        return command;
    }

    private static Results Read(string path) => CommandLine.ReadFile(path, "The results", Results.Parse);
}
