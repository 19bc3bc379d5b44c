using System.Text.RegularExpressions;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Running;

/// <summary>
/// A pattern over scenarios. It is compared, ignoring case, with the scenario's id, its requirement's id, its area and its profile;
/// <c>*</c> stands for any characters, <c>?</c> for one. <c>PS-RPL-*</c>, <c>RPL</c>, <c>replay</c>, <c>PS-RPL-001/newest-first</c>.
/// </summary>
public sealed class Pattern(string text)
{
    private readonly Regex _shape = new(
        $@"\A{Regex.Escape(text).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal)}\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline);

    public bool Fits(Scenario scenario, Requirement? requirement) =>
        _shape.IsMatch(scenario.Id)
        || _shape.IsMatch(scenario.Requirement)
        || _shape.IsMatch(scenario.Area)
        || (requirement is not null && _shape.IsMatch(requirement.Profile.ToString()));

    public override string ToString() => text;
}

/// <summary>
/// The scenarios that the user wants to run, and those known to fail. Known failures still run: one that passes, like a pattern that fits
/// no scenario, is a stale expectation.
/// </summary>
public sealed record Selection
{
    /// <summary>Empty for everything.</summary>
    public IReadOnlyList<Pattern> Include { get; init; } = [];

    public IReadOnlyList<Pattern> Exclude { get; init; } = [];
    public IReadOnlyList<Pattern> KnownFailing { get; init; } = [];

    /// <summary>One pattern a line; empty lines and the text after a <c>#</c> are ignored.</summary>
    public static IReadOnlyList<Pattern> Parse(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0).Select(line => new Pattern(line))];

    public bool Includes(Scenario scenario, Requirement? requirement) =>
        Include.Count == 0 || Include.Any(pattern => pattern.Fits(scenario, requirement));

    public Pattern? Excluding(Scenario scenario, Requirement? requirement) =>
        Exclude.FirstOrDefault(pattern => pattern.Fits(scenario, requirement));

    public Pattern? Expecting(Scenario scenario, Requirement? requirement) =>
        KnownFailing.FirstOrDefault(pattern => pattern.Fits(scenario, requirement));

    /// <summary>A sentence for each pattern that fits no scenario at all.</summary>
    public IEnumerable<string> Idle(IReadOnlyList<Scenario> scenarios, Catalogue catalogue) =>
        from list in new[] { ("--include", Include), ("--exclude", Exclude), ("--known-failing", KnownFailing) }
        from pattern in list.Item2
        where !scenarios.Any(scenario => pattern.Fits(scenario, catalogue.Find(scenario.Requirement)))
        select $"{list.Item1}: '{pattern}' fits no scenario";
}
