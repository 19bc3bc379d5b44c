using System.Text.Json;
using System.Text.Unicode;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>
/// The body of a request to create a topic: a JSON object with a <c>name</c>; what else is in it is ignored (PS-REST-024).
/// </summary>
internal static class CreationBody
{
    /// <returns>What is wrong with it, for the client; null when nothing is.</returns>
    public static string? Fault(ReadOnlySpan<byte> body, out string name)
    {
        name = "";
        if (!Utf8.IsValid(body))
        {
            return "the body must be UTF-8";
        }

        try
        {
            return Read(body, out name);
        }
        catch (JsonException)
        {
            return $"the body must be valid JSON, nested at most {Request.MaxDepth} levels deep";
        }
    }

    /// <exception cref="JsonException">It is not JSON.</exception>
    private static string? Read(ReadOnlySpan<byte> body, out string name)
    {
        name = "";
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = Request.MaxDepth });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            // Invalid JSON is reported first; only valid JSON is told to be an object.
            reader.Skip();
            reader.Read();
            return "the body must be a JSON object";
        }

        string? fault = null;
        var isThere = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!ForeignText.Is(reader, "name"u8))
            {
                reader.Skip();
                continue;
            }

            reader.Read();
            fault = isThere ? "name must not be given twice" : NameFault(reader, out name);
            isThere = true;
            reader.Skip();
        }

        reader.Read(); // nothing may follow the object
        return isThere ? fault : "name is required";
    }

    private static string? NameFault(in Utf8JsonReader reader, out string name)
    {
        name = "";
        if (reader.TokenType != JsonTokenType.String)
        {
            return "name must be a string";
        }

        if (ForeignText.Of(reader) is not { } text)
        {
            return "name must not contain an unpaired surrogate";
        }

        name = text;
        return TopicName.Fault(name) is { } fault ? $"name {fault}" : null;
    }
}
