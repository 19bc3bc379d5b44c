using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>
/// Takes secrets out of everything that is shown or written: the values of well-known credential headers and of those that the user
/// gave, values of query parameters that the user gave, and what the user's own patterns match.
/// </summary>
public sealed partial class Redaction
{
    public const string Mark = "\u2022\u2022\u2022";

    private const int ShortestSecret = 4;

    private static readonly TimeSpan LongestMatch = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<string> _secrets;
    private readonly IReadOnlyList<Regex> _patterns;
    private readonly Regex? _headers;

    /// <param name="headers">Headers that are sent with every request; their names stay readable.</param>
    /// <param name="query">The query that is sent with every request; the names of its parameters stay readable.</param>
    /// <param name="patterns">Regular expressions of the user.</param>
    /// <exception cref="ArgumentException">A pattern is no regular expression.</exception>
    public Redaction(IReadOnlyDictionary<string, string>? headers = null, string query = "", IEnumerable<string>? patterns = null)
    {
        headers ??= new Dictionary<string, string>();
        _secrets =
        [
            .. headers.Values
                .Concat(headers.Values.SelectMany(value => value.Split(' ')))
                .Concat(query.Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2).SelectMany(pair => new[] { pair[1], Uri.UnescapeDataString(pair[1]) }))
                .Where(value => value.Length >= ShortestSecret)
                .Distinct()
                .OrderByDescending(value => value.Length),
        ];
        _patterns = [.. (patterns ?? []).Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant, LongestMatch))];
        _headers = headers.Count == 0 ? null : HeaderLine(string.Join('|', headers.Keys.Select(Regex.Escape)));
    }

    public string Clean(string text)
    {
        var clean = Credentials().Replace(text, $"$1{Mark}");
        if (_headers is not null)
        {
            clean = _headers.Replace(clean, $"$1{Mark}");
        }

        foreach (var secret in _secrets)
        {
            clean = clean.Replace(secret, Mark, StringComparison.Ordinal);
        }

        return _patterns.Aggregate(clean, (rest, pattern) => pattern.Replace(rest, Mark));
    }

    public string? CleanOrNull(string? text) => text is null ? null : Clean(text);

    // A transcript writes the end of a line as the two characters \n.
    private static Regex HeaderLine(string names) =>
        new($@"((?:\A|\n|\\n)(?:{names}):[ \t]*)(?:(?!\\n)[^\r\n])+", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, LongestMatch);

    [GeneratedRegex(
        @"((?:\A|\n|\\n)(?:Authorization|Proxy-Authorization|Cookie|Set-Cookie|X-API-Key):[ \t]*)(?:(?!\\n)[^\r\n])+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Credentials();
}
