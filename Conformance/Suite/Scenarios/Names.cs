namespace PubSub.Conformance.Scenarios;

/// <summary>Strings that people use and that some programs handle wrongly.</summary>
internal static class Names
{
    /// <summary>Printable and short, but easily mistaken for something else.</summary>
    public static IReadOnlyList<string> Plain { get; } =
    [
        "msg1", "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "0", "007", "1e3", "1.0", "-1", "true",
        "null", "undefined", "NaN", "2025-08-28T10:00:00Z", "a b", "a/b", "a%2Fb", "a+b", "{}", "[]", "<b>&amp;</b>",
        "%s%d", "$ref", "__proto__",
    ];

    /// <summary>Built-in members of objects in JavaScript or Python, which a registry built on such an object finds.</summary>
    public static IReadOnlyList<string> OfLanguages { get; } =
        ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "__class__", "__init__"];

    /// <summary>JSON strings, quotes included, as a client may spell them.</summary>
    public static IReadOnlyList<(string What, string Json)> Odd { get; } =
    [
        ("a space", "\" \""),
        ("spaces at both ends", "\" a \""),
        ("escaped quotes", """ "say \"hi\"" """.Trim()),
        ("backslashes", """ "a\\b\\" """.Trim()),
        ("an escaped slash", """ "a\/b" """.Trim()),
        ("an escaped letter", """ "\u0061\u00e9" """.Trim()),
        ("an escaped surrogate pair", """ "\ud83d\ude00" """.Trim()),
        ("an escaped line break and tab", """ "a\n\tb" """.Trim()),
        ("an escaped NUL", """ "a\u0000b" """.Trim()),
        ("an emoji", "\"\U0001f680\""),
        ("a composed letter", "\"\u00e9\""),
        ("a decomposed letter", "\"e\u0301\""),
        ("letters of several scripts", "\"\u0416\u6f22\u0627\u05d0\""),
        ("a zero-width joiner", "\"a\u200db\""),
        ("a line separator", "\"a\u2028b\""),
        ("a delete character", "\"a\u007fb\""),
    ];

    /// <summary>Strings as long as any name may be.</summary>
    public static IReadOnlyList<(string What, string Json)> Longest { get; } =
    [
        ("255 characters", Json.Quote(Long("x", 255))),
        ("255 characters of three bytes", Json.Quote(Long("\u20ac", 255))),
        ("255 characters outside the basic plane", Json.Quote(Long("\U0001f600", 255))),
    ];

    public static string Long(string character, int count) => string.Concat(Enumerable.Repeat(character, count));

    /// <summary>The text that a JSON string stands for.</summary>
    public static string Meant(string json) => Json.TryParse(json).Text()!;
}
