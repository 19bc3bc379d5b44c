using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Reports;

/// <summary>
/// Makes untrusted data safe to show. Characters that control a terminal, that XML forbids or that change the reading direction, and lone
/// surrogates, are replaced by visible ones.
/// </summary>
internal static class Visible
{
    /// <summary>From this cap on, a cut text is followed by its length; shorter caps are for names.</summary>
    private const int CountedFrom = 200;

    /// <summary>Keeps line breaks.</summary>
    public static string Text(string text, int cap = int.MaxValue) => Show(text, cap, lines: true);

    /// <summary>One line: a line break is written <c>\n</c>.</summary>
    public static string Line(string text, int cap = int.MaxValue) => Show(text, cap, lines: false);

    private static string Show(string text, int cap, bool lines)
    {
        var shown = new StringBuilder(Math.Min(text.Length, cap) + 16);
        for (var i = 0; i < text.Length;)
        {
            if (shown.Length >= cap)
            {
                shown.Append('\u2026');
                return cap < CountedFrom
                    ? shown.ToString()
                    : shown.Append(CultureInfo.InvariantCulture, $" ({text.Length:N0} characters)").ToString();
            }

            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                Escape(shown, text[i++]);
                continue;
            }

            i += rune.Utf16SequenceLength;
            switch (rune.Value)
            {
                case '\r' when i < text.Length && text[i] == '\n':
                    break;
                case '\n':
                    shown.Append(lines ? "\n" : "\\n");
                    break;
                case '\t':
                    shown.Append(lines ? '\t' : ' ');
                    break;
                case < 0x20:
                    shown.Append((char)(0x2400 + rune.Value));
                    break;
                case 0x7f:
                    shown.Append('\u2421');
                    break;
                default:
                    if (IsSafe(rune))
                    {
                        shown.Append(rune);
                    }
                    else
                    {
                        Escape(shown, rune.Value);
                    }

                    break;
            }
        }

        return shown.ToString();
    }

    /// <summary>False for noncharacters, C1 controls, line separators, private use and marks that set the reading direction.</summary>
    private static bool IsSafe(Rune rune) =>
        (rune.Value & 0xfffe) != 0xfffe
        && rune.Value is not (>= 0xfdd0 and <= 0xfdef)
        && rune.Value is not (0x061c or 0x200e or 0x200f or (>= 0x202a and <= 0x202e) or (>= 0x2066 and <= 0x2069) or 0xfeff)
        && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse);

    private static void Escape(StringBuilder text, int value) => text.Append(CultureInfo.InvariantCulture, $"\\u{{{value:x4}}}");
}
