using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>A target that is not a broker passes only the scenarios that it is declared to earn.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class NullTargetTests
{
    private static IEnumerable<TestCaseData> Targets =>
        Collection.Whole.NullTargets.Select(target => new TestCaseData(target).SetName(target.Id));

    [TestCaseSource(nameof(Targets))]
    public async Task A_null_target_passes_only_what_it_earns(object target)
    {
        var sweep = await NullSweep.ExecuteAsync(
            (NullTarget)target, Catalogue.Embedded, All.Scenarios, TestContext.CurrentContext.CancellationToken);

        Assert.That(sweep.Objections, Is.Empty);
        Assert.That(sweep.Outcomes, Has.Count.EqualTo(All.Scenarios.Count));
    }

    [Test]
    public void Ids_of_null_targets_are_unique() =>
        Assert.That(Collection.Whole.NullTargets.Select(target => target.Id), Is.Unique.And.All.StartWith("null-"));
}
