using System.Text.Json;

namespace PubSub.Hosting.Protocol;

/// <summary>Strings that a client wrote as JSON. An escape may be an unpaired surrogate, at which the framework throws.</summary>
internal static class ForeignText
{
    /// <summary>Whether the token, a name or a string, has this value.</summary>
    public static bool Is(in Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan.SequenceEqual(text);
        }

        try
        {
            return reader.ValueTextEquals(text);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The value of the token; null if it has an unpaired surrogate.</summary>
    public static string? Of(in Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
