using System.CommandLine;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>matrix</c>: many implementations side by side.</summary>
internal static class MatrixCommand
{
    private const string Description =
        """
        Puts every results.json below a folder side by side; each implementation is named after its folder.

        Example:
          pubsub-conformance matrix results --html matrix.html
        """;

    public static Command Create()
    {
        var folder = new Argument<string>("folder")
        {
            Description = "Where the results are, such as results/<implementation>/results.json.",
        };
        var html = CommandLine.Text("--html", "Writes a page as well.", "FILE");
        var command = new Command("matrix", Description) { folder, html };
        command.SetAction(parsed =>
        {
            var root = parsed.GetValue(folder)!;
            var implementations = Files(root)
                .Select(file => new Implementation(NameOf(root, file), CommandLine.ReadFile(file, "The results", Results.Parse)))
                .ToList();
            if (implementations.Count == 0)
            {
                throw new WrongUsage($"There is no {ReportFolder.ResultsFile} below '{root}'.");
            }

            var matrix = Matrix.Of(implementations);
            Console.Write(matrix.ToMarkdown());
            if (parsed.GetValue(html) is { } path)
            {
                CommandLine.WriteFile(path, "--html", matrix.ToHtml());
            }

            return ExitCode.Conformant;
        });
        return command;
    }

    private static List<string> Files(string root)
    {
        try
        {
            return [.. Directory.EnumerateFiles(root, ReportFolder.ResultsFile, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new WrongUsage($"The folder '{root}' cannot be read: {e.Message}");
        }
    }

    private static string NameOf(string root, string file)
    {
        var name = Path.GetDirectoryName(Path.GetRelativePath(root, file))!.Replace('\\', '/');
        return name.Length > 0 ? name : Path.GetFileName(Path.GetFullPath(root));
    }
}
