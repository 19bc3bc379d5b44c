using System.Globalization;
using Microsoft.Extensions.Time.Testing;

namespace PubSub.PropertyTests.Streams;

/// <summary>The stamps of a topic under a clock that stands still: each is 100 ns later than the one before.</summary>
internal static class Stamps
{
    private static readonly DateTimeOffset Begin = new FakeTimeProvider().Start;

    /// <summary>The stamp of the topic's creation, or of its event number <paramref name="n"/>.</summary>
    public static long Of(int n) => Begin.AddHours(1).UtcTicks + n; // later than the clock, so that each stamp is the last one's successor

    public static string Text(int n) => new DateTime(Of(n), DateTimeKind.Utc).ToString("O", CultureInfo.InvariantCulture);
}
