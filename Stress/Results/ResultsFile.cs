using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Stress.Results;

/// <summary>All runs of one command line, with machine and versions: the file format of every verb.</summary>
internal sealed record ResultsFile(int Schema, Setting Setting, IReadOnlyList<Run> Runs)
{
    public const int CurrentSchema = 1;

    public static ResultsFile Read(string path)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), ResultsJson.Form.ResultsFile);
            return file is { Schema: CurrentSchema, Setting: not null, Runs: not null }
                ? file
                : throw new UsageError($"{path}: expected results of schema {CurrentSchema}");
        }
        catch (JsonException e)
        {
            throw new UsageError($"{path}: {e.Message}");
        }
    }

    public void Write(string path) => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, ResultsJson.Form.ResultsFile));
}

[JsonSourceGenerationOptions]
[JsonSerializable(typeof(ResultsFile))]
internal sealed partial class ResultsJson : JsonSerializerContext
{
    /// <summary>Does not escape µ and →, because people read the file too.</summary>
    public static ResultsJson Form { get; } = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
