using System.Text;

namespace PubSub.Hosting.Protocol;

/// <summary>
/// Topic names: 1 to 255 Unicode characters, none of them a control character, and neither <c>.</c> nor <c>..</c>; nothing else
/// has a meaning (PS-REST-021, PS-REST-022, PS-REST-031). Other names of the protocol (ids, labels) share the bound on their length.
/// </summary>
internal static class TopicName
{
    /// <summary>Characters (Unicode scalar values) that any name may have.</summary>
    public const int MaxCharacters = 255;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What is wrong with a name, as the end of a sentence that begins with the field; null when it is legal.</summary>
    public static string? Fault(string name) =>
        LabelFault(name)
        ?? (HasControl(name) ? "must not contain control characters"
        : name is "." or ".." ? "must be neither . nor .., which no URL can hold" // RFC 3986 §5.2.4
        : null);

    /// <summary>The same for a client's label or a message's id, which may hold any character.</summary>
    public static string? LabelFault(string label) =>
        label.Length == 0 ? "must not be empty"
        : IsTooLong(label) ? $"must be at most {MaxCharacters} characters long"
        : null;

    /// <summary>Whether a string has more than <see cref="MaxCharacters"/> characters.</summary>
    public static bool IsTooLong(string text) =>
        text.Length > MaxCharacters && text.EnumerateRunes().Count() > MaxCharacters;

    private static bool HasControl(ReadOnlySpan<char> name) =>
        name.ContainsAnyInRange('\u0000', '\u001F') || name.ContainsAnyInRange('\u007F', '\u009F'); // Unicode's category Cc

    /// <summary>
    /// The name that the last segment of a request target stands for. Read from the raw target, because the server's decoded path no
    /// longer tells <c>a%2Fb</c> from <c>a%252Fb</c> (PS-REST-023).
    /// </summary>
    /// <returns>False when the segment is not percent-encoded UTF-8 (RFC 3986 §2.1).</returns>
    public static bool TryFromTarget(string rawTarget, out string name)
    {
        name = "";
        var path = rawTarget.AsSpan();
        path = path.IndexOf('?') is var query and >= 0 ? path[..query] : path;
        var segment = path[(path.LastIndexOf('/') + 1)..];
        var bytes = new byte[segment.Length];
        var length = 0;
        for (var i = 0; i < segment.Length; i++)
        {
            if (segment[i] != '%')
            {
                bytes[length++] = (byte)segment[i]; // a request target is ASCII
            }
            else if (i + 2 < segment.Length && char.IsAsciiHexDigit(segment[i + 1]) && char.IsAsciiHexDigit(segment[i + 2]))
            {
                bytes[length++] = Convert.FromHexString(segment.Slice(i + 1, 2))[0];
                i += 2;
            }
            else
            {
                return false;
            }
        }

        try
        {
            name = Strict.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
