using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace PubSub.Hosting.Protocol;

/// <summary>Times in UTC, as RFC 3339: <c>2025-08-28T10:00:00.0000000Z</c> (PS-ENV-002).</summary>
/// <remarks>Safe for concurrent use. The text of a second is made once and used for all messages of that second.</remarks>
internal sealed class Timestamp(TimeProvider time)
{
    private static readonly StandardFormat SevenDigits = new('D', 7);

    private Second _second = new(-1, []);

    /// <summary>The moment of this call, in ticks of 100 ns since the year 1.</summary>
    public long Now => time.GetUtcNow().UtcTicks;

    /// <summary>
    /// Reads a time in any form of RFC 3339, except a leap second. Digits beyond the seventh are cut off: what is later than the time is
    /// later than the ticks, too.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long ticks)
    {
        ticks = 0;
        if (text.Length < "2025-08-28T10:00:00Z".Length
            || text[10] is not ('T' or 't')
            || !DateOnly.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !TimeOnly.TryParseExact(text[11..19], "HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            || !TryParseFraction(ref text, out var fraction)
            || !TryParseOffset(text, out var offset))
        {
            return false;
        }

        // Within a day of the first or last year, an offset leads out of what a stamp can be.
        ticks = Math.Clamp(date.ToDateTime(time).Ticks + fraction - offset, 0, DateTime.MaxValue.Ticks);
        return true;
    }

    /// <summary>Writes a time to the first <see cref="Stamp.Length"/> bytes.</summary>
    public void Write(long ticks, Span<byte> target)
    {
        var (number, fraction) = Math.DivRem(ticks, TimeSpan.TicksPerSecond);
        var second = Volatile.Read(ref _second);
        if (second.Number != number)
        {
            var text = new DateTime(ticks, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.", CultureInfo.InvariantCulture);
            second = new Second(number, Encoding.ASCII.GetBytes(text));
            Volatile.Write(ref _second, second);
        }

        second.Text.CopyTo(target);
        Utf8Formatter.TryFormat((uint)fraction, target[second.Text.Length..], out _, SevenDigits);
        target[Stamp.Length - 1] = (byte)'Z';
    }

    /// <summary>Reads what stands behind the seconds, and leaves the offset.</summary>
    private static bool TryParseFraction(ref ReadOnlySpan<char> text, out long fraction)
    {
        text = text[19..];
        fraction = 0;
        if (text[0] != '.')
        {
            return true;
        }

        var end = text[1..].IndexOfAnyExceptInRange('0', '9') + 1;
        for (var place = 1; place <= SevenDigits.Precision; place++)
        {
            fraction = (fraction * 10) + (place < end ? text[place] - '0' : 0);
        }

        text = text[end..];
        return end > 1;
    }

    private static bool TryParseOffset(ReadOnlySpan<char> text, out long offset)
    {
        offset = 0;
        if (text is ['Z' or 'z'])
        {
            return true;
        }

        var isOffset = text is ['+' or '-', ..]
            & TimeOnly.TryParseExact(text[1..], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var hours);
        offset = text[0] == '-' ? -hours.Ticks : hours.Ticks;
        return isOffset;
    }

    /// <param name="Number">Seconds since the year 1.</param>
    /// <param name="Text">All but the fraction: 20 bytes.</param>
    private sealed record Second(long Number, byte[] Text);
}
