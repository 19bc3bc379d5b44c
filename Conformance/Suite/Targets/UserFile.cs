using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PubSub.Conformance.Targets;

/// <summary>Reads files that users write. The <see cref="InvalidDataException"/> for a wrong one names the member and the rule.</summary>
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
