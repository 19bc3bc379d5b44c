// Merges the coverage of several test projects and compares it with a floor for each project of the product.
//
//   dotnet run --file ci/coverage.cs -- FOLDER REPORTS PROJECT=FLOOR...
//
// FOLDER is searched for coverage.json, as coverlet writes it; REPORTS is how many there must be. A branch counts once if any test
// project took it. Exits with 1 below a floor, and with 2 if a report is missing or empty. Coverlet sometimes writes an empty report;
// it must not count as full coverage.

using System.Globalization;
using System.Text.Json;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var reports = Directory.GetFiles(args[0], "coverage.json", SearchOption.AllDirectories);
var expected = int.Parse(args[1], CultureInfo.InvariantCulture);
var floors = args.Skip(2)
    .Select(floor => floor.Split('='))
    .ToDictionary(floor => floor[0], floor => double.Parse(floor[1], CultureInfo.InvariantCulture));
if (reports.Length != expected)
{
    Console.Error.WriteLine($"coverage: FAILED: there are {reports.Length} reports instead of {expected}");
    return 2;
}

var reached = floors.Keys.ToDictionary(project => project, _ => new Reached());

foreach (var report in reports)
{
    using var json = JsonDocument.Parse(File.ReadAllText(report));
    var lines = 0;
    foreach (var module in json.RootElement.EnumerateObject())
    {
        if (reached.TryGetValue(Path.GetFileNameWithoutExtension(module.Name), out var project))
        {
            lines += project.Add(module.Value);
        }
    }

    if (lines == 0)
    {
        Console.Error.WriteLine($"coverage: FAILED: {report} has no line of {string.Join(" or ", floors.Keys)}");
        return 2;
    }
}

var status = 0;
foreach (var (project, floor) in floors)
{
    var (lines, branches) = (reached[project].ByLine, reached[project].ByBranch);
    Console.WriteLine(
        $"coverage: {project}: {branches.Percent:F1} % of {branches.Count} branches (at least {floor} %), "
        + $"{lines.Percent:F1} % of {lines.Count} lines");
    Console.WriteLine($"  branches never taken: {string.Join(", ", branches.Missed)}");
    if (lines.Count == 0 || branches.Count == 0 || branches.Percent < floor)
    {
        Console.Error.WriteLine($"coverage: FAILED: {project} is below its floor");
        status = 1;
    }
}

return status;

/// <summary>The lines and branches of one project, and which of them a test of any test project reached.</summary>
internal sealed class Reached
{
    public Places ByLine { get; } = new();

    public Places ByBranch { get; } = new();

    /// <returns>How many lines the report lists.</returns>
    public int Add(JsonElement module)
    {
        var lines = 0;
        foreach (var file in module.EnumerateObject())
        {
            var name = Path.GetRelativePath(".", file.Name).Replace('\\', '/');
            foreach (var method in file.Value.EnumerateObject().SelectMany(type => type.Value.EnumerateObject()))
            {
                foreach (var line in method.Value.GetProperty("Lines").EnumerateObject())
                {
                    ByLine.Note(name, int.Parse(line.Name, CultureInfo.InvariantCulture), "", line.Value.GetInt32());
                    lines++;
                }

                foreach (var branch in method.Value.GetProperty("Branches").EnumerateArray())
                {
                    int Of(string property) => branch.GetProperty(property).GetInt32();
                    ByBranch.Note(name, Of("Line"), $"{method.Name} {Of("Offset")} {Of("Path")} {Of("Ordinal")}", Of("Hits"));
                }
            }
        }

        return lines;
    }
}

/// <summary>Places in the source, and which of them were reached.</summary>
internal sealed class Places
{
    private readonly Dictionary<(string File, int Line, string Within), bool> _all = [];

    public int Count => _all.Count;

    public double Percent => Count == 0 ? 0 : 100.0 * _all.Values.Count(reached => reached) / Count;

    public IEnumerable<string> Missed => _all
        .Where(place => !place.Value)
        .Select(place => (place.Key.File, place.Key.Line))
        .Distinct()
        .Order()
        .Select(place => $"{place.File}:{place.Line}");

    public void Note(string file, int line, string within, int hits)
    {
        var place = (file, line, within);
        _all[place] = hits > 0 || _all.GetValueOrDefault(place);
    }
}
