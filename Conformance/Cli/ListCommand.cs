using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>list</c>: the requirements and their scenarios.</summary>
internal static class ListCommand
{
    private const string Description =
        """
        Lists requirements and the scenarios that test them.
        As JSON it is the whole catalogue: each requirement with all its fields.

        Examples:
          pubsub-conformance list
          pubsub-conformance list 'PS-RPL-*' --format json
        """;

    public static Command Create()
    {
        var patterns = new Argument<string[]>("pattern")
        {
            Description = "Only what fits, as for 'run --include'.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var format = CommandLine.Choice("--format", "How to write it.", "text", "text", "md", "json");
        var command = new Command("list", Description) { patterns, format };
        command.SetAction(parsed =>
        {
            var selection = new Selection { Include = Selection.Parse(parsed.GetValue(patterns)!) };
            var rows = Catalogue.Embedded.Requirements
                .Select(requirement => (requirement, Scenarios: All.Scenarios
                    .Where(scenario => scenario.Requirement == requirement.Id && selection.Includes(scenario, requirement)).ToList()))
                .Where(row => row.Scenarios.Count > 0 || selection.Include.Count == 0)
                .ToList();
            if (rows.Count == 0)
            {
                throw new WrongUsage(string.Join('\n', selection.Idle(All.Scenarios, Catalogue.Embedded)));
            }

            Console.Write(parsed.GetValue(format) switch
            {
                "json" => AsJson(rows),
                "md" => string.Concat(rows.Select(row =>
                    $"* **{row.requirement.Id}** ({row.requirement.Keyword}) {row.requirement.Text}\n")),
                _ => string.Concat(rows.Select(row => $"{row.requirement.Id,-12} {row.requirement.Keyword,-10} {row.requirement.Text}\n"
                    + string.Concat(row.Scenarios.Select(scenario => $"  {scenario.Id}{Notes(scenario)}\n")))),
            });
            return ExitCode.Conformant;
        });
        return command;
    }

    public static string Notes(Scenario scenario) =>
        (scenario.IsLoad ? "  (load)" : "") + (scenario.IsLaunched ? "  (needs --launch)" : "");

    private static string AsJson(List<(Requirement Requirement, List<Scenario> Scenarios)> rows) => JsonSerializer.Serialize(
        [
            .. rows.Select(row => new ListedRequirement(
                row.Requirement.Id,
                row.Requirement.Area,
                row.Requirement.Keyword,
                row.Requirement.Profile.ToString().ToLowerInvariant(),
                row.Requirement.Testability.ToString().ToLowerInvariant(),
                row.Requirement.Text,
                row.Requirement.Intent,
                row.Requirement.Source,
                row.Requirement.Decision,
                row.Requirement.Reason,
                [.. row.Scenarios.Select(scenario => new ListedScenario(scenario.Id, scenario.IsLoad, scenario.IsLaunched))])),
        ],
        ListJson.Default.IReadOnlyListListedRequirement) + "\n";
}

/// <summary>One element of <c>list --format json</c>; fields without a value are left out.</summary>
internal sealed record ListedRequirement(
    string Id,
    string Area,
    string Level,
    string Profile,
    string Testability,
    string Text,
    string Intent,
    string? Source,
    string? Decision,
    string? Reason,
    IReadOnlyList<ListedScenario> Scenarios);

internal sealed record ListedScenario(string Id, bool Load, bool NeedsLaunch);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<ListedRequirement>))]
internal sealed partial class ListJson : JsonSerializerContext;
