using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Verdicts;

/// <summary>
/// Removes secrets from everything that is shown or written: values of well-known credential headers and of headers that the user gave,
/// in any spelling in which a server repeats them; credentials in URLs; JSON Web Tokens; values of query parameters that the user gave; and
/// all matches of the user's patterns.
/// </summary>
public sealed partial class Redaction
{
    public const string Mark = "\u2022\u2022\u2022";

    private const int ShortestSecret = 4;
    private const int ShownData = 500;
    private const char Cut = '\u2026';

    private static readonly TimeSpan LongestMatch = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<string> _secrets;
    private readonly IReadOnlyList<Regex> _patterns;

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
                .Concat(query.Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2)
                    .SelectMany(pair => new[] { pair[1], Uri.UnescapeDataString(pair[1]) }))
                .Where(value => value.Length >= ShortestSecret)
                .Distinct()
                .OrderByDescending(value => value.Length),
        ];
        _patterns =
        [
            .. headers.Count == 0 ? [] : new[] { HeaderLine(string.Join('|', headers.Keys.Select(Regex.Escape))) },
            .. _secrets.Select(secret => new Regex(string.Concat(secret.Select(Spellings)), RegexOptions.CultureInvariant, LongestMatch)),
            .. (patterns ?? []).Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant, LongestMatch)),
        ];
    }

    public string Clean(string text)
    {
        try
        {
            var clean = UrlCredentials().Replace(Credentials().Replace(text, $"$1{Mark}"), $"$1{Mark}");
            clean = Tokens().Replace(clean, Mark);
            return _patterns.Aggregate(
                WithoutRests(clean), (rest, pattern) => pattern.Replace(rest, match => match.Groups["name"].Value + Mark));
        }
        catch (RegexMatchTimeoutException)
        {
            // A text that cannot be searched for secrets must not be shown.
            return $"{Mark} (a pattern to redact took more than {LongestMatch.TotalSeconds} s)";
        }
    }

    public string? CleanOrNull(string? text) => text is null ? null : Clean(text);

    internal ScenarioResult Clean(ScenarioResult scenario) => scenario with
    {
        Message = Clean(scenario.Message),
        Expectation = CleanOrNull(scenario.Expectation),
        Expected = CleanOrNull(scenario.Expected),
        Observed = CleanOrNull(scenario.Observed),
        Observations = [.. scenario.Observations.Select(seen => seen with { Value = Clean(seen.Value) })],
        Transcript = [.. scenario.Transcript.Select(line => line with { Data = Clean(line.Data) })],
    };

    /// <summary>Cuts the data of the last requests only after cleaning, so that no secret is cut in two.</summary>
    internal Ending Clean(Ending ending) => ending with
    {
        Message = Clean(ending.Message),
        LastRequests = Clean(ending.LastRequests),
    };

    internal DeathResult Clean(DeathResult death) => death with
    {
        Message = Clean(death.Message),
        How = Clean(death.How),
        LastRequests = Clean(death.LastRequests),
    };

    private List<LastRequest> Clean(IReadOnlyList<LastRequest> requests) =>
        [.. requests.Select(request => request with { Data = Clean(request.Data).Cut(ShownData) })];

    internal Conclusion Clean(Conclusion conclusion) => conclusion with { Message = Clean(conclusion.Message) };

    /// <summary>Removes the beginning of a secret in front of a cut: long texts are cut before they are cleaned.</summary>
    private string WithoutRests(string text)
    {
        for (var at = text.IndexOf(Cut, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Cut, at + 1))
        {
            var before = text.AsSpan(0, at);
            var rest = 0;
            foreach (var secret in _secrets)
            {
                for (var length = Math.Min(secret.Length - 1, at); length >= Math.Max(ShortestSecret, rest + 1); length--)
                {
                    if (before.EndsWith(secret.AsSpan(0, length), StringComparison.Ordinal))
                    {
                        rest = length;
                    }
                }
            }

            if (rest > 0)
            {
                text = $"{text[..(at - rest)]}{Mark}{text[at..]}";
                at += Mark.Length - rest;
            }
        }

        return text;
    }

    /// <summary>A regular expression for a character as it is, as JSON escapes it, and as a URL does.</summary>
    private static string Spellings(char letter)
    {
        if (char.IsAsciiLetterOrDigit(letter))
        {
            return letter.ToString();
        }

        var spellings = new StringBuilder("(?:").Append(Regex.Escape(letter.ToString()));
        spellings.Append(CultureInfo.InvariantCulture, $@"|(?i:\\u{(int)letter:x4})|\\{Regex.Escape(letter.ToString())}");
        if (!char.IsSurrogate(letter))
        {
            var encoded = string.Concat(Encoding.UTF8.GetBytes([letter]).Select(one => $"%{one:x2}"));
            spellings.Append("|(?i:").Append(Regex.Escape(encoded)).Append(')');
        }

        return spellings.Append(letter == ' ' ? @"|\+)" : ")").ToString();
    }

    // A transcript writes the end of a line as the two characters \n.
    private static Regex HeaderLine(string names) => new(
        $@"(?<name>(?:\A|\n|\\n)(?:{names}):[ \t]*)(?:(?!\\n)[^\r\n])+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
        LongestMatch);

    [GeneratedRegex(
        @"((?:\A|\n|\\n)(?:Authorization|Proxy-Authorization|Cookie|Set-Cookie|X-API-Key):[ \t]*)(?:(?!\\n)[^\r\n])+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Credentials();

    // The header of a JSON Web Token begins with {" in base64url. The text may be cut.
    [GeneratedRegex(@"\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,2}", RegexOptions.CultureInvariant)]
    private static partial Regex Tokens();

    [GeneratedRegex(
        @"(://(?=[^/\s?#""]*@)|[?&](?:token|access_token|api_?key|password|secret)=)(?:(?<=://)[^/\s?#""]+(?=@)|(?<==)[^&#\s""]+)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UrlCredentials();
}
