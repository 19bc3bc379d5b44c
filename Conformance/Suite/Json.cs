using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PubSub.Conformance;

/// <summary>JSON as the suite reads it: tolerant of depth, exact about text.</summary>
public static class Json
{
    private static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = 1_000_000 };

    /// <summary>A JSON string holding the given text.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

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
            // Saying that it is not JSON is the answer.
            return null;
        }
    }

    /// <summary>Equal as JSON values: key order, escapes and the spelling of a number do not matter, nor do digits beyond a double.</summary>
    public static bool AreEqual(string expected, string observed) =>
        string.Equals(expected, observed, StringComparison.Ordinal)
        || (TryParse(expected) is { } left && TryParse(observed) is { } right && AreEqual(left, right));

    internal static JsonElement? Member(this JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } members && members.TryGetProperty(name, out var value) ? value : null;

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
            // A lone surrogate has no text; what was written is the best that can be compared.
            return text.GetRawText();
        }
    }

    internal static double? Number(this JsonElement? json) =>
        json is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value) ? value : null;

    internal static long? Integer(this JsonElement? json) =>
        json is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : null;

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
            members[member.Name] = member.Value;
        }

        return members;
    }

    private static double Double(JsonElement number) =>
        double.Parse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);
}
