using NUnit.Framework;
using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Tests;

/// <summary>Topics can be deleted by name because only the suite uses names of its form.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TopicNamesTests
{
    [Test]
    public void Every_name_is_recognised_as_a_name_of_its_run()
    {
        var names = new TopicNames();

        foreach (var hint in (string[])["topic", "a/b", "", "-", "\u20ac \n", "x-1-y"])
        {
            Assert.That(TopicNames.RunOf(names.Next(hint)), Is.EqualTo(names.Run));
            Assert.That(TopicNames.RunOf($"{names.Next(hint)} and more"), Is.EqualTo(names.Run), "a scenario may add to a name");
        }
    }

    [TestCase("conformance-deadbeef-1-topic", "deadbeef")]
    [TestCase("conformance-00000000-12345-", "00000000")]
    [TestCase("conformance", null)]
    [TestCase("conformance-", null)]
    [TestCase("conformance-deadbeef", null)]
    [TestCase("conformance-deadbeef-1", null)]
    [TestCase("conformance-deadbeef--topic", null)]
    [TestCase("conformance-deadbeef-x-topic", null)]
    [TestCase("conformance-deadbeef-0-topic", null)]
    [TestCase("conformance-deadbeef-01-topic", null)]
    [TestCase("conformance-deadbeef--1-topic", null)]
    [TestCase("conformance-deadbeef-\u0661-topic", null)]
    [TestCase("conformance-DEADBEEF-1-topic", null)]
    [TestCase("conformance-deadbee-1-topic", null)]
    [TestCase("conformance-deadbeef0-1-topic", null)]
    [TestCase("conformance-deadbeeg-1-topic", null)]
    [TestCase("Conformance-deadbeef-1-topic", null)]
    [TestCase(" conformance-deadbeef-1-topic", null)]
    [TestCase("my-conformance-deadbeef-1-topic", null)]
    [TestCase("conformance_deadbeef_1_topic", null)]
    [TestCase("conformance-report-2024-1-topic", null)]
    [TestCase("", null)]
    public void Only_names_of_the_suites_form_are_recognised(string topic, string? run) =>
        Assert.That(TopicNames.RunOf(topic), Is.EqualTo(run));

    [Test]
    public void The_names_of_one_prefix_are_not_those_of_another()
    {
        var ours = new TopicNames("team_a").Next("topic");

        Assert.That(TopicNames.RunOf(ours, "team_a"), Is.Not.Null);
        Assert.That(TopicNames.RunOf(ours, "team"), Is.Null);
        Assert.That(TopicNames.RunOf(ours, "team_"), Is.Null);
        Assert.That(TopicNames.RunOf(ours), Is.Null);
    }

    [TestCase("a", true)]
    [TestCase("Team_7", true)]
    [TestCase("1234567890123456789012345678901234567890", true)]
    [TestCase("12345678901234567890123456789012345678901", false)]
    [TestCase("", false)]
    [TestCase("a-b", false)]
    [TestCase("a b", false)]
    [TestCase("a/b", false)]
    [TestCase("a\n", false)]
    [TestCase("\u00e9", false)]
    public void A_prefix_is_plain_and_short(string prefix, bool legal)
    {
        Assert.That(TopicNames.IsPrefix(prefix), Is.EqualTo(legal));
        if (!legal)
        {
            Assert.That(() => new TopicNames(prefix), Throws.ArgumentException);
        }
    }

    [Test]
    public void No_name_is_given_twice_when_many_threads_ask()
    {
        var names = new TopicNames();
        var all = new string[10_000];

        Parallel.For(0, all.Length, n => all[n] = names.Next("topic"));

        Assert.That(all.Distinct().Count(), Is.EqualTo(all.Length));
    }

    [Test]
    public void Different_runs_have_different_ids() =>
        Assert.That(Enumerable.Range(0, 100).Select(_ => new TopicNames().Run), Is.Unique.And.All.Matches("^[0-9a-f]{8}$"));
}
