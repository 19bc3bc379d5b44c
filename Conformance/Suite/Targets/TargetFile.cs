using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Conformance.Targets;

/// <summary>
/// What an implementer declares about their server, in a committed file: <c>target.json</c>. All members are optional; those that are
/// present are trusted, and the server is tested accordingly.
/// </summary>
public sealed record TargetFile
{
    public Uri? Url { get; init; }
    public Uri? Rest { get; init; }
    public Uri? WebSocket { get; init; }

    /// <summary>The name of a dialect that the suite knows, or the path of a dialect file, from this file's folder.</summary>
    public string? Dialect { get; init; }

    /// <summary><c>any</c> or <c>uuid</c>.</summary>
    public string? MessageIds { get; init; }

    /// <summary>The member that holds the time of a message, if it differs from the dialect's.</summary>
    public string? Timestamp { get; init; }

    /// <summary>The member of <c>/health</c> that holds the seconds since the start, if it differs from the dialect's.</summary>
    public string? Uptime { get; init; }

    /// <summary>What happens to a subscriber whose queue overflows, if the dialect leaves it open.</summary>
    public Overflow? Overflow { get; init; }

    /// <summary>The URL of <c>/health</c>, if not beside <c>/topics</c>.</summary>
    public Uri? Health { get; init; }

    /// <summary>The URL of <c>/stats</c>, if not beside <c>/topics</c>.</summary>
    public Uri? Stats { get; init; }

    /// <summary>The URL of the metrics, if not <c>/metrics</c> at the root.</summary>
    public Uri? Metrics { get; init; }

    /// <summary>Where the credentials for scenarios about access are.</summary>
    public CredentialSources? Credentials { get; init; }

    /// <summary>Where the server needs requests that differ from SPEC.md: each is a violation, and the rest is still tested.</summary>
    public Accommodations? Accommodations { get; init; }

    /// <summary>The capabilities that the server has, tested even if it denies them; null lets the probe find out.</summary>
    public IReadOnlyList<Capability>? Capabilities { get; init; }

    /// <summary>The limits, if they differ from the specification's defaults.</summary>
    public Limits? Limits { get; init; }

    /// <summary>Reads a target file; the message of the <see cref="InvalidDataException"/> names the member and the rule.</summary>
    public static TargetFile Parse(string json)
    {
        var file = UserFile.Read(json, TargetJson.Default.TargetFile, "target file");
        Require(
            file.Url is null or { IsAbsoluteUri: true, Scheme: "http" or "https" or "ws" or "wss" },
            "url must be an http, https, ws or wss URL");
        Require(file.Rest is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "rest must be an http or https URL");
        Require(file.WebSocket is null or { IsAbsoluteUri: true, Scheme: "ws" or "wss" }, "webSocket must be a ws or wss URL");
        Require(file.Health is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "health must be an http or https URL");
        Require(file.Stats is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "stats must be an http or https URL");
        Require(file.Metrics is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "metrics must be an http or https URL");
        Require(file.Credentials?.Fault is null, file.Credentials?.Fault ?? "");
        Require(file.Timestamp is not "" && file.Uptime is not "", "timestamp and uptime must be names of members");
        Require(file.Overflow is null || Enum.IsDefined(file.Overflow.Value), "overflow must be disconnect or drop-oldest");
        Require(
            file.Capabilities?.All(Enum.IsDefined) != false,
            $"capabilities must be among {string.Join(", ", Targets.Capabilities.All.Select(capability => capability.Name()))}");
        Require(file.Accommodations?.Fault is null, file.Accommodations?.Fault ?? "");
        Require(file.Dialect is null or { Length: > 0 }, "dialect must be the name of a dialect or the path of a file");
        Require(file.MessageIds is null or "any" or "uuid", "messageIds must be any or uuid");
        Require(
            file.Limits is null or { QueueSize: > 0, QueueBytes: > 0, Ring: > 0, MessageBytes: > 0, NameLength: > 0 },
            "limits must be whole numbers of at least 1");
        return file;
    }

    public string ToJson() => JsonSerializer.Serialize(this, TargetJson.Default.TargetFile);

    private static void Require(bool holds, string rule) => UserFile.Require(holds, "target file", rule);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true)]
[JsonSerializable(typeof(TargetFile))]
internal sealed partial class TargetJson : JsonSerializerContext;
