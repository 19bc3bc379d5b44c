using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace PubSub.Hosting.Protocol;

/// <summary>The current time in UTC, as RFC 3339: <c>2025-08-28T10:00:00.0000000Z</c> (PS-ENV-002).</summary>
/// <remarks>Safe for concurrent use. The text of a second is made once and used for all messages of that second.</remarks>
internal sealed class Timestamp(TimeProvider time)
{
    /// <summary>Bytes of a timestamp.</summary>
    public const int Length = 28;

    private static readonly StandardFormat SevenDigits = new('D', 7);

    private Second _second = new(-1, []);

    /// <summary>Writes the moment of this call to the first <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        var ticks = time.GetUtcNow().UtcTicks;
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
        target[Length - 1] = (byte)'Z';
    }

    /// <param name="Number">Seconds since the year 1.</param>
    /// <param name="Text">All but the fraction: 20 bytes.</param>
    private sealed record Second(long Number, byte[] Text);
}
