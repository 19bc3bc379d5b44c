using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>JSON as the suite reads it: tolerant of depth, exact about text.</summary>
public static partial class Json
{
    private static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = 1_000_000 };

    /// <summary>A JSON string holding the given text.</summary>
    public static string Quote(string text)
    {
        var pieces = Pieces(text).Select(piece =>
            piece is [var lone] && char.IsSurrogate(lone) ? $"\\u{(int)lone:x4}" : Escaped(piece));
        return $"\"{string.Concat(pieces)}\"";
    }

    /// <summary>Null when the text is not JSON.</summary>
    public static JsonElement? TryParse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, AnyDepth);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Null says that it is not JSON.
            return null;
        }
    }

    /// <summary>Equal as JSON values. Key order, escapes, a number's spelling and its digits beyond a double make no difference.</summary>
    public static bool AreEqual(string expected, string observed) =>
        string.Equals(expected, observed, StringComparison.Ordinal)
        || (TryParse(expected) is { } left && TryParse(observed) is { } right && AreEqual(left, right));

    internal static JsonElement? Member(this JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } members && TryGet(members, name, out var value) ? value : null;

    internal static string? Text(this JsonElement? json)
    {
        if (json is not { ValueKind: JsonValueKind.String } text)
        {
            return null;
        }

        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate has no text, so compare the raw JSON instead.
            return text.GetRawText();
        }
    }

    /// <summary>As <see cref="Text"/>, but keeps lone surrogates; only for JSON that the suite itself wrote.</summary>
    internal static string? Exact(this JsonElement? json) => json is { ValueKind: JsonValueKind.String } text
        ? Escape().Replace(text.GetRawText()[1..^1], escape => escape.Value[1] switch
        {
            'u' => ((char)ushort.Parse(escape.ValueSpan[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString(),
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'b' => "\b",
            'f' => "\f",
            _ => escape.Value[1..],
        })
        : null;

    internal static double? Number(this JsonElement? json) =>
        json is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value) ? value : null;

    internal static long? Integer(this JsonElement? json) =>
        json is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : null;

    private static bool TryGet(JsonElement members, string name, out JsonElement value)
    {
        try
        {
            return members.TryGetProperty(name, out value);
        }
        catch (InvalidOperationException)
        {
            // One name has a lone surrogate, which cannot be compared; the others still can.
            return Members(members).TryGetValue(name, out value);
        }
    }

    /// <summary>Splits the text into the largest pieces of legal UTF-16; each lone surrogate is a piece of its own.</summary>
    private static IEnumerable<string> Pieces(string text)
    {
        var start = 0;
        for (var at = 0; at < text.Length; at++)
        {
            if (char.IsSurrogatePair(text, at))
            {
                at++;
            }
            else if (char.IsSurrogate(text[at]))
            {
                yield return text[start..at];
                yield return text[at..(at + 1)];
                start = at + 1;
            }
        }

        yield return text[start..];
    }

    private static string Escaped(string text) => JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    private static bool AreEqual(JsonElement left, JsonElement right)
    {
        if (left.ValueKind != right.ValueKind)
        {
            return false;
        }

        switch (left.ValueKind)
        {
            case JsonValueKind.Object:
                var ours = Members(left);
                var theirs = Members(right);
                return ours.Count == theirs.Count
                    && ours.All(member => theirs.TryGetValue(member.Key, out var other) && AreEqual(member.Value, other));

            case JsonValueKind.Array:
                return left.GetArrayLength() == right.GetArrayLength()
                    && left.EnumerateArray().Zip(right.EnumerateArray()).All(pair => AreEqual(pair.First, pair.Second));

            case JsonValueKind.String:
                return ((JsonElement?)left).Text() == ((JsonElement?)right).Text();

            case JsonValueKind.Number:
                return Double(left).Equals(Double(right));

            default:
                return true;
        }
    }

    // Of duplicate keys the last one counts, as in most parsers.
    private static Dictionary<string, JsonElement> Members(JsonElement json)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in json.EnumerateObject())
        {
            members[NameOf(member)] = member.Value;
        }

        return members;
    }

    private static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            // As with a text, compare the raw JSON instead.
            return member.ToString();
        }
    }

    [GeneratedRegex(@"\\(?:u[0-9A-Fa-f]{4}|.)")]
    private static partial Regex Escape();

    private static double Double(JsonElement number) =>
        double.Parse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);
}
