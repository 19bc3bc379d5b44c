using System.Net.WebSockets;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>A dialect changes only what it names; everything else that the suite demands stays.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DialectTests
{
    private static readonly Dialect Odd = Dialect.V1 with
    {
        Name = "odd",
        Timestamp = "when",
        TimestampOptional = true,
        Uptime = "alive_for",
        Pong = "pang",
        TopicDeleted = "it is gone",
        Created = [200, 202],
        Deleted = [204],
        List = [ListShape.Bare],
        Error = [ErrorShape.Plain],
    };

    [Test]
    public void The_suite_knows_the_dialects_v1_and_classic_in_this_order() =>
        Assert.That(Dialect.Known.Select(dialect => (dialect.Name, dialect.Prefix)), Is.EqualTo(new[] { ("v1", "/v1"), ("classic", "") }));

    [Test]
    public void A_dialect_is_the_same_after_writing_and_reading([Values("v1", "classic")] string name)
    {
        var dialect = Dialect.Known.Single(known => known.Name == name);

        Assert.That(Dialect.Parse(dialect.ToJson()).ToJson(), Is.EqualTo(dialect.ToJson()));
    }

    [Test]
    public void The_dialect_v1_leaves_no_requirement_open()
    {
        Assert.That(Dialect.V1.LeavesOpen, Is.Empty);
        Assert.That(Dialect.V1.Created.Concat(Dialect.V1.Deleted), Is.EqualTo((int[])[201, 200]));
    }

    [TestCase("name", "\"\"", "name")]
    [TestCase("name", "null", "name")]
    [TestCase("name", "7", "name")]
    [TestCase("description", "null", "description")]
    [TestCase("prefix", "\"v1\"", "prefix")]
    [TestCase("prefix", "\"/\"", "prefix")]
    [TestCase("prefix", "\"/v1/\"", "prefix")]
    [TestCase("timestamp", "\"\"", "timestamp")]
    [TestCase("timestampOptional", "\"yes\"", "timestampOptional")]
    [TestCase("uptime", "\"\"", "uptime")]
    [TestCase("pong", "\"\"", "pong")]
    [TestCase("topicDeleted", "\"\"", "topicDeleted")]
    [TestCase("created", "[]", "created")]
    [TestCase("created", "[201, 404]", "created")]
    [TestCase("created", "[\"201\"]", "created")]
    [TestCase("deleted", "[]", "deleted")]
    [TestCase("deleted", "[199]", "deleted")]
    [TestCase("deleted", "[300]", "deleted")]
    [TestCase("list", "[]", "list")]
    [TestCase("list", "[\"table\"]", "list")]
    [TestCase("list", "[7]", "list")]
    [TestCase("error", "[]", "error")]
    [TestCase("error", "[\"object\", 9]", "error")]
    [TestCase("leavesOpen", "{\"PS-NIX-001\":\"why\"}", "PS-NIX-001")]
    [TestCase("leavesOpen", "{\"PS-PUB-007\":\"\"}", "PS-PUB-007")]
    [TestCase("leavesOpen", "{\"PS-PUB-007\":null}", "PS-PUB-007")]
    [TestCase("leavesOpen", "[]", "leavesOpen")]
    [TestCase("colour", "\"red\"", "colour")]
    [TestCase("Name", "\"twice\"", "Name")]
    public void A_wrong_member_of_a_dialect_is_rejected_by_name(string member, string json, string named)
    {
        var file = JsonNode.Parse(Dialect.V1.ToJson())!;
        file[member] = JsonNode.Parse(json);

        Assert.That(() => Dialect.Parse(file.ToJsonString()), Throws.TypeOf<InvalidDataException>().With.Message.Contains(named));
    }

    [TestCase("name")]
    [TestCase("description")]
    [TestCase("prefix")]
    [TestCase("timestamp")]
    [TestCase("uptime")]
    [TestCase("pong")]
    [TestCase("topicDeleted")]
    [TestCase("created")]
    [TestCase("deleted")]
    [TestCase("list")]
    [TestCase("error")]
    public void A_dialect_without_a_required_member_is_rejected(string member)
    {
        var file = JsonNode.Parse(Dialect.V1.ToJson())!.AsObject();
        file.Remove(member);

        Assert.That(() => Dialect.Parse(file.ToJsonString()), Throws.TypeOf<InvalidDataException>().With.Message.Contains(member));
    }

    [Test]
    public void Optional_members_of_a_dialect_default_to_the_specification()
    {
        var file = JsonNode.Parse(Dialect.V1.ToJson())!.AsObject();
        file.Remove("leavesOpen");
        file.Remove("timestampOptional");

        var dialect = Dialect.Parse(file.ToJsonString());

        Assert.That((dialect.LeavesOpen.Count, dialect.TimestampOptional), Is.EqualTo((0, false)));
    }

    [TestCase("")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("\"v1\"")]
    public void A_dialect_that_is_not_an_object_is_rejected(string json) =>
        Assert.That(() => Dialect.Parse(json), Throws.TypeOf<InvalidDataException>().With.Message.Contains("dialect"));

    [Test]
    public void A_dialect_file_may_have_comments()
    {
        var json = Dialect.Classic.ToJson().Replace("{", "{ // the old form\n", StringComparison.Ordinal);

        Assert.That(Dialect.Parse(json).Name, Is.EqualTo("classic"));
    }

    // Its effect on a run --------------------------------------------------------------------------------------------

    [Test]
    public async Task Messages_are_read_with_the_names_of_the_dialect()
    {
        const string Dated = """{"type":"pang","when":"2025-08-28T10:00:00Z"}""";
        const string Other = """{"type":"pong","timestamp":"2025-08-28T10:00:00Z"}""";
        const string Gone = """{"type":"info","msg":"it is gone","when":"yesterday"}""";
        const string Plain = """{"type":"error","error":"TOPIC_NOT_FOUND: no such topic"}""";
        const string Structured = """{"type":"error","error":{"code":"BAD_REQUEST","message":"no"}}""";

        var odd = await ReadAsync(Odd, Dated, Other, Gone, Plain, Structured);
        var own = await ReadAsync(Dialect.V1, Dated, Other, Gone, Plain, Structured);

        Assert.That(odd.Select(message => message.IsPong), Is.EqualTo((bool[])[true, false, false, false, false]));
        Assert.That(own.Select(message => message.IsPong), Is.EqualTo((bool[])[false, true, false, false, false]));
        Assert.That(odd.Select(message => message.IsDeletion), Is.EqualTo((bool[])[false, false, true, false, false]));
        Assert.That(own.Select(message => message.IsDeletion), Has.None.True);
        Assert.That(odd.Select(message => message.Timestamp is not null), Is.EqualTo((bool[])[true, false, true, false, false]));
        Assert.That(
            odd.Select(message => message.IsDated),
            Is.EqualTo((bool[])[true, true, false, true, true]),
            "the time is optional, but must be a date-time");
        Assert.That(odd.Select(message => message.IsUndated), Is.EqualTo((bool[])[false, true, false, true, true]));
        Assert.That(own.Select(message => message.IsDated), Is.EqualTo((bool[])[false, true, false, false, false]));
        Assert.That(own.Select(message => message.IsUndated), Has.None.True, "the specification demands a time in every message");
        Assert.That(odd.Select(message => message.HasLegalError), Is.EqualTo((bool[])[false, false, false, true, false]));
        Assert.That(own.Select(message => message.HasLegalError), Is.EqualTo((bool[])[false, false, false, false, true]));
        Assert.That(odd[3].ErrorCode, Is.EqualTo("TOPIC_NOT_FOUND"), "the code is read in every form");
    }

    [TestCase("""{"topics":[{"name":"a"}]}""", true, false)]
    [TestCase("""[{"name":"a"}]""", false, true)]
    public async Task A_listing_is_read_in_any_form_but_legal_only_in_those_of_the_dialect(string body, bool wrapped, bool bare)
    {
        await using var server = new MortalServer { Answer = _ => new(200, body) };

        var both = Odd with { List = [ListShape.Bare, ListShape.Wrapped] };

        foreach (var (dialect, legal) in new[] { (Dialect.V1, wrapped), (Odd, bare), (both, true) })
        {
            var listing = await new Rest(server.Target() with { Dialect = dialect }, CancellationToken.None).ListTopicsAsync();

            Assert.That(listing.Of("a"), Is.Not.Null);
            Assert.That(listing.IsLegal, Is.EqualTo(legal), dialect.Name);
        }
    }

    [Test]
    public async Task The_uptime_is_read_from_the_member_that_the_dialect_names()
    {
        await using var server = new MortalServer { Answer = _ => new(200, """{"alive_for":7,"uptime_seconds":8}""") };

        Assert.That(
            (await new Rest(server.Target() with { Dialect = Odd }, CancellationToken.None).HealthAsync()).UptimeSeconds,
            Is.EqualTo(7));
        Assert.That((await new Rest(server.Target(), CancellationToken.None).HealthAsync()).UptimeSeconds, Is.EqualTo(8));
    }

    [TestCase(200, 201, 200)]
    [TestCase(202, 201, 202)]
    [TestCase(204, 204, 200)]
    [TestCase(409, 409, 409)]
    public async Task A_status_is_translated_by_the_dialect_and_shown_as_it_was_sent(int sent, int created, int deleted)
    {
        await using var server = new MortalServer { Answer = _ => new(sent, "") };
        var rest = new Rest(server.Target() with { Dialect = Odd }, CancellationToken.None);

        var post = await rest.CreateTopicAsync("a");
        var delete = await rest.DeleteTopicAsync("a");
        var get = await rest.HealthAsync();

        Assert.That((post.Status, delete.Status, get.Status), Is.EqualTo((created, deleted, sent)));
        Assert.That((post.SentStatus, delete.SentStatus), Is.EqualTo((sent, sent)));
        Assert.That(post.ToString(), Does.StartWith($"{sent}"));
    }

    [Test]
    public async Task Only_violations_of_requirements_that_the_dialect_leaves_open_are_observed()
    {
        const string Reason = "It was never agreed.";
        await using var server = new MortalServer();
        var leavesOpen = new Dictionary<string, string> { [Script.IdOf(Level.Must)] = Reason };
        var open = server.Target() with { Dialect = Dialect.V1 with { LeavesOpen = leavesOpen } };
        var runner = new Runner(Script.Catalogue, open);

        var violated = await runner.RunAsync(Script.Complains("violated"));
        var other = await runner.RunAsync(Script.Complains("other", Level.MustNot));
        var kept = await runner.RunAsync(Script.Asks("kept"));
        var undecided = await runner.RunAsync(Script.Scene("undecided", stage => throw new Inconclusive("no")));
        var empty = await runner.RunAsync(Script.Scene("empty", _ => Task.CompletedTask));

        Assert.That(violated.Verdict, Is.EqualTo(Verdict.Observed));
        Assert.That(violated.Message, Does.Contain(Reason).And.Contain("v1"));
        Assert.That(violated.Observed, Is.Not.Null, "the observation is still reported");
        Assert.That(
            new[] { other.Verdict, kept.Verdict, undecided.Verdict, empty.Verdict },
            Is.EqualTo((Verdict[])[Verdict.Fail, Verdict.Pass, Verdict.Inconclusive, Verdict.Error]));
    }

    private static async Task<IReadOnlyList<ServerMessage>> ReadAsync(Dialect dialect, params string[] messages)
    {
        await using var server = TinyServer.Speaking(async (socket, stopping) =>
        {
            foreach (var message in messages)
            {
                await TinyServer.SayAsync(socket, message, stopping);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", stopping);
        });
        IReadOnlyList<ServerMessage> read = [];
        var runner = new Runner(Script.Catalogue, server.Target with { Dialect = dialect });
        var outcome = await runner.RunAsync(Script.Scene("read", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            await client.ClosedAsync();
            read = client.Received;
            stage.Expect.Equal(messages.Length, read.Count, "everything arrives");
        }));
        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        return read;
    }
}
