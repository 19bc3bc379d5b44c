using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Protocol;

/// <summary>What the server writes it reads again, to the tick; and it reads any time of RFC 3339 (PS-RES-004).</summary>
public sealed class TimestampTests
{
    private static readonly Timestamp Clock = new(TimeProvider.System);

    private static readonly Gen<long> Ticks =
        from day in Gen.Frequency((3, Gen.Choose(0, DateOnly.MaxValue.DayNumber)), (1, Gen.Elements(0, DateOnly.MaxValue.DayNumber)))
        from second in Gen.Choose(0, 24 * 60 * 60 - 1)
        from fraction in Gen.OneOf(Gen.Choose(0, 9_999_999), Gen.Elements(0, 1, 10, 9_999_999))
        select (day * TimeSpan.TicksPerDay) + (second * TimeSpan.TicksPerSecond) + fraction;

    [Test]
    public void The_broker_writes_a_stamp_as_the_Host_does() => Law.Holds(Ticks, ticks => Written(ticks) == Frames.Time(ticks)
        && Encoding.ASCII.GetString(Bytes(target => Stamp.Write(ticks, target))) == Frames.Time(ticks));

    [Test]
    public void What_is_written_is_read_to_the_tick() =>
        Law.Holds(Ticks, ticks => Timestamp.TryParse(Written(ticks), out var read) && read == ticks);

    [Test]
    public void Any_offset_and_any_number_of_digits_are_read_and_never_as_a_later_time()
    {
        var cases =
            from ticks in Ticks
            from digits in Gen.Choose(0, 12)
            from more in Gen.Choose(0, 99_999)
            from minutes in Gen.Choose(-(24 * 60) + 1, (24 * 60) - 1)
            from lower in Gen.Elements(true, false)
            select (ticks, digits, more, minutes, lower);

        Law.Holds(
            cases,
            given =>
            {
                var local = new DateTime(given.ticks);
                var fraction = (local.ToString("fffffff", CultureInfo.InvariantCulture) + $"{given.more:D5}")[..given.digits];
                var sign = given.minutes < 0 ? '-' : '+';
                var (hour, minute) = Math.DivRem(Math.Abs(given.minutes), 60);
                var text = $"{local:yyyy-MM-dd'T'HH':'mm':'ss}{(given.digits > 0 ? $".{fraction}" : "")}{sign}{hour:D2}:{minute:D2}";
                var expected = given.ticks
                    - (given.ticks % (long)Math.Pow(10, 7 - Math.Min(given.digits, 7)))
                    - (given.minutes * TimeSpan.TicksPerMinute);

                return Timestamp.TryParse(given.lower ? text.ToLowerInvariant() : text, out var read)
                    && read == Math.Clamp(expected, 0, DateTime.MaxValue.Ticks);
            },
            times: 2000);
    }

    [TestCase("2025-08-28T10:00:00Z", 0)]
    [TestCase("2025-08-28t10:00:00z", 0)]
    [TestCase("2025-08-28T10:00:00.0000000Z", 0)]
    [TestCase("2025-08-28T10:00:00.1Z", 1_000_000)]
    [TestCase("2025-08-28T10:00:00.00000019999Z", 1)]
    [TestCase("2025-08-28T12:30:00.0000001+02:30", 1)]
    [TestCase("2025-08-27T10:01:00-23:59", 0)]
    [TestCase("2025-08-28T10:00:00-00:00", 0)]
    [TestCase("2025-08-28T10:00:00+00:00", 0)]
    public void A_time_of_RFC_3339_is_read(string text, long later)
    {
        Assert.That(Timestamp.TryParse(text, out var ticks), Is.True);
        Assert.That(ticks, Is.EqualTo(638_919_720_000_000_000 + later));
    }

    [TestCase("")]
    [TestCase("2025-08-28")]
    [TestCase("2025-08-28T10:00:00")]
    [TestCase("2025-08-28T10:00:00.")]
    [TestCase("2025-08-28T10:00:00.1")]
    [TestCase("2025-08-28T10:00:00.Z")]
    [TestCase("2025-08-28T10:00:00,1Z")]
    [TestCase("2025-08-28T10:00:00.-1Z")]
    [TestCase("2025-08-28T10:00:00.1 Z")]
    [TestCase("2025-08-28 10:00:00Z")]
    [TestCase("2025-08-28T10:00Z")]
    [TestCase("2025-08-28T1:00:00.0Z")]
    [TestCase("2025-8-28T10:00:00.0Z")]
    [TestCase("2025-02-29T10:00:00Z")]
    [TestCase("2025-13-01T10:00:00Z")]
    [TestCase("2025-08-28T24:00:00Z")]
    [TestCase("2025-08-28T10:60:00Z")]
    [TestCase("2016-12-31T23:59:60Z", Description = "a leap second, which the server never writes")]
    [TestCase("2025-08-28T10:00:00+2:00")]
    [TestCase("2025-08-28T10:00:00+0200")]
    [TestCase("2025-08-28T10:00:00+02")]
    [TestCase("2025-08-28T10:00:00+24:00")]
    [TestCase("2025-08-28T10:00:00+02:60")]
    [TestCase("2025-08-28T10:00:00Z+02:00")]
    [TestCase("2025-08-28T10:00:00ZZ")]
    [TestCase("2025-08-28T10:00:00Z ")]
    [TestCase(" 2025-08-28T10:00:00Z")]
    [TestCase("12025-08-28T10:00:00Z")]
    [TestCase("-025-08-28T10:00:00Z")]
    [TestCase("٢٠٢٥-08-28T10:00:00Z")]
    [TestCase("2025-08-28T10:00:00.١Z")]
    [TestCase("1756375200000000000000")]
    public void Any_other_text_is_not(string text) => Assert.That(Timestamp.TryParse(text, out _), Is.False);

    private static string Written(long ticks) => Encoding.ASCII.GetString(Bytes(target => Clock.Write(ticks, target)));

    private static byte[] Bytes(Action<byte[]> write)
    {
        var bytes = new byte[Stamp.Length];
        write(bytes);
        return bytes;
    }
}
