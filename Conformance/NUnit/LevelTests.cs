using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Tests;

/// <summary>
/// For every SHOULD the gallery has a mutant that violates it and no MUST. The command <c>selftest</c> shows that the suite judges these
/// mutants as declared.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
public sealed class LevelTests
{
    /// <summary>Why such a mutant may also violate a MUST, by the ids of both.</summary>
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["fan-two-orders PS-SUB-004"] = "an event held back for a place in the list is lost when the subscriber before it leaves",
        ["http-empty-id PS-HTTP-004"] = "an empty id is one of the faults that a message of an array has",
        ["ping-needs-id PS-ENV-012"] = "a ping without a request_id is one of the plain forms that are compared",
        ["ping-needs-id PS-ERR-001"] = "a ping without a request_id shows that the connection is still served",
        ["ping-needs-id PS-ERR-007"] = "a ping without a request_id shows that the connection is still served",
        ["rest-names-decoded PS-ISO-002"] = "two names that differ in their encoding alone are one topic there",
        ["sse-unnamed-end PS-SSE-002"] = "a notice without a name is an event to its reader",
        ["rob-ghost-of-half-a-connection PS-OBS-011"] = "if a write meets the reset first, the next read sees only the end of the stream",
    };

    /// <summary>Each SHOULD that no server can violate without violating a MUST, with the reason.</summary>
    private static readonly Dictionary<string, string> Inseparable = new(StringComparer.Ordinal)
    {
        ["PS-ERR-008"] = "the codes of all errors that a client can cause are MUST requirements",
    };

    private static IEnumerable<string> Recommendations =>
        Catalogue.Embedded.Requirements.Where(requirement => !requirement.Binding).Select(requirement => requirement.Id);

    [TestCaseSource(nameof(Recommendations))]
    public void A_mutant_that_violates_only_a_SHOULD_gets_only_warnings(string recommendation)
    {
        var otherwise = Collection.Whole.Mutants
            .Where(mutant =>
                mutant.Kills.Any(kill => kill.Requirement == recommendation)
                && !mutant.Kills.Any(kill => Binds(kill.Requirement)))
            .ToList();

        Assert.That(
            otherwise.Count > 0,
            Is.Not.EqualTo(Inseparable.ContainsKey(recommendation)),
            "whether a mutant violates it and no MUST");
        Assert.That(
            otherwise.SelectMany(mutant => mutant.Also.Where(Binds).Select(duty => $"{mutant.Id} {duty}"))
                .Where(entry => !Reasons.ContainsKey(entry)),
            Is.Empty,
            "each MUST that such a mutant may also violate");
    }

    private static bool Binds(string requirement) => Catalogue.Embedded.Find(requirement)!.Binding;
}
