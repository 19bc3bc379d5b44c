using System.Text;
using NUnit.Framework;
using PubSub.Hosting.Redis;

namespace PubSub.PropertyTests.Redis;

public sealed class AnnouncementTests
{
    [Test]
    public void Events_are_one_microsecond_apart_and_may_have_any_bytes()
    {
        var announcement = Parse("E 9f2c 100 205 3 0 4\na\nb c d\n");

        Assert.That((announcement.Kind, announcement.Epoch, announcement.Before, announcement.First, announcement.Last),
            Is.EqualTo(('E', "9f2c", 100L, 205L, 207L)));
        Assert.That(
            announcement.Events.Select(stamped => (stamped.Stamp, Encoding.UTF8.GetString(stamped.Frame.Span))),
            Is.EqualTo(new[] { (205L, "a\nb"), (206L, ""), (207L, " c d") }));
    }

    [Test]
    public void A_mark_names_its_token()
    {
        var mark = Parse("M 9f2c 100 101 node-1:7");

        Assert.That((mark.Kind, mark.Before, mark.Last, mark.Token), Is.EqualTo(('M', 100L, 101L, "node-1:7")));
        Assert.That(mark.Events, Is.Empty);
    }

    [Test]
    public void A_deletion_names_the_epoch_alone() => Assert.That(Parse("D 9f2c").Epoch, Is.EqualTo("9f2c"));

    [TestCase("E 9f2c 100 x 3\nabc")]
    [TestCase("E 9f2c")]
    public void What_no_script_makes_is_refused(string message) => Assert.That(() => Parse(message), Throws.TypeOf<FormatException>());

    [Test]
    public void A_retained_event_begins_with_its_stamp()
    {
        var stamped = StampedFrame.Parse("1795986715471476 {\"a\": 1}");

        Assert.That((stamped.Stamp, Encoding.UTF8.GetString(stamped.Frame.Span)), Is.EqualTo((1795986715471476L, "{\"a\": 1}")));
        Assert.That(() => StampedFrame.Parse("{}"), Throws.TypeOf<FormatException>());
    }

    private static Announcement Parse(string message) => Announcement.Parse(Encoding.UTF8.GetBytes(message));
}
