using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Hosting.Access;

/// <summary>The file of API keys, which holds hashes of them and never a key (PS-ACC, <c>KEYS_FILE</c>).</summary>
internal sealed record KeyFile(IReadOnlyList<KeyEntry> Keys)
{
    /// <summary>Bytes that a file of keys or of signing keys may have.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Keys that it may have.</summary>
    private const int MaxKeys = 10_000;

    private static readonly JsonSerializerOptions Readable = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
    };

    private static readonly KeyFileJson Json = new(Readable);

    /// <exception cref="FormatException">It is no such file; the message names the field and the rule.</exception>
    public static KeyFile Parse(ReadOnlySpan<byte> json)
    {
        KeyFile file;
        try
        {
            file = JsonSerializer.Deserialize(json, Json.KeyFile) ?? throw new FormatException("it must be an object with keys");
        }
        catch (JsonException fault)
        {
            throw new FormatException($"it must be JSON with keys as `key new` writes them: {fault.Message}", fault);
        }

        if (file.Keys.Count > MaxKeys)
        {
            throw new FormatException($"keys must have at most {MaxKeys} entries");
        }

        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < file.Keys.Count; i++)
        {
            var fault = file.Keys[i] is not { } key ? "must not be null"
                : key.Fault() ?? (ids.Add(key.Id) ? null : "must have an id that no other has");
            if (fault is not null)
            {
                throw new FormatException($"keys[{i}] {fault}");
            }
        }

        return file;
    }

    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json.KeyFile), (byte)'\n'];
}

/// <summary>One API key, as the file has it.</summary>
/// <param name="Id">8 hexadecimal digits, which stand in the key too; no secret.</param>
/// <param name="Name">For people and for the log: 1 to 64 letters, digits, <c>.</c>, <c>_</c> or <c>-</c>.</param>
/// <param name="Sha256">The hash of the whole key, in hexadecimal digits.</param>
/// <param name="Publish">Patterns of topics.</param>
/// <param name="Subscribe">Likewise.</param>
/// <param name="Manage">Likewise: to create and to delete.</param>
internal sealed record KeyEntry(
    string Id,
    string Name,
    string Sha256,
    IReadOnlyList<string> Publish,
    IReadOnlyList<string> Subscribe,
    IReadOnlyList<string> Manage)
{
    private const string Begin = "psk_";
    private const int IdLength = 8;
    private const int SecretBytes = 32;

    /// <summary>Characters of a key: the beginning, the id, and 256 random bits.</summary>
    private const int KeyLength = 4 + IdLength + 1 + 43;

    /// <summary>See <see cref="Grant"/>.</summary>
    public int? PublishesPerSecond { get; init; }

    /// <summary>See <see cref="Grant"/>.</summary>
    public int? BytesPerSecond { get; init; }

    /// <summary>See <see cref="Grant"/>.</summary>
    public int? Connections { get; init; }

    /// <summary>A new key.</summary>
    /// <returns>The key, which nothing else keeps, its id and its hash.</returns>
    public static (string Key, string Id, string Sha256) New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdLength / 2));
        var key = $"{Begin}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}";
        return (key, id, Convert.ToHexStringLower(Hash(key)));
    }

    /// <summary>The id in a text that may be a key; null if it has not the form of one.</summary>
    public static string? IdIn(string text) =>
        text.Length == KeyLength && text.StartsWith(Begin, StringComparison.Ordinal) && text[Begin.Length + IdLength] == '_'
            ? text.Substring(Begin.Length, IdLength)
            : null;

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>What is wrong with it, as the end of a sentence; null when nothing is.</summary>
    public string? Fault() => Id.Length != IdLength || !Id.All(char.IsAsciiHexDigitLower)
        ? "must have an id of 8 hexadecimal digits in lower case"
        : Sha256.Length != 2 * SHA256.HashSizeInBytes || !Sha256.All(char.IsAsciiHexDigit)
            ? "must have a sha256 of 64 hexadecimal digits"
        : Name.Length is 0 or > 64 || !Name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-')
            ? "must have a name of 1 to 64 letters, digits, '.', '_' or '-'"
        : Grant(out _);

    /// <summary>What the key permits.</summary>
    /// <returns>What is wrong with it, as <see cref="Fault"/>.</returns>
    public string? Grant(out Grant grant) =>
        Access.Grant.TryCreate(Publish, Subscribe, Manage, (PublishesPerSecond, BytesPerSecond, Connections), out grant);
}

[JsonSerializable(typeof(KeyFile))]
internal sealed partial class KeyFileJson : JsonSerializerContext;
