using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Redis;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Redis;

public sealed class PartsTests
{
    [Test]
    public void The_allowance_is_taken_up_to_its_last_byte()
    {
        var allowance = new Allowance(10);

        Assert.That((allowance.TryTake(10), allowance.TryTake(1)), Is.EqualTo((true, false)));
        allowance.GiveBack(4);
        Assert.That((allowance.TryTake(5), allowance.TryTake(4)), Is.EqualTo((false, true)));
    }

    /// <summary>A Redis Cluster takes what is between the first opening brace and the next closing one for the slot.</summary>
    [TestCase("orders")]
    [TestCase("}")]
    [TestCase("{}")]
    [TestCase("a}b{c")]
    [TestCase("%7D")]
    public void All_keys_of_a_topic_have_one_hash_tag_that_is_not_empty(string topic)
    {
        string[] names = [Names.Topic(topic)!, Names.Events(topic)!, Names.Subscriptions(topic)!, Names.Channel(topic)];
        var tags = names.Select(name => name[(name.IndexOf('{') + 1)..]).Select(rest => rest[..rest.IndexOf('}')]).Distinct().ToList();

        Assert.That(tags, Has.Count.EqualTo(1));
        Assert.That(Uri.UnescapeDataString(tags[0]), Is.EqualTo(topic));
        Assert.That(names, Is.Unique);
    }

    [Test]
    public void Stamps_of_Redis_are_microseconds_since_1970() => Assert.That(
        new DateTime(RedisStamp.ToTicks(1_795_986_715_471_476), DateTimeKind.Utc),
        Is.EqualTo(new DateTime(2026, 11, 29, 21, 11, 55, DateTimeKind.Utc).AddTicks(4_714_760)));

    [Test]
    public void An_event_of_another_node_shows_its_stamp()
    {
        var frame = """{"type":"event","topic":"a","message":{},"timestamp":"2025-08-28T10:00:00.0000000Z"}"""u8.ToArray();

        var draft = ServerMessage.Event(frame, new DateTime(2026, 11, 29, 21, 11, 55, DateTimeKind.Utc).Ticks);

        Assert.That(draft.Frame.Text(), Does.EndWith(",\"timestamp\":\"2026-11-29T21:11:55.0000000Z\"}"));
    }

    [Test]
    public void The_image_of_a_topic_knows_what_it_has_forgotten()
    {
        var image = new Image("9f2c", Last: 500, Forgotten: 300, Messages: 7, [new(400, Event()), new(401, Event())]);

        var topic = image.ToTopic("a", new BrokerLimits());
        var complete = topic.Read(Reader(), new Position(RedisStamp.ToTicks(300), "9f2c"), new Wakes());
        var torn = topic.Read(Reader(), new Position(RedisStamp.ToTicks(299), "9f2c"), new Wakes());
        var future = topic.Read(Reader(), new Position(RedisStamp.ToTicks(501), "9f2c"), new Wakes());

        Assert.That((complete, torn, future, topic.Count().Messages), Is.EqualTo((true, false, false, 7)));
    }

    private static Subscriber Reader() => new Broker(new BrokerLimits()).Admit();

    private static byte[] Event() => """{"message":{},"timestamp":"2025-08-28T10:00:00.0000000Z"}"""u8.ToArray();
}
