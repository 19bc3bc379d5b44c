using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// The text of <c>Conformance/ids.lock</c>: every id that was ever used, one a line as <c>KIND ID</c>, oldest first. It only grows. An id
/// that is no longer used is marked <c>retired</c> by hand, so that it is never used again for something else.
/// </summary>
internal sealed class IdRegister(string text)
{
    public const string FileName = "ids.lock";

    private readonly List<string[]> _rows =
        [.. text.ReplaceLineEndings("\n").Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))];

    /// <summary>All present ids in the form of the register: requirements, then scenarios, then servers.</summary>
    public static IReadOnlyList<string> InUse(Catalogue catalogue, IReadOnlyList<Scenario> scenarios, Collection collection) =>
    [
        .. catalogue.Requirements.Select(requirement => $"requirement {requirement.Id}"),
        .. scenarios.Select(scenario => $"scenario {scenario.Id}"),
        .. collection.Ids.Select(id => $"server {id}"),
    ];

    /// <summary>The ids that are not registered.</summary>
    public IReadOnlyList<string> Missing(IEnumerable<string> used) => [.. used.Except(_rows.Select(IdOf))];

    /// <summary>The text with these ids appended.</summary>
    public string With(IEnumerable<string> missing) => $"{text.TrimEnd('\n')}\n{string.Concat(missing.Select(id => $"{id}\n"))}";

    /// <summary>One sentence for each line that is malformed, repeated or contradicts these ids; a person has to correct it.</summary>
    public IEnumerable<string> Objections(IReadOnlyCollection<string> used)
    {
        var retired = _rows.Where(row => row is [_, _, "retired"]).Select(IdOf).ToHashSet(StringComparer.Ordinal);
        IEnumerable<string> problems =
        [
            .. _rows.Where(row => row is not ([_, _] or [_, _, "retired"]))
                .Select(row => $"'{string.Join(' ', row)}' is not 'KIND ID' or 'KIND ID retired'"),
            .. _rows.Select(IdOf).CountBy(id => id).Where(entry => entry.Value > 1).Select(entry => $"{entry.Key} stands there twice"),
            .. used.Where(retired.Contains).Select(id => $"{id} is retired, and must not be used again"),
            .. _rows.Select(IdOf).Except(used).Except(retired)
                .Select(id => $"{id} is no longer in use: mark it retired, or bring it back"),
        ];
        return problems.Select(problem => $"{FileName}: {problem}");
    }

    private static string IdOf(string[] row) => string.Join(' ', row.Take(2));
}
