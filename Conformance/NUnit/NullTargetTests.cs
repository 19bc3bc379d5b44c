using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>Whoever is no broker passes nothing, but for what it has really earned.</summary>
[TestFixture]
[NonParallelizable]
public sealed class NullTargetTests
{
    private static IEnumerable<TestCaseData> Targets => Collection.Whole.NullTargets.Select(target => new TestCaseData(target).SetName(target.Id));

    [TestCaseSource(nameof(Targets))]
    public async Task Passes_nothing_that_it_has_not_earned(object target)
    {
        var sweep = await NullSweep.ExecuteAsync((NullTarget)target, Catalogue.Embedded, All.Scenarios, TestContext.CurrentContext.CancellationToken);

        Assert.That(sweep.Objections, Is.Empty);
        Assert.That(sweep.Outcomes, Has.Count.EqualTo(All.Scenarios.Count));
    }

    [Test]
    public void Has_an_id_of_its_own() => Assert.That(Collection.Whole.NullTargets.Select(target => target.Id), Is.Unique.And.All.StartWith("null-"));
}
