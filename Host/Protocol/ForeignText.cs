using System.Text.Json;

namespace PubSub.Hosting.Protocol;

/// <summary>Strings that a client wrote as JSON: an escape may stand for half a character, at which the framework throws.</summary>
internal static class ForeignText
{
    /// <summary>Whether the token, a name or a string, says this.</summary>
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

    /// <summary>What the token says; null where it has an unpaired surrogate, which is no text.</summary>
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
