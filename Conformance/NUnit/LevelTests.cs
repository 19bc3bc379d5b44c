using NUnit.Framework;
using PubSub.Conformance.Gallery;

namespace PubSub.Conformance.Tests;

/// <summary>
/// For every recommendation the gallery has a server that does otherwise, and nothing binding is held against it. That the suite judges
/// these servers as they are declared, <c>selftest</c> shows.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
public sealed class LevelTests
{
    /// <summary>Why a server that does otherwise may break a duty as well, by its id and the duty.</summary>
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["fan-two-orders PS-SUB-004"] = "an event held back for a place in the list is lost when the subscriber before it leaves",
        ["ping-needs-id PS-ENV-012"] = "a ping without a request_id is one of the plain forms that are compared",
        ["ping-needs-id PS-ERR-001"] = "a ping without a request_id shows that the connection is still served",
        ["ping-needs-id PS-ERR-007"] = "a ping without a request_id shows that the connection is still served",
        ["rest-names-decoded PS-ISO-002"] = "two names that differ in their encoding alone are one topic there",
        ["rob-ghost-of-half-a-connection PS-OBS-011"] = "where a write meets the reset first, its next read sees a mere end",
    };

    /// <summary>Recommendations that no server can do otherwise about without breaking a duty, each with the reason.</summary>
    private static readonly Dictionary<string, string> Inseparable = new(StringComparer.Ordinal)
    {
        ["PS-ERR-008"] = "the codes of all errors that any client can provoke are duties",
    };

    private static IEnumerable<string> Recommendations =>
        Catalogue.Embedded.Requirements.Where(requirement => !requirement.Binding).Select(requirement => requirement.Id);

    [TestCaseSource(nameof(Recommendations))]
    public void A_server_that_does_otherwise_gets_warnings_only(string recommendation)
    {
        var otherwise = Collection.Whole.Mutants
            .Where(mutant => mutant.Kills.Any(kill => kill.Requirement == recommendation) && !mutant.Kills.Any(kill => Binds(kill.Requirement)))
            .ToList();

        Assert.That(otherwise.Count > 0, Is.Not.EqualTo(Inseparable.ContainsKey(recommendation)), "whether a server does otherwise and breaks no duty");
        Assert.That(
            otherwise.SelectMany(mutant => mutant.Also.Where(Binds).Select(duty => $"{mutant.Id} {duty}")).Where(entry => !Reasons.ContainsKey(entry)),
            Is.Empty,
            "duties that it may break as well");
    }

    private static bool Binds(string requirement) => Catalogue.Embedded.Find(requirement)!.Binding;
}
