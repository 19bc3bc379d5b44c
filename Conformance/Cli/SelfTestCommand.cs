using System.CommandLine;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Cli;

/// <summary><c>selftest</c>: shows the suite its galleries, and says what it says of them.</summary>
internal static class SelfTestCommand
{
    private const string Description =
        """
        Tests the suite itself: wrong servers have to be found out, for the right reason.

        Examples:
          pubsub-conformance selftest
          pubsub-conformance selftest 'rpl-*'
        """;

    public static Command Create()
    {
        var patterns = new Argument<string[]>("pattern") { Description = "Only servers whose ids fit; * stands for anything.", Arity = ArgumentArity.ZeroOrMore };
        var include = CommandLine.Texts("--include", "Plays only scenarios that fit, as for 'run --include'. May be given more than once.", "PATTERN");
        var repeat = CommandLine.Whole("--repeat", "Plays everything so many times.", 1, 1, 100);
        var command = new Command("selftest", Description) { patterns, include, repeat };
        command.SetAction(async (parsed, cancellation) =>
        {
            var wanted = parsed.GetValue(patterns)!;
            var selection = new Selection { Include = Selection.Parse(parsed.GetValue(include)!) };
            var toothless = All.Scenarios.Where(scenario => selection.Includes(scenario, Catalogue.Embedded.Find(scenario.Requirement))).Select(scenario => scenario.Id).ToHashSet();
            var mutants = Collection.Mutants
                .Where(mutant => wanted.Length == 0 || wanted.Any(pattern => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, mutant.Id)))
                .ToList();
            var objections = 0;
            foreach (var mutant in Enumerable.Repeat(mutants, parsed.GetValue(repeat)).SelectMany(mutants => mutants))
            {
                var clock = TimeProvider.System.GetTimestamp();
                var options = new RunOptions { Transcripts = KeptTranscripts.None, AllowLoad = mutant.UnderLoad, Selection = selection };
                var trial = await MutantTrial.ExecuteAsync(mutant, Catalogue.Embedded, All.Scenarios, options, cancellation);
                Console.WriteLine($"{(trial.Objections.Count == 0 ? "killed" : "WRONG ")} {mutant.Id}  {TimeProvider.System.GetElapsedTime(clock).TotalSeconds:F1} s");
                foreach (var scenario in trial.Results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn or Verdict.Inconclusive or Verdict.Error))
                {
                    Console.WriteLine($"    {scenario.Verdict,-12} {scenario.Id}  {scenario.Message.Replace('\n', ' ').Cut(220)}");
                }

                foreach (var objection in trial.Objections)
                {
                    Console.WriteLine($"  ! {objection.Replace('\n', ' ').Cut(300)}");
                }

                toothless.ExceptWith(trial.Results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn).Select(scenario => scenario.Id));
                objections += trial.Objections.Count;
            }

            Console.WriteLine($"{toothless.Count} scenarios killed nothing: {string.Join(' ', toothless)}");
            return objections == 0 ? ExitCode.Conformant : ExitCode.SuiteError;
        });
        return command;
    }
}
