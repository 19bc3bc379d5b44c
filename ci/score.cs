// Computes the score of a mutation run. The runner's own score is not used: it counts a timeout as a kill.
//
//   dotnet run --file ci/score.cs -- PART FLOOR SURVIVORS
//
// PART names a folder of StrykerOutput. Its score, killed / (killed + survived), must be at least FLOOR per cent. SURVIVORS says how a
// survivor without a reason in ci/stryker/survivors.json is treated: "forbidden", "listed" or only "counted".

using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var (part, floor, survivors) = (args[0], double.Parse(args[1], CultureInfo.InvariantCulture), args[2]);
var mutants = Report.ReadAll($"StrykerOutput/{part}");
var faults = new List<string>();

List<Mutant> With(string status) => mutants.FindAll(mutant => mutant.Status == status);
var (killed, survived, uncovered, timedOut) = (With("Killed"), With("Survived"), With("NoCoverage"), With("Timeout"));

Console.WriteLine(
    $"{part}: {killed.Count} killed, {survived.Count} survived, {uncovered.Count} not covered, {timedOut.Count} timed out "
    + $"({With("CompileError").Count} more do not compile, {With("Ignored").Count} are part of another)");
if (killed.Count + survived.Count == 0)
{
    faults.Add("no mutant was killed or survived, so there is no score");
}

var covered = Percent(killed.Count, killed.Count + survived.Count);
Console.WriteLine(
    $"{part}: {covered:F1} % of what is covered (at least {floor} %), "
    + $"{Percent(killed.Count, killed.Count + survived.Count + uncovered.Count):F1} % of everything; timeouts count as neither");
if (covered < floor)
{
    faults.Add($"the score is {covered:F1} %, which is less than {floor} %");
}

// With a timeout that is too short most mutants time out, and the score would rest on a few.
if (timedOut.Count > 5 + (mutants.Count / 20))
{
    faults.Add($"{timedOut.Count} mutants timed out, so the score is void: the machine is too busy, or additional-timeout is too short");
}

timedOut.ForEach(mutant => Console.WriteLine($"  timed out: {mutant}"));
if (survivors == "counted")
{
    foreach (var file in survived.Concat(uncovered).CountBy(mutant => mutant.File).OrderBy(file => file.Key, StringComparer.Ordinal))
    {
        Console.WriteLine($"  {file.Value} live in {file.Key}");
    }
}
else
{
    var reasons = Reason.ReadAll("ci/stryker/survivors.json").FindAll(reason => reason.Part == part);
    var alive = survived.Concat(uncovered).ToList();
    foreach (var mutant in alive.Where(mutant => !reasons.Exists(reason => reason.IsOf(mutant))))
    {
        Console.WriteLine($"  no reason in survivors.json: {mutant}");
        if (survivors == "forbidden")
        {
            faults.Add($"lives, and is not in ci/stryker/survivors.json: {mutant}");
        }
    }

    foreach (var reason in reasons.Where(reason => alive.Count(reason.IsOf) is var lives && lives != reason.Times))
    {
        faults.Add($"ci/stryker/survivors.json says that {reason.Times} should live, but {alive.Count(reason.IsOf)} do: {reason}");
    }
}

faults.ForEach(fault => Console.Error.WriteLine($"{part}: FAILED: {fault}"));
if (part == "canary" && faults.Count > 0)
{
    Console.Error.WriteLine(
        "canary: the mutation runner reports wrong results for two functions of one line each (ci/canary), so its other results are void");
}

return faults.Count == 0 ? 0 : 1;

static double Percent(int some, int all) => all == 0 ? 0 : 100.0 * some / all;

/// <summary>A change of one place in the source, and whether a test noticed it.</summary>
/// <param name="Line">Its first source line without indentation; for a block that begins with its brace, the line before as well.</param>
/// <param name="Number">The number of that line, for messages only: it does not identify a mutant.</param>
/// <param name="Place">The range in the source, which distinguishes mutants of one line.</param>
/// <param name="Replacement">The new source text, white space collapsed.</param>
internal sealed record Mutant(string File, string Line, int Number, string Place, string Mutator, string Replacement, string Status)
{
    public override string ToString() => $"{File}:{Number} [{Mutator}] {Line}  =>  {Replacement}";
}

/// <summary>Why a mutant may survive. The source text identifies it, so the entry stays valid when other lines change.</summary>
/// <param name="Times">How many mutants have exactly this description.</param>
internal sealed record Reason(string Part, string File, string Line, string Mutator, string Replacement, int Times)
{
    public static List<Reason> ReadAll(string path)
    {
        using var json = JsonDocument.Parse(System.IO.File.ReadAllText(path));
        return
        [
            .. from part in json.RootElement.EnumerateObject()
               from entry in part.Value.EnumerateArray()
               select new Reason(
                   part.Name,
                   Of(entry, "file"),
                   Of(entry, "line"),
                   Of(entry, "mutator"),
                   Of(entry, "replacement"),
                   entry.TryGetProperty("times", out var times) ? times.GetInt32() : 1),
        ];
    }

    public bool IsOf(Mutant mutant) =>
        (mutant.File, mutant.Line, mutant.Mutator, mutant.Replacement) == (File, Line, Mutator, Replacement);

    public override string ToString() => $"{File} [{Mutator}] {Line}  =>  {Replacement}";

    private static string Of(JsonElement entry, string name) => entry.GetProperty(name).GetString() ?? "";
}

/// <summary>The runner's report. Only the results of the single mutants are read from it.</summary>
internal static partial class Report
{
    /// <summary>Every mutant of a part. A mutant that one slice ignored has its result from another slice.</summary>
    public static List<Mutant> ReadAll(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "mutation-report.json", SearchOption.AllDirectories)
            .SelectMany(Read)
            .GroupBy(mutant => (mutant.File, mutant.Place, mutant.Mutator, mutant.Replacement))
            .Select(same => same.FirstOrDefault(mutant => mutant.Status != "Ignored") ?? same.First())
            .OrderBy(mutant => mutant.File, StringComparer.Ordinal).ThenBy(mutant => mutant.Number),
    ];

    private static List<Mutant> Read(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var root = json.RootElement.GetProperty("projectRoot").GetString()!;
        return
        [
            .. from file in json.RootElement.GetProperty("files").EnumerateObject()
               let lines = file.Value.GetProperty("source").GetString()!.Split('\n')
               from mutant in file.Value.GetProperty("mutants").EnumerateArray()
               let number = mutant.GetProperty("location").GetProperty("start").GetProperty("line").GetInt32()
               select new Mutant(
                   Path.GetRelativePath(".", Path.Combine(root, file.Name)).Replace('\\', '/'),
                   lines[number - 1].Trim() is "{" && number > 1 ? lines[number - 2].Trim() + " {" : lines[number - 1].Trim(),
                   number,
                   mutant.GetProperty("location").GetRawText(),
                   mutant.GetProperty("mutatorName").GetString()!,
                   WhiteSpace().Replace(mutant.GetProperty("replacement").GetString() ?? "", " ").Trim(),
                   mutant.GetProperty("status").GetString()!),
        ];
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
