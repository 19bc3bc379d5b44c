namespace PubSub.Conformance.Gallery;

/// <summary>
/// The text of <c>Conformance/ids.lock</c>: every id that was ever given away, one a line as <c>KIND ID</c>, in the order in which they
/// came. It only grows. An id that is no longer used is marked <c>retired</c> by hand, so that it never comes to mean something else.
/// </summary>
internal sealed class IdRegister(string text)
{
    public const string FileName = "ids.lock";

    private readonly List<string[]> _rows =
        [.. text.ReplaceLineEndings("\n").Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))];

    /// <summary>As the register has them: requirements, then scenarios, then servers.</summary>
    public static IReadOnlyList<string> InUse(Catalogue catalogue, IReadOnlyList<Scenario> scenarios, Collection collection) =>
    [
        .. catalogue.Requirements.Select(requirement => $"requirement {requirement.Id}"),
        .. scenarios.Select(scenario => $"scenario {scenario.Id}"),
        .. collection.Ids.Select(id => $"server {id}"),
    ];

    /// <summary>Those of these ids that are not registered.</summary>
    public IReadOnlyList<string> Missing(IEnumerable<string> used) => [.. used.Except(_rows.Select(IdOf))];

    /// <summary>The text with these ids at its end.</summary>
    public string With(IEnumerable<string> missing) => $"{text.TrimEnd('\n')}\n{string.Concat(missing.Select(id => $"{id}\n"))}";

    /// <summary>What a human has to put right: a sentence for each line that is malformed or doubled or contradicts these ids.</summary>
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
