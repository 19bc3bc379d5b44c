using NUnit.Framework;
using PubSub.Interleavings.Harness;

namespace PubSub.Interleavings;

/// <summary>The laws notice each known fault in the broker's own sources.</summary>
[Parallelizable(ParallelScope.Children)] // each exploration has a scheduler of its own
public sealed class TeethTests
{
    private const int Preemptions = 2;

    private static IEnumerable<TestCaseData> Patches =>
        WrongBrokers.All.Select(patch => new TestCaseData(patch).SetArgDisplayNames(patch.Fault));

    [TestCaseSource(nameof(Patches))]
    public void The_laws_notice_a_fault(object given)
    {
        var patch = (Patch)given;
        using var broker = PatchedBroker.Compile(patch);
        Assert.That(patch.Broken, Is.Not.Empty);
        foreach (var (law, program) in patch.Broken)
        {
            var (broken, report) = broker.Explore(program, law.Method.Name, Preemptions);

            TestContext.Out.WriteLine(report);
            Assert.That(broken, Does.Contain(law.Method.Name), $"{program}: {report}");
        }
    }

    /// <summary>So the patch alone breaks the laws, and not the way in which the broker is compiled here.</summary>
    [Test]
    public void The_broker_without_a_patch_breaks_no_law()
    {
        using var broker = PatchedBroker.Compile(patch: null);
        foreach (var program in Seams.All)
        {
            var (broken, report) = broker.Explore(program.Name, null, Preemptions - 1);

            Assert.That(broken, Is.Empty, report);
        }
    }

    [Test]
    public void Every_law_has_a_wrong_broker() => Assert.That(
        Laws.All.Except(WrongBrokers.All.SelectMany(patch => patch.Broken).Select(broken => broken.Law)).Select(law => law.Method.Name),
        Is.Empty);

    [TestCase("one two", "one  \n two", ExpectedResult = "")]
    [TestCase("two", "one two three", ExpectedResult = "one  three")]
    public string A_patch_applies_to_text_that_occurs_once(string old, string source) =>
        new Patch("fault", "Topic.cs").Remove(old).Apply(source);

    [TestCase("three", "has this text 0 times")]
    [TestCase("one", "has this text 2 times")]
    public void A_patch_that_does_not_apply_is_an_error(string old, string why) => Assert.That(
        () => new Patch("fault", "Topic.cs").Remove(old).Apply("one two one"),
        Throws.InvalidOperationException.With.Message.Contains(why).And.Message.Contains("\"fault\" does not apply"));

    [Test]
    public void A_patch_that_does_not_compile_is_an_error() => Assert.That(
        () => PatchedBroker.Compile(new Patch("fault", "Topic.cs").Remove("return PublishResult.Accepted;")),
        Throws.InvalidOperationException.With.Message.Contains("\"fault\" does not compile").And.Message.Contains("CS0161"));
}
