using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Stress;

/// <summary>Every report as JSON.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FanOutReport))]
[JsonSerializable(typeof(IdleReport))]
[JsonSerializable(typeof(SlowReport))]
[JsonSerializable(typeof(JoinStormReport))]
internal sealed partial class Results : JsonSerializerContext
{
    /// <summary>Writes nothing when no file is named.</summary>
    public static void Write<T>(string? file, T report)
    {
        if (file is not null)
        {
            File.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(report, typeof(T), Default));
            Console.WriteLine($"wrote {file}");
        }
    }
}
