using FsCheck;
using FsCheck.Fluent;

namespace PubSub.PropertyTests.Tools;

/// <summary>Generates unusual JSON: any nesting, white space, escapes, numbers, members given twice.</summary>
internal static class JsonTexts
{
    /// <summary>White space, often none.</summary>
    public static readonly Gen<string> Space = Gen.Elements("", "", "", " ", "\n", "\t", " \r\n  ");

    private static readonly Gen<string> Character = Gen.Elements(
        "a", "Z", "0", " ", "/", "é", "€", "😀", "\u2028", "\u007f", "}", "]", ",", ":", "<", "'", "type", "payload", "id", "request_id",
        """\n""", "\\\"", """\\""", """\/""", """\b""", """\u0000""", """\u00E9""", """\ud83d\ude00""", """\ud800""", """\uDC00""",
        """\u0069d""");

    private static readonly Gen<string> Number = Gen.OneOf(
        Gen.Elements(
            "0", "-0", "-1", "99.5", "0.10", "1e400", "-1E-400", "1.0E+2", "9007199254740993",
            "12345678901234567890123456789012345678901234567890",
            "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"),
        Gen.Choose(int.MinValue, int.MaxValue).Select(Frames.Text));

    public static readonly Gen<string> String =
        Gen.Choose(0, 6).SelectMany(length => Character.ArrayOf(length)).Select(parts => $"\"{string.Concat(parts)}\"");

    /// <summary>Any value.</summary>
    public static readonly Gen<string> Value = Gen.Choose(0, 4).SelectMany(Nested);

    private static Gen<string> Nested(int depth)
    {
        var leaf = Gen.OneOf(Gen.Elements("null", "true", "false", "{}", "[]", "[ ]", "{\n}"), Number, String);
        if (depth == 0)
        {
            return leaf;
        }

        var spaced = from before in Space from value in Nested(depth - 1) from after in Space select before + value + after;
        var member =
            from before in Space
            from name in String
            from after in Space
            from value in spaced
            select $"{before}{name}{after}:{value}";
        return Gen.Frequency((1, leaf), (2, Row(spaced, "[", "]")), (3, Row(member, "{", "}")));
    }

    private static Gen<string> Row(Gen<string> item, string open, string close) =>
        Gen.Choose(1, 4).SelectMany(length => item.ArrayOf(length)).Select(items => open + string.Join(',', items) + close);
}
