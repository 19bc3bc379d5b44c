using System.Globalization;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Reports;

/// <summary>Selects the groups of runs for charts.</summary>
internal sealed class ChartData(IReadOnlyList<RunGroup> groups)
{
    private readonly string[] _others = [.. groups.Select(group => group.Contender).Distinct().Where(name => !Palette.Knows(name))];

    public IEnumerable<RunGroup> Of(string scenario) => groups.Where(group => group.Scenario == scenario);

    public string Hex(string contender) => Palette.Hex(contender, Array.IndexOf(_others, contender));

    /// <summary>One line, without the points that were not measured.</summary>
    public Series Line(string contender, IEnumerable<(double X, Spread? Y)> points, string more = "", bool faint = false) => new(
        Palette.Label(contender) + more,
        Hex(contender),
        [
            .. points
                .Where(point => point.Y is not null && double.IsFinite(point.X))
                .Select(point => (point.X, point.Y!))
                .OrderBy(point => point.X),
        ],
        IsOurs: contender == "pubsub",
        IsFaint: faint || contender == "limit");

    /// <summary>A figure over a parameter, one line for each contender.</summary>
    public Series[] Lines(string scenario, string parameter, string figure) =>
    [
        .. Of(scenario)
            .GroupBy(group => group.Contender)
            .Select(own => Line(own.Key, own.Select(group => (group.Parameter(parameter), group.Figure(figure)))))
            .Where(line => line.Points.Count > 0),
    ];

    /// <summary>A tick at each measured value.</summary>
    public IReadOnlyList<(double, string)> Ticks(string scenario, string parameter) =>
    [
        .. Of(scenario)
            .Select(group => group.Parameter(parameter))
            .Where(double.IsFinite)
            .Distinct()
            .Order()
            .Select(at => (at, parameter == Names.Payload ? Axis.Binary(at) : Axis.Short(at))),
    ];

    /// <summary>The payload, if all runs of a chart have the same, and the number of runs.</summary>
    public string Note(string scenario)
    {
        var payloads = Of(scenario).Select(group => group.Parameter(Names.Payload)).Where(double.IsFinite).Distinct().ToArray();
        var runs = Of(scenario).Select(group => group.Runs.Count).DefaultIfEmpty().Max();
        return string.Join(", ", new[]
        {
            payloads.Length == 1 ? string.Create(CultureInfo.InvariantCulture, $"{payloads[0]:N0}-byte payload") : null,
            runs > 1 ? $"median and range of {runs} runs" : "one run",
            "client and server share the machine",
        }.OfType<string>());
    }
}
