using System.CommandLine;
using System.IO.Enumeration;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>selftest</c>: runs the suite against the servers of the galleries, and says whether it judged them rightly.</summary>
internal static class SelfTestCommand
{
    private const string JsonFile = "KILLMATRIX.json";
    private const string PageFile = "KILLMATRIX.md";
    private const int ShownMessage = 200;

    private const string Description =
        """
        Tests the suite itself. A mutant, a server that is wrong in one way, has to fail the requirement that it breaks, for the right
        reason, and no other. Odd but legal servers have to pass. Targets that are no broker may not pass anything. Everything runs in
        this process; no target is needed.

        Examples:
          pubsub-conformance selftest
          pubsub-conformance selftest 'rpl-*' --include RPL --verbose
          pubsub-conformance selftest 'rpl-*' --repeat 10 --write Conformance
        """;

    public static Command Create()
    {
        var patterns = new Argument<string[]>("pattern")
        {
            Description = "Only servers whose ids fit; * stands for anything.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var include = CommandLine.Texts(
            "--include", "Runs only scenarios that fit, as for 'run --include'. May be given more than once.", "PATTERN");
        var repeat = CommandLine.Whole("--repeat", "Repeats everything so many times.", 1, 1, 100);
        var atOnce = CommandLine.Whole("--at-once", "Servers at one time.", new SelfTestOptions().AtOnce, 1, 16);
        var full = CommandLine.Flag("--full", "Runs the scenarios under load, and those that launch servers, against every mutant.");
        var list = CommandLine.Flag("--list", "Lists the servers, and tests none.");
        var verbose = CommandLine.Flag("--verbose", "Says for every server which scenarios failed, and why.");
        var write = CommandLine.Text(
            "--write",
            $"Writes {JsonFile} and {PageFile} there, also when mutants survive, and appends new ids to {IdRegister.FileName}; with "
                + "patterns, only the rows of the servers tested change.",
            "FOLDER");
        var verify = CommandLine.Text("--verify", $"Compares the results with a {JsonFile} that was written before.", "FILE");
        var command = new Command("selftest", Description) { patterns, include, repeat, atOnce, full, list, verbose, write, verify };
        command.SetAction(async (parsed, cancellation) =>
        {
            var wanted = parsed.GetValue(patterns)!;
            var selected = parsed.GetValue(include)!;
            var idle = wanted.FirstOrDefault(pattern =>
                !Collection.Whole.Ids.Any(id => FileSystemName.MatchesSimpleExpression(pattern, id)));
            if (idle is not null)
            {
                throw new WrongUsage($"no server of the galleries fits '{idle}'; see: pubsub-conformance selftest --list");
            }

            var options = new SelfTestOptions
            {
                Shows = id => wanted.Length == 0 || wanted.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, id)),
                Selection = new Selection { Include = Selection.Parse(selected) },
                Repeat = parsed.GetValue(repeat),
                AtOnce = parsed.GetValue(atOnce),
                Full = parsed.GetValue(full),
                IsWhole = wanted.Length + selected.Length == 0,
            };
            if (parsed.GetValue(write) is not null && selected.Length > 0)
            {
                throw new WrongUsage("--write needs every scenario, so no --include");
            }

            if (parsed.GetValue(list))
            {
                List(options);
                return ExitCode.Conformant;
            }

            var recorded = parsed.GetValue(verify) is { } file ? CommandLine.ReadFile(file, "the matrix", KillMatrix.Parse) : null;
            var record = parsed.GetValue(write) is { } folder ? Record.Read(folder, options.IsWhole) : null;
            return await ExecuteAsync(options, parsed.GetValue(verbose), record, recorded, cancellation);
        });
        return command;
    }

    private static async Task<int> ExecuteAsync(
        SelfTestOptions options, bool verbose, Record? record, KillMatrix? recorded, CancellationToken cancellation)
    {
        var catalogue = Catalogue.Embedded;
        var clock = TimeProvider.System.GetTimestamp();
        var test = new SelfTest(Collection.Whole, catalogue, All.Scenarios, options, new Printer(verbose));
        var result = await test.ExecuteAsync(cancellation);

        List<string> objections = [.. result.Objections];
        if (recorded is not null)
        {
            objections.AddRange(recorded.Stale(Collection.Whole, catalogue, All.Scenarios));
            objections.AddRange(recorded.Differences(result.Trials));
        }

        objections.AddRange(record?.Ids.Objections(Record.IdsInUse) ?? []);
        foreach (var objection in objections)
        {
            Console.WriteLine($"  ! {objection}");
        }

        var wrong = result.Showings.Sum(showing => showing.Objections.Count) + objections.Count;
        var mutants = result.Trials.Count;
        Console.WriteLine(
            $"{mutants} mutants, {result.Showings.Count - mutants} other servers, {All.Scenarios.Count} scenarios, "
            + $"{TimeProvider.System.GetElapsedTime(clock).TotalSeconds:F0} s: "
            + $"{(wrong == 0 ? "everything is as it should be" : $"{wrong} objections")}.");
        record?.Write(result);
        return wrong == 0 ? ExitCode.Conformant : ExitCode.SuiteError;
    }

    private static void List(SelfTestOptions options)
    {
        var rows = Collection.Whole.Mutants.Select(mutant => (mutant.Id, Story: mutant.Fault))
            .Concat(Collection.Whole.Benign.Select(server => (server.Id, Story: server.Oddity)))
            .Concat(Collection.Whole.Strangers.Select(server => (server.Id, Story: server.Habits)))
            .Concat(Collection.Whole.NullTargets.Select(target => (target.Id, Story: target.Nature)));
        foreach (var (id, story) in rows.Where(row => options.Shows(row.Id)))
        {
            Console.WriteLine($"{id,-40} {story}");
        }
    }

    /// <summary>The files that <c>--write</c> updates, read before the test, so that a wrong folder costs no time.</summary>
    private sealed record Record(string Folder, KillMatrix Matrix, IdRegister Ids)
    {
        private const int ShownIds = 10;

        public static IReadOnlyList<string> IdsInUse => IdRegister.InUse(Catalogue.Embedded, All.Scenarios, Collection.Whole);

        public static Record Read(string folder, bool isWhole) => new(
            folder,
            isWhole ? KillMatrix.Empty : CommandLine.ReadFile(Path.Combine(folder, JsonFile), "the matrix", KillMatrix.Parse),
            new(CommandLine.ReadFile(Path.Combine(folder, IdRegister.FileName), "the register of ids")));

        public void Write(SelfTestResult result)
        {
            var matrix = Matrix.With(result, Collection.Whole, Catalogue.Embedded);
            var stale = matrix.Stale(Collection.Whole, Catalogue.Embedded, All.Scenarios);
            var missing = Ids.Missing(IdsInUse);
            Write(JsonFile, matrix.ToJson(), $"rows changed: {Listed(matrix.Changed(Matrix))}");
            Write(PageFile, KillMatrixPage.Render(matrix, [.. stale, .. matrix.Weaknesses]), "made of it");
            if (missing.Count > 0)
            {
                Write(IdRegister.FileName, Ids.With(missing), $"appended: {Listed(missing)}");
            }
        }

        private void Write(string file, string text, string what)
        {
            var path = Path.Combine(Folder, file);
            CommandLine.WriteFile(path, "--write", text);
            Console.WriteLine($"Written to {path}; {what}");
        }

        private static string Listed(IReadOnlyList<string> ids) => ids.Count switch
        {
            0 => "none",
            <= ShownIds => string.Join(", ", ids),
            _ => $"{string.Join(", ", ids.Take(ShownIds))} and {ids.Count - ShownIds} more",
        };
    }

    /// <summary>Prints one line for each server as soon as it has been tested, and one for each objection.</summary>
    private sealed class Printer(bool verbose) : IProgress<Showing>
    {
        private readonly Lock _gate = new();

        public void Report(Showing value)
        {
            lock (_gate)
            {
                var outcome = value.Objections.Count == 0 ? "as it should be" : "WRONG         ";
                Console.WriteLine($"{outcome}  {value.Id,-40} {value.Duration.TotalSeconds,6:F1} s");
                foreach (var objection in value.Objections)
                {
                    Console.WriteLine($"  ! {Line(objection)}");
                }

                if (verbose)
                {
                    var doubtful = value.Results?.Scenarios
                        .Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn or Verdict.Inconclusive);
                    foreach (var scenario in doubtful ?? [])
                    {
                        var verdict = scenario.Verdict.ToString().ToLowerInvariant();
                        Console.WriteLine($"    {verdict,-12} {scenario.Id}: {Line(scenario.Message)}");
                    }
                }
            }
        }

        private static string Line(string text) => text.ReplaceLineEndings(" ").Cut(ShownMessage);
    }
}
