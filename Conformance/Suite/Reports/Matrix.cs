using System.Text;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>One implementation as a column of the matrix, named by its file or folder.</summary>
public sealed record Implementation(string Name, Results Results);

/// <summary>Many implementations side by side: the status of each profile, and the requirements that each violates.</summary>
public sealed class Matrix
{
    private readonly Implementation[] _columns;
    private readonly RequirementResult[] _requirements;
    private readonly string[] _profiles;
    private readonly Dictionary<string, RequirementResult>[] _statuses;

    private Matrix(IEnumerable<Implementation> implementations)
    {
        _columns = [.. implementations.OrderBy(implementation => implementation.Name, StringComparer.Ordinal)];
        _profiles = [.. _columns.SelectMany(column => column.Results.Profiles).Select(profile => profile.Name).Distinct()];
        _requirements = [.. _columns.SelectMany(column => column.Results.Requirements).DistinctBy(requirement => requirement.Id)];
        _statuses = [.. _columns.Select(column => column.Results.Requirements.DistinctBy(one => one.Id).ToDictionary(one => one.Id))];
    }

    public static Matrix Of(IEnumerable<Implementation> implementations) => new(implementations);

    public string ToMarkdown()
    {
        var text = new StringBuilder("| Profile |");
        foreach (var column in _columns)
        {
            text.Append($" {Markdown.Prose(column.Name, 80)} |");
        }

        text.Append("\n|---|").Insert(text.Length, "---|", _columns.Length).Append('\n');
        foreach (var profile in _profiles)
        {
            text.Append($"| {Markdown.Prose(profile, 60)} |");
            foreach (var column in _columns)
            {
                var one = ProfileOf(column, profile);
                text.Append($" {(one is null ? "\u2013" : $"{Words.Of(one.Conformity)} {one.Satisfied}/{one.Requirements}")} |");
            }

            text.Append('\n');
        }

        text.Append("\n| Requirement | Violated by | Not followed by |\n|---|---|---|\n");
        foreach (var requirement in _requirements)
        {
            string[] violators = [.. Who(requirement.Id, RequirementStatus.Violated)];
            string[] warned = [.. Who(requirement.Id, RequirementStatus.Warned)];
            if (violators.Length + warned.Length > 0)
            {
                text.Append($"| {Markdown.Code(requirement.Id, 60)} {Markdown.Prose(requirement.Text, 300)} ");
                text.Append($"| {Markdown.Prose(string.Join(", ", violators))} | {Markdown.Prose(string.Join(", ", warned))} |\n");
            }
        }

        foreach (var caveat in Caveats())
        {
            text.Append($"\n{Markdown.Prose(caveat)}\n");
        }

        return text.ToString();
    }

    public string ToHtml() => Template.Fill("matrix.html", new Dictionary<string, string>
    {
        ["count"] = Words.Count(_columns.Length, "implementation"),
        ["caveats"] = string.Concat(Caveats().Select(caveat => $"<p class=\"notice\">{Template.Html(caveat)}</p>\n")),
        ["columns"] = string.Concat(_columns.Select(column => $"<th scope=\"col\">{Template.Html(column.Name, 80)}</th>")),
        ["runs"] = string.Concat(_columns.Select(Run)),
        ["profiles"] = string.Concat(_profiles.Select(ProfileRow)),
        ["areas"] = string.Concat(_requirements.Select(one => $"<option>{Template.Html(one.Area, 40)}</option>").Distinct()),
        ["requirements"] = string.Concat(_requirements.Select(RequirementRow)),
    });

    private static ProfileResult? ProfileOf(Implementation column, string profile) =>
        column.Results.Profiles.FirstOrDefault(one => one.Name == profile);

    private static string Run(Implementation column)
    {
        var results = column.Results;
        var target = results.Target;
        var conclusion = Words.Of(results.Conclusion.Kind);
        return $"""
            <tr><th scope="row">{Template.Html(column.Name, 80)}</th>
            <td><span class="pill is-{conclusion}">{Words.Prose(results.Conclusion.Kind)}</span></td>
            <td class="data">{Template.Html(target.Place, 300)}</td><td class="data">{Template.Html(target.Dialect, 60)}</td>
            <td>{Words.Moment(results.Started)}</td>
            <td class="data">{Template.Html(results.Suite.SpecVersion, 40)} / {Template.Html(results.Suite.Version, 40)}</td></tr>

            """;
    }

    private string ProfileRow(string profile)
    {
        var cells = _columns.Select(column => ProfileOf(column, profile) is { } one
            ? Cell(Words.Of(one.Conformity), $" <span class=\"count\">{one.Satisfied}/{one.Requirements}</span>")
            : Cell(null));
        return $"<tr><th scope=\"row\">{Template.Html(profile, 60)}</th>{string.Concat(cells)}</tr>\n";
    }

    private string RequirementRow(RequirementResult requirement)
    {
        string?[] states = [.. _statuses.Select(column => column.TryGetValue(requirement.Id, out var one) ? Words.Of(one.Status) : null)];
        var bad = states.Any(state => state is "violated" or "warned" or "error");
        var differ = states.Distinct().Count() > 1;
        var id = Template.Html(requirement.Id, 60);
        return $"""
            <tr id="{id}" data-area="{Template.Html(requirement.Area, 40)}" data-bad="{(bad ? 1 : 0)}" data-differ="{(differ ? 1 : 0)}">
            <th scope="row"><a href="#{id}">{id}</a> <span class="level">{Words.Of(requirement.Level)}</span>
            <span class="sentence data">{Sentence(requirement.Text)}</span></th>{string.Concat(states.Select(state => Cell(state)))}</tr>

            """;
    }

    private static string Cell(string? state, string more = "") => state is null
        ? "<td><span class=\"none\">not tested</span></td>"
        : $"<td><span class=\"pill is-{state}\">{state}</span>{more}</td>";

    private static string Sentence(string text) => string.Concat(Words.Pieces(text).Select(piece =>
        piece.IsCode ? $"<code>{Template.Html(piece.Text, 2000)}</code>" : Template.Html(piece.Text, 2000)));

    private IEnumerable<string> Who(string requirement, RequirementStatus status) =>
        _columns.Where((_, i) => _statuses[i].GetValueOrDefault(requirement)?.Status == status).Select(column => column.Name);

    /// <summary>Why columns may not be comparable: they were tested against different requirements, or a run was incomplete.</summary>
    private IEnumerable<string> Caveats()
    {
        var catalogues = _columns.GroupBy(column => column.Results.Suite.Catalogue).ToList();
        if (catalogues.Count > 1)
        {
            yield return "Not judged by the same requirements: " + string.Join("; ", catalogues.Select(group =>
                $"{string.Join(", ", group.Select(column => column.Name))} by "
                + $"{group.First().Results.Suite.SpecVersion} ({Visible.Line(group.Key, 12)})"));
        }

        foreach (var column in _columns.Where(column => column.Results.Ending.Kind != EndingKind.Completed))
        {
            yield return $"The run of {column.Name} did not come to its end ({Words.Of(column.Results.Ending.Kind)}).";
        }
    }
}
