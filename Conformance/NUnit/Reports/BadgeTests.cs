using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>What shields.io draws.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class BadgeTests
{
    [TestCase("core", "core 78/80", "red")]
    [TestCase("replay", "replay 13/14", "green")]
    [TestCase("strict", "strict 94/94", "brightgreen")]
    [TestCase("lifecycle", "lifecycle 0/24", "lightgrey")]
    [TestCase("backpressure", "backpressure 4/12", "yellow")]
    [TestCase(null, "not conformant 1/3", "red")]
    public void A_badge_counts_what_is_satisfied(string? profile, string message, string color)
    {
        using var badge = JsonDocument.Parse(Badge.Render(SampleResults.Every(), profile));

        Assert.That(badge.RootElement.GetProperty("schemaVersion").GetInt32(), Is.EqualTo(1));
        Assert.That(badge.RootElement.GetProperty("label").GetString(), Is.EqualTo("PubSubSpec 1.0"));
        Assert.That(badge.RootElement.GetProperty("message").GetString(), Is.EqualTo(message));
        Assert.That(badge.RootElement.GetProperty("color").GetString(), Is.EqualTo(color));
    }

    [Test]
    public void A_profile_that_was_not_run_has_no_badge() =>
        Assert.That(() => Badge.Render(SampleResults.Every(), "nonsense"), Throws.ArgumentException.With.Message.Contains("only core, replay"));
}
