using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The rules for topic names, and their encoding in paths.</summary>
internal static class TopicName
{
    /// <summary>In characters: Unicode scalar values.</summary>
    public const int Longest = 255;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The rule that the text breaks, or null when it is a legal name.</summary>
    public static string? Fault(string text) => text switch
    {
        "" => "must have at least one character",
        _ when !IsShort(text) => $"must have at most {Longest} characters",
        _ when text.Any(char.IsControl) => "must have no control characters",
        "." or ".." => "must be neither . nor ..",
        _ => null,
    };

    public static bool IsShort(string text) => text.EnumerateRunes().Count() <= Longest;

    /// <summary>The path segment of a name, with every character encoded that has a meaning in a path.</summary>
    public static string Encode(string name) =>
        name is "." or ".." ? name.Replace(".", "%2E", StringComparison.Ordinal) : Uri.EscapeDataString(name);

    /// <summary>The name that a path segment encodes; null when it is not percent-encoded UTF-8.</summary>
    public static string? Decode(string segment)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < segment.Length; i++)
        {
            if (segment[i] != '%')
            {
                bytes.Add((byte)segment[i]);
            }
            else if (TryReadHex(segment.AsSpan(i + 1), out var value))
            {
                bytes.Add(value);
                i += 2;
            }
            else
            {
                return null;
            }
        }

        try
        {
            return Strict.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
    private static bool TryReadHex(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length >= 2 && byte.TryParse(text[..2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
