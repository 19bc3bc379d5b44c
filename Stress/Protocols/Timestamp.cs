using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace PubSub.Stress.Protocols;

/// <summary>The timestamps of a server as numbers.</summary>
internal static class Timestamp
{
    /// <summary>Ticks of 100 ns.</summary>
    public static long Ticks(ReadOnlySpan<byte> text)
    {
        if (Utf8Parser.TryParse(text, out DateTimeOffset time, out var used, 'O') && used == text.Length)
        {
            return time.UtcTicks;
        }

        var written = Encoding.UTF8.GetString(text);
        return DateTimeOffset.TryParse(written, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time)
            ? time.UtcTicks
            : throw new RunFailed($"a timestamp that is no time: {written}");
    }
}
