using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Reports;

/// <summary>Escapes untrusted text for Markdown: it cannot become markup, a mention, a link or another table cell.</summary>
internal static class Markdown
{
    private const string Meaningful = "\\`*_{}[]()<>#+!|~&$@:^\"'=-";

    /// <summary>One line of prose, in which a pair of backticks still marks code.</summary>
    public static string Prose(string text, int cap = 2000) =>
        string.Concat(Words.Pieces(Visible.Line(text, cap)).Select(piece => piece.IsCode ? Code(piece.Text) : Plain(piece.Text)));

    /// <summary>One line of code, safe in a table as well, which a span of backticks is not.</summary>
    public static string Code(string text, int cap = 2000) => $"<code>{Plain(Visible.Line(text, cap))}</code>";

    /// <summary>The lines unchanged, in a fence longer than any that they contain.</summary>
    public static string Block(string text)
    {
        var longest = 0;
        var ticks = 0;
        foreach (var c in text)
        {
            ticks = c == '`' ? ticks + 1 : 0;
            longest = Math.Max(longest, ticks);
        }

        var fence = new string('`', Math.Max(3, longest + 1));
        return $"{fence}text\n{text.TrimEnd('\n')}\n{fence}\n";
    }

    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (IsMeaningful(text, i))
            {
                plain.Append(CultureInfo.InvariantCulture, $"&#{(int)text[i]};");
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }

    /// <summary>Hyphens, colons, dots and the like are markup only beside certain characters; elsewhere they stay readable.</summary>
    private static bool IsMeaningful(string text, int i) => text[i] switch
    {
        '.' => i >= 3 && text.AsSpan(i - 3, 3).Equals("www", StringComparison.OrdinalIgnoreCase),
        ':' => i + 1 == text.Length || text[i + 1] != ' ',
        '-' or '+' or '=' => i == 0 || text[i - 1] == text[i],
        '(' or ')' or '\'' or '"' or '{' or '}' => false,
        _ => Meaningful.Contains(text[i], StringComparison.Ordinal),
    };
}
