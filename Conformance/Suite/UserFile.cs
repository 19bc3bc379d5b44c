using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PubSub.Conformance;

/// <summary>Files that users write. What is wrong with one is an <see cref="InvalidDataException"/> that names the member and the rule.</summary>
internal static class UserFile
{
    public static T Read<T>(string json, JsonTypeInfo<T> type, string what) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidDataException($"a {what} is a JSON object, not null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"the {what} is not legal: {e.Message}", e);
        }
    }

    public static void Require(bool holds, string what, string rule)
    {
        if (!holds)
        {
            throw new InvalidDataException($"the {what} is not legal: {rule}");
        }
    }
}
