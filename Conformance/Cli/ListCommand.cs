using System.CommandLine;
using System.Text.Json;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Cli;

/// <summary><c>list</c>: the requirements and their scenarios.</summary>
internal static class ListCommand
{
    private const string Description =
        """
        Lists requirements and the scenarios that test them.

        Examples:
          pubsub-conformance list
          pubsub-conformance list 'PS-RPL-*' --format json
        """;

    public static Command Create()
    {
        var patterns = new Argument<string[]>("pattern") { Description = "Only what fits, as for 'run --include'.", Arity = ArgumentArity.ZeroOrMore };
        var format = CommandLine.Choice("--format", "How to write it.", "text", "text", "md", "json");
        var command = new Command("list", Description) { patterns, format };
        command.SetAction(parsed =>
        {
            var selection = new Selection { Include = Selection.Parse(parsed.GetValue(patterns)!) };
            var rows = Catalogue.Embedded.Requirements
                .Select(requirement => (requirement, Scenarios: All.Scenarios
                    .Where(scenario => scenario.Requirement == requirement.Id && selection.Includes(scenario, requirement)).ToList()))
                .Where(row => row.Scenarios.Count > 0)
                .ToList();
            if (rows.Count == 0)
            {
                throw new WrongUsage(string.Join('\n', selection.Idle(All.Scenarios, Catalogue.Embedded)));
            }

            Console.Write(parsed.GetValue(format) switch
            {
                "json" => AsJson(rows),
                "md" => string.Concat(rows.Select(row => $"* **{row.requirement.Id}** ({row.requirement.Keyword}) {row.requirement.Text}\n")),
                _ => string.Concat(rows.Select(row => $"{row.requirement.Id,-12} {row.requirement.Keyword,-10} {row.requirement.Text}\n"
                    + string.Concat(row.Scenarios.Select(scenario => $"  {scenario.Id}{Notes(scenario)}\n")))),
            });
            return ExitCode.Conformant;
        });
        return command;
    }

    public static string Notes(Scenario scenario) =>
        (scenario.IsLoad ? "  (load)" : "") + (scenario.IsLaunched ? "  (needs --launch)" : "");

    private static string AsJson(List<(Requirement Requirement, List<Scenario> Scenarios)> rows)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var (requirement, scenarios) in rows)
            {
                json.WriteStartObject();
                json.WriteString("id", requirement.Id);
                json.WriteString("level", requirement.Keyword);
                json.WriteString("profile", requirement.Profile.ToString().ToLowerInvariant());
                json.WriteString("text", requirement.Text);
                json.WriteStartArray("scenarios");
                foreach (var scenario in scenarios)
                {
                    json.WriteStartObject();
                    json.WriteString("id", scenario.Id);
                    json.WriteBoolean("load", scenario.IsLoad);
                    json.WriteBoolean("needsLaunch", scenario.IsLaunched);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
