using System.Globalization;
using System.Net;
using System.Text;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Reports;

/// <summary>One self-contained HTML page: the charts, every median with its range, the failures, the machine and the versions.</summary>
internal sealed class Page(
    IReadOnlyList<ResultsFile> files, IReadOnlyList<RunGroup> groups, IReadOnlyDictionary<string, string> questions)
{
    private const string Head =
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Measured</title>
        <style>
        :root { color-scheme: light }
        body { font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; color: #1b2430 }
        body { max-width: 1000px; margin: 3rem auto; padding: 0 1.5rem }
        h1 { font-size: 2rem; margin-bottom: .2rem }
        h2 { font-size: 1.35rem; margin: 3.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid #e3e7ec }
        nav a { margin-right: 1rem } a { color: #0b5cad; text-decoration: none } a:hover { text-decoration: underline }
        img { width: 100%; height: auto; margin: 1rem 0 } .quiet { color: #5d6b7a }
        table { border-collapse: collapse; font-size: .84rem; margin: 1rem 0; font-variant-numeric: tabular-nums }
        table { display: block; overflow-x: auto }
        th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e3e7ec; white-space: nowrap }
        th { color: #5d6b7a; font-weight: 600 } td:first-child, th:first-child, td:nth-child(2), th:nth-child(2) { text-align: left }
        td small { color: #5d6b7a } .failed { color: #b00020; font-weight: 600 }
        pre { white-space: pre-wrap; font-size: .84rem; background: #f6f8fa; padding: 1rem }
        </style></head><body>

        """;

    public string Render(IReadOnlyList<(string Scenario, IChart Chart)> charts, string chartFolder)
    {
        var html = new StringBuilder(Head);
        var failed = groups.Sum(group => group.Failed);
        var order = questions.Keys.ToList();
        var scenarios = groups.Select(group => group.Scenario).Distinct().OrderBy(order.IndexOf).ToArray();
        var runs = groups.Sum(group => group.Runs.Count);
        html.Append(CultureInfo.InvariantCulture, $"<h1>Measured</h1><p class=\"quiet\">{runs} runs, each checked: ")
            .Append(failed == 0
                ? "nothing was lost, duplicated, reordered or leaked in any of them."
                : $"<span class=\"failed\">{failed} failed.</span>")
            .Append("</p><nav>")
            .AppendJoin("", scenarios.Select(scenario => $"<a href=\"#{scenario}\">{scenario}</a>"))
            .Append("</nav>\n");
        foreach (var scenario in scenarios)
        {
            var question = Text(questions.GetValueOrDefault(scenario, scenario));
            html.Append(CultureInfo.InvariantCulture, $"<h2 id=\"{scenario}\">{question}</h2>\n");
            foreach (var (_, chart) in charts.Where(one => one.Scenario == scenario))
            {
                var png = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(chartFolder, $"{chart.Name}.png")));
                html.Append(CultureInfo.InvariantCulture, $"<img alt=\"{Text(chart.Title)}\" src=\"data:image/png;base64,{png}\">\n");
            }

            Table(html, [.. groups.Where(group => group.Scenario == scenario)]);
        }

        html.Append("<h2 id=\"setting\">Where and with what</h2>\n");
        foreach (var setting in files.Select(file => file.Setting))
        {
            var memory = $"{setting.MemoryBytes / 1e9:0.#} GB";
            html.Append(CultureInfo.InvariantCulture, $"<pre>{Text($"""
                {setting.Started:u}  {setting.CommandLine}
                {setting.Machine}, {setting.Cores} cores, {memory}, {setting.OperatingSystem}; client {setting.Runtime}
                {setting.Placement}
                {string.Join('\n', setting.Contenders.Select(one => $"{(one.Absent ? "absent: " : "")}{one.Name}: {one.Version}"))}
                """)}</pre>\n");
        }

        return html.Append("</body></html>\n").ToString();
    }

    private static void Table(StringBuilder html, IReadOnlyList<RunGroup> own)
    {
        // Parameters that all groups share are printed above the table.
        var constants = own.SelectMany(group => group.Parameters.Keys).Distinct()
            .Where(name => own.Select(group => group.Parameter(name)).Distinct().Count() == 1).ToArray();
        var figures = own.SelectMany(group => group.Runs)
            .SelectMany(run => run.Figures.Select(figure => (figure.Key, figure.Value.Unit)))
            .Distinct()
            .ToArray();
        var latencies = own.SelectMany(group => group.Runs).SelectMany(run => run.Latencies.Keys).Distinct().ToArray();
        if (constants.Length > 0)
        {
            html.Append("<p class=\"quiet\">")
                .AppendJoin(", ", constants.Select(name => $"{name} {Summary.Number(own[0].Parameter(name))}"))
                .Append("</p>");
        }

        html.Append("<table><tr><th>load</th><th>server</th><th>runs</th>")
            .AppendJoin("", figures.Select(figure => $"<th>{figure.Key}, {Text(figure.Unit)}</th>"))
            .AppendJoin("", latencies.Select(name => $"<th>{name} p50 / p99 / p99.9 / max, ms</th>"))
            .Append("</tr>\n");
        var columns = 3 + figures.Length + latencies.Length;
        foreach (var group in own)
        {
            var parameters = group.Parameters
                .Where(one => !constants.Contains(one.Key))
                .Select(one => $"{one.Key} {Summary.Number(one.Value)}");
            var load = Text(string.Join(", ", new[] { group.Variant }.OfType<string>().Concat(parameters)));
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{load}</td><td>{Text(group.Contender)}</td><td>{group.Runs.Count}</td>")
                .AppendJoin("", figures.Select(figure => $"<td>{(group.Figure(figure.Key) is { } spread ? Range(spread) : "")}</td>"))
                .AppendJoin("", latencies.Select(name => $"<td>{Percentiles(group, name)}</td>"))
                .Append("</tr>\n");
            foreach (var failure in group.Runs.Select(run => run.Failure).OfType<string>().Distinct())
            {
                html.Append(
                    CultureInfo.InvariantCulture,
                    $"<tr><td colspan=\"{columns}\" class=\"failed\">{group.Failed} failed: {Text(failure)}</td></tr>\n");
            }
        }

        html.Append("</table>\n");
    }

    private static string Percentiles(RunGroup group, string name)
    {
        Func<Percentiles, double>[] read = [p => p.P50, p => p.P99, p => p.P999, p => p.Max];
        return string.Join(
            " / ",
            read.Select(one => group.Latency(name, one)).OfType<Spread>().Select(one => Summary.Number(one.Median / 1000)));
    }

    private static string Range(Spread spread) => spread.Max > spread.Min
        ? $"{Summary.Number(spread.Median)} <small>{Summary.Number(spread.Min)}..{Summary.Number(spread.Max)}</small>"
        : Summary.Number(spread.Median);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
