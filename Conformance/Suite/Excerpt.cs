using System.Globalization;
using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>Shortens long texts to fit a line.</summary>
public static partial class Excerpt
{
    /// <summary>Characters of one value, such as a body, in a message.</summary>
    public const int LongestValue = 600;

    /// <summary>Characters of a whole message.</summary>
    public const int LongestMessage = 2_000;

    private const int LongestTitle = 100;

    /// <summary>At most this many characters, then an ellipsis if anything was cut.</summary>
    public static string Cut(this string text, int most) => text.Length <= most ? text : $"{Start(text, most)}\u2026";

    /// <summary>
    /// Data of a server as a sentence can quote it: an HTML page is reduced to its title, a long run of white space to its length, and a
    /// text longer than <paramref name="most"/> is cut, with its length.
    /// </summary>
    public static string Quoted(this string text, int most = LongestValue)
    {
        var plain = Blank().Replace(Page().Replace(text, page => Titled(page.Value)), Folded);
        return plain.Length <= most
            ? plain
            : string.Create(CultureInfo.InvariantCulture, $"{Start(plain, most)}\u2026 ({plain.Length:N0} characters)");
    }

    /// <summary>Text on several lines as one line: an end of a line and the white space around it become one space.</summary>
    public static string OnOneLine(this string text) => LineEnds().Replace(text, " ");

    /// <summary>Never cuts a surrogate pair in half.</summary>
    private static string Start(string text, int most) => char.IsHighSurrogate(text[most - 1]) ? text[..(most - 1)] : text[..most];

    private static string Titled(string page)
    {
        var title = Blank().Replace(Title().Match(page).Groups[1].Value.OnOneLine().Trim(), " ").Cut(LongestTitle);
        var length = string.Create(CultureInfo.InvariantCulture, $"{page.Length:N0} characters");
        return title.Length == 0 ? $"an HTML page of {length}" : $"an HTML page of {length}, titled \"{title}\"";
    }

    private static string Folded(Match blank) =>
        blank.Value.Contains('\n', StringComparison.Ordinal) ? "\n" : $" [{blank.Length} spaces] ";

    [GeneratedRegex(@"(<!doctype\s+html|<html\b)[^\0]*?(</html\s*>|\z)", RegexOptions.IgnoreCase)]
    private static partial Regex Page();

    [GeneratedRegex(@"<title[^>]*>([^<]*)", RegexOptions.IgnoreCase)]
    private static partial Regex Title();

    [GeneratedRegex(@"\s{9,}")]
    private static partial Regex Blank();

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineEnds();
}
