using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Gallery;

/// <summary>The summary of the matrix as a page of Markdown.</summary>
internal static class KillMatrixPage
{
    private const int ShownAttention = 40;

    /// <param name="attention">A sentence for each thing that is stale or weak.</param>
    public static string Render(KillMatrix matrix, IReadOnlyList<string> attention)
    {
        var killers = matrix.Mutants.SelectMany(row => row.Always).CountBy(id => id).ToDictionary(StringComparer.Ordinal);
        var declared = matrix.Mutants.SelectMany(row => row.Kills.Keys).CountBy(id => id).ToDictionary(StringComparer.Ordinal);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # The kill matrix: what proves that the suite has teeth, and does not bite the innocent

            The suite was shown servers whose verdict is known. This page sums up how it judged them. [KILLMATRIX.json](KILLMATRIX.json) has
            one line for each server, and `Conformance/Gallery` has the servers.

            | | |
            |---|--:|
            | Mutants: servers that are wrong in one way | {matrix.Mutants.Count} |
            | of these killed by every declared requirement, every time | {matrix.Mutants.Count(row => !row.Survived.Any())} |
            | Scenarios that kill at least one mutant every time | {killers.Count} |
            | Legal but odd servers, on which every scenario has to pass | {matrix.Benign.Count} |
            | Servers with the habits of independent implementations, whose exact verdict is declared | {matrix.Strangers.Count} |
            | Null targets, on which none may pass | {matrix.NullTargets.Count} |
            | Passes on null targets, each excused with a reason | {matrix.NullTargets.Sum(row => row.Excused.Count)} |
            | Showings of each server, at least | {matrix.Rows.Select(row => row.Repetitions).DefaultIfEmpty(0).Min()} |

            ## How to read it

            A mutant has to be killed by each requirement that is declared for it, with a message that names the reason. No requirement may
            fail or warn that is not declared for it. A mutant meets every scenario, with three exceptions: scenarios under load, and those
            that launch servers, are shown only to mutants that are declared to break something in their area, and lengthy ones only to
            mutants that are declared to break their requirement. `selftest --full` shows everything to all.

            * `pubsub-conformance explain PS-SUB-004` lists the mutants that a requirement has to kill.
            * `pubsub-conformance selftest --list` lists every server; `selftest sub-ack-without-topic --verbose` shows one.
            * A line of KILLMATRIX.json has what the mutant must be killed by (`kills`: requirements, and fragments of their messages), each
              requirement with the hash of the sentence it was shown, and the scenarios that failed or warned `always` and `sometimes`.

            ## How to make it

            `ci/selftest 'sub-*' --repeat 10 --write Conformance` shows the servers that fit the pattern, replaces their rows and no others,
            and appends new ids to `ids.lock`. Without a pattern, it shows everything. A requirement that changes makes the rows stale that
            declare it; a new scenario is in the matrix as soon as one row has it kill its mutant.

            ## By area

            *One kill*: scenarios that kill only one mutant. *One mutant*: requirements that are declared to kill only one mutant.

            | Area | Requirements | Scenarios | Mutants | One kill | One mutant |
            |---|--:|--:|--:|--:|--:|

            """);
        foreach (var area in matrix.Mutants.GroupBy(row => row.Id.Split('-')[0].ToUpperInvariant()))
        {
            var scenarios = killers.Keys.Where(IsOfArea).ToList();
            var requirements = declared.Keys.Union(scenarios.Select(id => id.Split('/')[0])).Where(IsOfArea).ToList();
            var oneKill = scenarios.Count(id => killers[id] == 1);
            var oneMutant = requirements.Count(id => declared.GetValueOrDefault(id) == 1);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {area.Key} | {requirements.Count} | {scenarios.Count} | {area.Count()} | {oneKill} | {oneMutant} |\n");

            bool IsOfArea(string id) => id.Split('-')[1] == area.Key;
        }

        text.Append("\n## Needs attention\n\n");
        var lines = attention.Take(ShownAttention).Select(one => $"* {one.ReplaceLineEndings(" ")}\n");
        text.Append(attention.Count == 0 ? "Nothing.\n" : string.Concat(lines));
        text.Append(attention.Count > ShownAttention
            ? string.Create(CultureInfo.InvariantCulture, $"* and {attention.Count - ShownAttention} more\n")
            : "");
        return text.ToString();
    }
}
