using System.CommandLine;
using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>explain</c>: one requirement in full, and how to run it.</summary>
internal static class ExplainCommand
{
    private const string Description =
        """
        Explains a requirement: its sentence, why it is there, where it comes from, which scenarios test it.
        It also lists the mutants, servers that are wrong on purpose, that the requirement has to kill.

        Example:
          pubsub-conformance explain PS-SUB-004
        """;

    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "A requirement (PS-SUB-004) or a scenario (PS-SUB-004/...)." };
        var command = new Command("explain", Description) { id };
        command.SetAction(parsed =>
        {
            var asked = parsed.GetValue(id)!;
            var requirement = Catalogue.Embedded.Find(asked.Split('/')[0].ToUpperInvariant());
            var scenarios = All.Scenarios
                .Where(scenario => scenario.Requirement == requirement?.Id
                    && (!asked.Contains('/', StringComparison.Ordinal) || scenario.Id.Equals(asked, StringComparison.OrdinalIgnoreCase)))
                .ToList();
            if (requirement is null || (scenarios.Count == 0 && asked.Contains('/', StringComparison.Ordinal)))
            {
                throw new WrongUsage($"There is no requirement or scenario '{asked}'. 'pubsub-conformance list' shows them all.");
            }

            Console.Write(Explain(requirement, scenarios));
            return ExitCode.Conformant;
        });
        return command;
    }

    private static string Explain(Requirement requirement, IReadOnlyList<Scenario> scenarios)
    {
        var text = new StringBuilder()
            .AppendLine($"{requirement.Id} ({requirement.Keyword}, profile {requirement.Profile.ToString().ToLowerInvariant()})")
            .AppendLine()
            .AppendLine(requirement.Text)
            .AppendLine()
            .AppendLine($"Why:       {requirement.Intent}");
        if (requirement.Source is { } source)
        {
            text.AppendLine($"Source:    {source}");
        }

        if (requirement.Decision is { } decision)
        {
            text.AppendLine($"Decision:  {decision}");
        }

        foreach (var dialect in Dialect.Known.Where(dialect => dialect.LeavesOpen.ContainsKey(requirement.Id)))
        {
            text.AppendLine($"Dialect:   {dialect.Name} leaves it open. {dialect.LeavesOpen[requirement.Id]}");
        }

        text.AppendLine().AppendLine("Scenarios:");
        foreach (var scenario in scenarios)
        {
            text.AppendLine($"  {scenario.Id}{ListCommand.Notes(scenario)}");
        }

        var also = All.Scenarios.Where(scenario => scenario.Also.Contains(requirement.Id)).Select(scenario => scenario.Id).ToList();
        if (also.Count > 0)
        {
            text.AppendLine($"  also noticed by {string.Join(", ", also)}");
        }

        var mutants = Collection.Whole.Mutants.Where(mutant => mutant.Kills.Any(kill => kill.Requirement == requirement.Id)).ToList();
        if (mutants.Count > 0)
        {
            text.AppendLine().AppendLine("Mutants that it has to kill (pubsub-conformance selftest MUTANT):");
            text.AppendJoin("", mutants.Select(mutant => $"  {mutant.Id}  {mutant.Fault}{Environment.NewLine}"));
        }

        var needs = (scenarios.Any(scenario => scenario.IsLoad) ? " --allow load" : "")
            + (scenarios.Any(scenario => scenario.IsLaunched) ? " --launch COMMAND" : "");
        return text
            .AppendLine()
            .AppendLine("Run it alone, and see what crosses the wire:")
            .AppendLine($"  pubsub-conformance run --url URL --include {requirement.Id} --transcripts all --out results{needs}")
            .ToString();
    }
}
