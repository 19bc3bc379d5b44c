using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Differences that a server demands are found, written down, and applied without any other change.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class AccommodationTests
{
    private static readonly Accommodations Rich = Accommodations.None.Adding("publish", "client_id") with
    {
        Message = "data",
        Payload = "body",
    };

    private static Target Speaking(Accommodations accommodations) => Target.From(new Uri("http://h")).Accommodating(accommodations);

    [Test]
    public void Accommodations_change_only_the_declared_members_of_a_publish()
    {
        var publish = Request.Publish("t", "m", "1.50");

        Assert.That(
            publish.To(Speaking(Rich), "c").ToString(),
            Is.EqualTo("""{"client_id":"c","type":"publish","topic":"t","data":{"id":"m","body":1.50}}"""));
        Assert.That(
            publish.To(Speaking(Accommodations.None with { Message = Accommodations.Flat })).ToString(),
            Is.EqualTo("""{"type":"publish","topic":"t","id":"m","payload":1.50}"""));
    }

    [Test]
    public void Spoilt_requests_and_requests_of_other_types_are_not_changed()
    {
        var spoilt = Request.Publish("t", "m", "NaN");
        var subscribe = Request.Subscribe("t", "c");

        Assert.That(spoilt.To(Speaking(Rich), "c").ToString(), Is.EqualTo(spoilt.ToString()));
        Assert.That(subscribe.To(Speaking(Rich), "c").ToString(), Is.EqualTo(subscribe.ToString()));
        Assert.That(
            Request.Publish("t", "m").To(Speaking(Accommodations.None)).ToString(),
            Is.EqualTo(Request.Publish("t", "m").ToString()));
    }

    [Test]
    public async Task Accommodations_that_the_probe_finds_can_be_written_and_read()
    {
        await using var server = new SmallServer(
            Wanting.MessageIn("data", "payload"), Wanting.InRequest("publish", "client_id"), Wanting.TopicIn("topic"));

        var probed = await Probing.FindAsync(server.Origin);
        var read = TargetFile.Parse(probed.ToFile().ToJson());

        Assert.That(
            probed.Findings.Where(finding => finding.Source == FindingSource.Accommodated).Select(finding => finding.What),
            Is.EquivalentTo((string[])["client_id in a publish", "message in a publish", "name in a creation"]));
        Assert.That((read.Accommodations!.Message, read.Accommodations.TopicName), Is.EqualTo(("data", "topic")));
        Assert.That(read.Accommodations.Adds["publish"].Keys, Is.EqualTo((string[])["client_id"]));
    }

    [TestCase("""{"adds":{"shout":{}}}""", "shout")]
    [TestCase("""{"slashes":["/nowhere"]}""", "/nowhere")]
    [TestCase("""{"payload":""}""", "payload")]
    [TestCase("""{"created":404}""", "created")]
    [TestCase("""{"first":"auth"}""", "first")]
    [TestCase("""{"unheard":1}""", "unheard")]
    public void A_wrong_accommodation_is_rejected_by_name(string json, string named) =>
        Assert.That(
            () => TargetFile.Parse($$"""{"accommodations":{{json}}}"""),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains(named));

    [Test]
    public void The_secret_of_the_first_message_is_not_in_the_target_file()
    {
        var wants = Accommodations.None with
        {
            First = JsonDocument.Parse("""{"type":"auth","token":"${TOKEN}"}""").RootElement,
            Secrets = new Dictionary<string, string> { ["TOKEN"] = "a\"b" },
        };
        var file = new ProbedTarget(Target.From(new Uri("http://h")).Accommodating(wants), new Uri("http://h")).ToFile().ToJson();

        Assert.That(wants.Variables, Is.EqualTo((string[])["TOKEN"]));
        Assert.That(TargetFile.Parse(file).Accommodations!.Variables, Is.EqualTo((string[])["TOKEN"]));
    }

    [Test]
    public async Task A_server_that_demands_a_first_message_is_reported_with_advice()
    {
        await using var server = new SmallServer(Wanting.FirstMessage("token"));

        var message = await Probing.MessageAsync(new ProbeOptions { Url = server.Origin });

        Assert.That(message, Does.Contain("--header-env").And.Contain("accommodations.first"));
    }

    [Test]
    public async Task The_ring_and_the_message_size_are_found_exactly()
    {
        await using var server = new SmallServer(server => server.Settings = server.Settings with { Ring = 37, MessageBytes = 3_000 });

        var limits = (await Probing.FindAsync(server.Origin)).Target.Limits;

        Assert.That((limits.Ring, limits.MessageBytes), Is.EqualTo((37, 3_000)));
    }
}
