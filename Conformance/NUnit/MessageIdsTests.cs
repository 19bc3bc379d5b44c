using NUnit.Framework;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>A server that accepts only UUIDs gets UUIDs, while scenarios go on using short ids.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class MessageIdsTests
{
    private const string Some = "550e8400-e29b-41d4-a716-446655440000";

    [Test]
    public void Any_changes_no_id()
    {
        foreach (var id in (string[])["m1", "", " ", Some, "\u20ac", new string('x', 1000)])
        {
            Assert.That(MessageIds.Any.Spell(id), Is.EqualTo(id));
            Assert.That(MessageIds.Any.Meant(id), Is.EqualTo(id));
            Assert.That(MessageIds.Any.Takes(id), Is.True);
        }

        Assert.That(MessageIds.Any.Meant(null), Is.Null);
        Assert.That(MessageIds.Any.AreUuids, Is.False);
    }

    [TestCase("m1")]
    [TestCase("")]
    [TestCase("550e8400e29b41d4a716446655440000")]
    [TestCase("{550e8400-e29b-41d4-a716-446655440000}")]
    [TestCase(" 550e8400-e29b-41d4-a716-446655440000")]
    [TestCase("550e8400-e29b-41d4-a716-446655440000\n")]
    [TestCase("0x550e84-e29b-41d4-a716-446655440000")]
    [TestCase("+50e8400-e29b-41d4-a716-446655440000")]
    public void An_id_that_is_not_a_UUID_is_spelt_as_a_canonical_UUID(string id)
    {
        var ids = MessageIds.Uuids();

        Assert.That(ids.Takes(id), Is.False);
        Assert.That(ids.Spell(id), Does.Match("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"));
        Assert.That(ids.Meant(ids.Spell(id)), Is.EqualTo(id));
    }

    [TestCase(Some)]
    [TestCase("550E8400-E29B-41D4-A716-446655440000")]
    [TestCase("00000000-0000-0000-0000-000000000000")]
    public void A_UUID_is_not_changed(string id)
    {
        var ids = MessageIds.Uuids();

        Assert.That((ids.Takes(id), ids.Spell(id), ids.Meant(id)), Is.EqualTo((true, id, id)));
    }

    [Test]
    public void An_id_has_the_same_spelling_in_every_run() =>
        Assert.That(
            (MessageIds.Uuids().Spell("m1"), MessageIds.Uuids().Spell("m1")),
            Is.EqualTo(("ca0df2c9-5aa1-44c1-90ff-2ff3c8f967fd", "ca0df2c9-5aa1-44c1-90ff-2ff3c8f967fd")));

    [Test]
    public void An_id_that_was_never_spelt_is_read_unchanged()
    {
        Assert.That(MessageIds.Uuids().Meant("m1"), Is.EqualTo("m1"));
        Assert.That(MessageIds.Uuids().Meant(Some), Is.EqualTo(Some));
        Assert.That(MessageIds.Uuids().Meant(null), Is.Null);
    }

    [Test]
    public void Different_ids_have_different_spellings()
    {
        const int Count = 200_000;
        var ids = MessageIds.Uuids();
        var spelt = new HashSet<string>(Count);

        for (var n = 0; n < Count; n++)
        {
            spelt.Add(ids.Spell($"m{n}"));
        }

        Assert.That(spelt, Has.Count.EqualTo(Count));
    }

    [Test]
    public async Task A_scenario_sends_and_reads_m1_while_the_wire_has_a_UUID()
    {
        var onTheWire = "";
        await using var server = TinyServer.Speaking(async (socket, stopping) =>
        {
            onTheWire = (await TinyServer.HearAsync(socket, stopping))!;
            using var json = System.Text.Json.JsonDocument.Parse(onTheWire);
            await TinyServer.SayAsync(
                socket, $$"""{"type":"event","topic":"a","message":{{json.RootElement.GetProperty("message").GetRawText()}}}""", stopping);
            await Task.Delay(Timeout.Infinite, stopping);
        });
        string? read = null;
        var scenario = Script.Scene("echo", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            await client.SendPublishAsync("a", "m1");
            read = (await client.NextEventAsync()).MessageId;
            stage.Expect.Equal("m1", read, "the id is read back");
        });

        var outcome = await new Runner(Script.Catalogue, server.Target with { MessageIds = MessageIds.Uuids() }).RunAsync(scenario);

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        Assert.That(onTheWire, Does.Contain(MessageIds.Uuids().Spell("m1")).And.Not.Contain("\"m1\""));
    }

    [Test]
    public void An_id_that_the_scenario_replaced_by_hand_is_not_spelt_for_the_target()
    {
        var target = Target.From(new Uri("http://127.0.0.1:9")) with { MessageIds = MessageIds.Uuids() };
        var publish = Request.Publish("a", "m1");

        Assert.That(publish.To(target).ToString(), Is.EqualTo(publish.WithText("message.id", target.MessageIds.Spell("m1")).ToString()));
        Assert.That(publish.WithText("message.id", "m2").To(target).ToString(), Does.Contain("\"m2\""));
        Assert.That(publish.Without("message").To(target).ToString(), Is.EqualTo("""{"type":"publish","topic":"a"}"""));
        Assert.That(publish.ToString(), Does.Contain("\"m1\""), "the original request is not changed");
    }
}
