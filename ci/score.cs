// What a run of the mutation runner comes to. The runner's own score is not used: it counts a timeout as a kill.
//
//   dotnet run --file ci/score.cs -- PART FLOOR SURVIVORS
//
// PART names a folder of StrykerOutput. Its score, killed of killed and survived, must be at least FLOOR per cent. SURVIVORS says what
// becomes of a mutant that lives though ci/stryker/survivors.json gives no reason for it: "forbidden", "listed" or only "counted".

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
    faults.Add("nothing was judged, so nothing is known");
}

var covered = Percent(killed.Count, killed.Count + survived.Count);
Console.WriteLine(
    $"{part}: {covered:F1} % of what is covered (at least {floor} %), "
    + $"{Percent(killed.Count, killed.Count + survived.Count + uncovered.Count):F1} % of everything; timeouts count as neither");
if (covered < floor)
{
    faults.Add($"the score is {covered:F1} %, which is less than {floor} %");
}

// A runner in a hurry calls everything a timeout, and then a few mutants would stand for all.
if (timedOut.Count > 5 + (mutants.Count / 20))
{
    faults.Add($"{timedOut.Count} mutants timed out: the machine is too busy, or additional-timeout too short, to say anything");
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
        Console.WriteLine($"  no reason to live: {mutant}");
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
        "canary: the mutation runner does not tell the truth about two functions of one line each (ci/canary), so nothing that it says of others is believed");
}

return faults.Count == 0 ? 0 : 1;

static double Percent(int some, int all) => all == 0 ? 0 : 100.0 * some / all;

/// <summary>A change of one place, and what became of it.</summary>
/// <param name="Line">The source line that it begins on, without its indentation; for a block that begins with its brace, the line before as well.</param>
/// <param name="Number">That line's number, for people: it is no part of what a mutant is known by.</param>
/// <param name="Place">From where to where, to tell it from its neighbours.</param>
/// <param name="Replacement">What stands there instead, white space collapsed.</param>
internal sealed record Mutant(string File, string Line, int Number, string Place, string Mutator, string Replacement, string Status)
{
    public override string ToString() => $"{File}:{Number} [{Mutator}] {Line}  =>  {Replacement}";
}

/// <summary>Why a mutant may live; known by its source text, so that it stays true when other lines come and go.</summary>
/// <param name="Times">How many mutants there are of just this description.</param>
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

/// <summary>The runner's report, of which only what it says of each single mutant is taken.</summary>
internal static partial class Report
{
    /// <summary>Every mutant of a part. What one slice left out, another has judged.</summary>
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
