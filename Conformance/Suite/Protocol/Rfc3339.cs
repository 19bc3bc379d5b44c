using System.Globalization;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Protocol;

/// <summary>Timestamps as RFC 3339 section 5.6 writes them.</summary>
internal static partial class Rfc3339
{
    public static bool IsDateTime(string? text) =>
        text is not null
        && Shape().IsMatch(text)
        && DateOnly.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    public static bool IsUtc(string? text) => IsDateTime(text) && text!.EndsWith('Z');

    /// <summary>The moment to the second, since not all servers write fractions; null when the text is no date-time.</summary>
    public static DateTimeOffset? Second(string? text) =>
        IsDateTime(text) && DateTimeOffset.TryParse(text![..19] + Offset().Match(text).Value, CultureInfo.InvariantCulture, out var moment)
            ? moment
            : null;

    /// <summary>The moment in seconds, with all digits of its fraction; null when the text is no date-time.</summary>
    public static decimal? Moment(string? text) => Second(text) is { } second
        ? (second.UtcTicks / TimeSpan.TicksPerSecond) + decimal.Parse($"0{Fraction().Match(text!).Value}", CultureInfo.InvariantCulture)
        : null;

    [GeneratedRegex(@"\.[0-9]{1,18}|\z")]
    private static partial Regex Fraction();

    [GeneratedRegex(
        @"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Shape();

    [GeneratedRegex(@"(Z|[+-][0-9]{2}:[0-9]{2})\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Offset();
}
