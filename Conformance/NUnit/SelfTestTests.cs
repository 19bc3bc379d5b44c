using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Tests;

/// <summary>
/// The self-test finds bad scenarios. Each test replaces good scenarios by one that is broken on purpose, and the check for its kind of
/// fault catches it.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SelfTestTests
{
    private const string Reason = "each subscriber receives each message once";

    private static readonly Mutant Twice = new Mutant("fan-test-twice", "Every event is delivered twice.")
        .EachTopic(topic => topic.Deliver.Wrap(deliver => deliver + deliver))
        .KilledBy("PS-FAN-001", Reason);

    private static readonly Mutant Deaf = new Mutant("uns-test-no-op", "An unsubscribe is acked and has no effect.")
        .EachTopic(topic => topic.Remove.Wrap(_ => _ => { }))
        .KilledBy("PS-UNS-002", "is not delivered after the ack");

    [Test]
    public async Task A_good_scenario_gets_no_objection()
    {
        var result = await TestAsync(Broken("PS-FAN-001", FanOutAsync), [Twice]);

        Assert.That(Objections(result), Is.Empty);
    }

    [Test]
    public async Task A_scenario_that_always_passes_is_caught_by_its_mutant_and_by_every_null_target()
    {
        var result = await TestAsync(Broken("PS-FAN-001", stage =>
        {
            stage.Expect.True(true, "All is well", "");
            return Task.CompletedTask;
        }), [Twice]);

        Assert.That(Objections(result), Has.Some.Contains("it survives PS-FAN-001"));
        Assert.That(Objections(result), Has.Some.Contains("it kills no mutant"));
        Assert.That(
            result.Showings.Where(showing => showing.Id.StartsWith("null-", StringComparison.Ordinal))
                .Select(showing => showing.Objections),
            Has.All.Some.Contains("PS-FAN-001/broken"));
    }

    [Test]
    public async Task A_scenario_that_fails_for_the_wrong_reason_is_caught_by_its_message()
    {
        var result = await TestAsync(Broken("PS-FAN-001", async stage =>
        {
            try
            {
                await FanOutAsync(stage);
            }
            catch (Violation violation)
            {
                throw new Violation("The server is polite", "a greeting", violation.Observed);
            }
        }), [Twice]);

        Assert.That(Objections(result), Has.Exactly(1).Contains($"for another reason than '{Reason}'"));
    }

    [Test]
    public async Task A_scenario_that_sleeps_instead_of_waiting_for_a_sentinel_is_caught_by_the_null_targets()
    {
        var result = await TestAsync(Broken("PS-UNS-002", async stage =>
        {
            // A common mistake: no precondition, no control, and silence taken for an answer.
            var subscriber = await stage.ConnectAsync("subscriber");
            await subscriber.SendAsync(Request.Subscribe("orders", "hasty"));
            await subscriber.SendAsync(Request.Unsubscribe("orders", "hasty"));
            await Task.Delay(TimeSpan.FromMilliseconds(50), stage.Cancellation);
            stage.Expect.True(true, "An event is not delivered after the ack of an unsubscribe", "");
        }), [Deaf]);

        Assert.That(
            result.Showings.Where(showing => showing.Id.StartsWith("null-", StringComparison.Ordinal))
                .SelectMany(showing => showing.Objections),
            Has.Some.Contains("PS-UNS-002/broken"));
    }

    [Test]
    public async Task A_scenario_that_asserts_nothing_is_caught_by_its_own_verdict()
    {
        var result = await TestAsync(Broken("PS-FAN-001", async stage => await stage.TopicAsync()), [Twice]);

        Assert.That(Objections(result), Has.Some.Contains("without a decisive check"));
    }

    [Test]
    public async Task A_scenario_that_is_too_strict_is_caught_by_a_benign_server()
    {
        var result = await TestAsync(Broken("PS-SUB-001", async stage =>
        {
            var topic = await stage.TopicAsync();
            var client = await stage.ConnectAsync("client");
            var ack = await client.SubscribeAsync(topic);
            stage.Expect.True(
                ack.Raw.StartsWith("{\"type\":\"ack\",\"request_id\":", StringComparison.Ordinal),
                "A subscribe is acked with type and request_id",
                ack.Raw);
        }), [], Collection.Whole.Benign);

        Assert.That(
            result.Showings.Where(showing => showing.Id.StartsWith("benign-", StringComparison.Ordinal))
                .SelectMany(showing => showing.Objections),
            Has.Some.Contains("PS-SUB-001/broken"));
    }

    [Test]
    public async Task A_scenario_that_fails_for_another_requirement_is_caught_by_the_blast_radius()
    {
        var result = await TestAsync(Broken("PS-PUB-001", FanOutAsync), [Twice]);

        Assert.That(Objections(result), Has.Some.Contains("PS-PUB-001/broken").And.Some.Contains("blames it for what is not its fault"));
    }

    private static async Task FanOutAsync(Stage stage)
    {
        var topic = await stage.TopicAsync();
        var subscriber = await stage.SubscriberAsync("subscriber", topic);
        var publisher = await stage.ConnectAsync("publisher");
        await publisher.PublishAsync(topic, "m1").Acked();
        await publisher.PublishAsync(topic, "last").Acked();
        stage.Expect.Sequence(["m1", "last"], (await subscriber.EventsUntilAsync("last")).Ids(), Reason);
    }

    private static Scenario Broken(string requirement, Func<Stage, Task> body) => new(requirement, "broken", body);

    private static Task<SelfTestResult> TestAsync(
        Scenario scenario, IReadOnlyList<Mutant> mutants, IReadOnlyList<BenignServer>? benign = null)
    {
        var collection = new Collection(mutants, benign ?? [], [], Collection.Whole.NullTargets);
        return new SelfTest(collection, Catalogue.Embedded, [scenario], new SelfTestOptions())
            .ExecuteAsync(TestContext.CurrentContext.CancellationToken);
    }

    private static List<string> Objections(SelfTestResult result) =>
        [.. result.Showings.SelectMany(showing => showing.Objections), .. result.Objections];
}
