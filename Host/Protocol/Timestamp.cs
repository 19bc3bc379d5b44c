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
    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK"];

    private Second _second = new(-1, []);

    /// <summary>The moment of this call, in ticks of 100 ns since the year 1.</summary>
    public long Now => time.GetUtcNow().UtcTicks;

    /// <summary>Reads a time as this server writes it, or in any other form of RFC 3339 with at most seven digits of a second.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long ticks)
    {
        var isTime = DateTimeOffset.TryParseExact(
            text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed);
        ticks = parsed.UtcTicks;
        return isTime;
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

    /// <param name="Number">Seconds since the year 1.</param>
    /// <param name="Text">All but the fraction: 20 bytes.</param>
    private sealed record Second(long Number, byte[] Text);
}
