using NUnit.Framework;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Tests;

/// <summary>A target file is read strictly: an unknown or wrong member is an error.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TargetFileTests
{
    [Test]
    public void Every_member_of_a_target_file_is_optional() => Assert.That(TargetFile.Parse("{}"), Is.EqualTo(new TargetFile()));

    [Test]
    public void A_target_file_is_the_same_after_writing_and_reading()
    {
        var file = new TargetFile
        {
            Url = new Uri("https://example.net/pubsub"),
            Rest = new Uri("https://example.net/pubsub/v1"),
            WebSocket = new Uri("wss://example.net/pubsub/v1/ws"),
            Dialect = "dialects/ours.json",
            MessageIds = "uuid",
            Limits = new Limits { QueueSize = 1, QueueBytes = 2, Ring = 3, MessageBytes = 4, NameLength = 5 },
        };

        Assert.That(TargetFile.Parse(file.ToJson()), Is.EqualTo(file));
    }

    [Test]
    public void Comments_are_allowed_and_limits_may_be_partial()
    {
        var file = TargetFile.Parse(
            """
            {
              // the staging server
              "url": "ws://h/ws",
              "limits": { "ring": 10, },
            }
            """);

        Assert.That(file.Limits, Is.EqualTo(new Limits { Ring = 10 }));
    }

    [TestCase("""{"url":"ftp://h"}""", "url")]
    [TestCase("""{"url":"h:8080"}""", "url")]
    [TestCase("""{"url":"/v1"}""", "url")]
    [TestCase("""{"url":""}""", "url")]
    [TestCase("""{"url":7}""", "url")]
    [TestCase("""{"url":"http://"}""", "url")]
    [TestCase("""{"rest":"ws://h"}""", "rest")]
    [TestCase("""{"rest":"v1"}""", "rest")]
    [TestCase("""{"webSocket":"http://h/ws"}""", "webSocket")]
    [TestCase("""{"webSocket":"/ws"}""", "webSocket")]
    [TestCase("""{"messageIds":"UUID"}""", "messageIds")]
    [TestCase("""{"messageIds":true}""", "messageIds")]
    [TestCase("""{"limits":{"queueSize":0}}""", "limits")]
    [TestCase("""{"limits":{"queueBytes":-1}}""", "limits")]
    [TestCase("""{"limits":{"ring":0}}""", "limits")]
    [TestCase("""{"limits":{"messageBytes":0}}""", "limits")]
    [TestCase("""{"limits":{"nameLength":0}}""", "limits")]
    [TestCase("""{"limits":{"ring":1.5}}""", "limits")]
    [TestCase("""{"limits":{"ring":99999999999}}""", "limits")]
    [TestCase("""{"limits":{"rings":1}}""", "rings")]
    [TestCase("""{"limits":7}""", "limits")]
    [TestCase("""{"dialect":7}""", "dialect")]
    [TestCase("""{"dialect":""}""", "dialect")]
    [TestCase("""{"token":"x"}""", "token")]
    [TestCase("""{"URL":"http://h"}""", "URL")]
    [TestCase("null", "target file")]
    [TestCase("[]", "target file")]
    [TestCase("", "target file")]
    public void A_wrong_member_of_a_target_file_is_rejected_by_name(string json, string named) =>
        Assert.That(() => TargetFile.Parse(json), Throws.TypeOf<InvalidDataException>().With.Message.Contains(named));

    [Test]
    public void The_target_file_of_the_probe_has_no_credentials_and_can_be_read()
    {
        var url = new Uri("http://me:hunter2@127.0.0.1:9/?token=abcdef");
        var probed = new ProbedTarget(Target.From(new Uri("http://127.0.0.1:9")) with { MessageIds = MessageIds.Uuids() }, url);

        var json = probed.ToFile().ToJson();

        Assert.That(json, Does.Not.Contain("hunter2").And.Not.Contain("abcdef"));
        Assert.That(TargetFile.Parse(json).Capabilities, Is.EquivalentTo(Enum.GetValues<Capability>()));
        Assert.That(TargetFile.Parse(json) with { Capabilities = null }, Is.EqualTo(new TargetFile
        {
            Url = new Uri("http://127.0.0.1:9"),
            Rest = new Uri("http://127.0.0.1:9/v1"),
            WebSocket = new Uri("ws://127.0.0.1:9/v1/ws"),
            Dialect = "v1",
            MessageIds = "uuid",
            Limits = new Limits(),
        }));
    }
}
