using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Targets;

/// <summary>The forms in which <c>GET /topics</c> may list: an object with <c>topics</c>, or the bare array of its entries.</summary>
public enum ListShape
{
    [JsonStringEnumMemberName("object")] Wrapped,
    [JsonStringEnumMemberName("array")] Bare,
}

/// <summary>The forms that the <c>error</c> of an error may have: an object with <c>code</c> and <c>message</c>, or a string.</summary>
public enum ErrorShape
{
    [JsonStringEnumMemberName("object")] Structured,
    [JsonStringEnumMemberName("string")] Plain,
}

/// <summary>What happens to a subscriber whose queue overflows: it is disconnected, or it loses its oldest events.</summary>
public enum Overflow
{
    [JsonStringEnumMemberName("disconnect")] Disconnect,
    [JsonStringEnumMemberName("drop-oldest")] DropOldest,
}

/// <summary>
/// How a family of servers spells the protocol, as data. What a dialect spells differently or leaves open is never a violation; for
/// all else the specification counts.
/// </summary>
public sealed record Dialect
{
    // A missing member means the same as an empty one.
    private static readonly IReadOnlyDictionary<string, string> NothingOpen = new Dictionary<string, string>();

    public required string Name { get; init; }
    public required string Description { get; init; }

    /// <summary>What stands before <c>/topics</c>, <c>/health</c>, <c>/stats</c> and <c>/ws</c>; empty or beginning with a slash.</summary>
    public required string Prefix { get; init; }

    /// <summary>The member that holds the time of a server message.</summary>
    public required string Timestamp { get; init; }

    /// <summary>True when a message may lack it; one that is present must still be a date-time.</summary>
    public bool TimestampOptional { get; init; }

    /// <summary>The member of <c>/health</c> that holds the seconds since the start.</summary>
    public required string Uptime { get; init; }

    /// <summary>The <c>type</c> of the reply to a ping.</summary>
    public required string Pong { get; init; }

    /// <summary>The <c>msg</c> of the notice that a topic has been deleted.</summary>
    public required string TopicDeleted { get; init; }

    /// <summary>The statuses that mean that a topic was created; in the specification it is 201.</summary>
    public required IReadOnlyList<int> Created { get; init; }

    /// <summary>The statuses that mean that a topic was deleted; in the specification it is 200.</summary>
    public required IReadOnlyList<int> Deleted { get; init; }

    public required IReadOnlyList<ListShape> List { get; init; }
    public required IReadOnlyList<ErrorShape> Error { get; init; }
    public required IReadOnlyList<Overflow> Overflow { get; init; }

    /// <summary>Requirements that do not bind in this dialect, by id, each with the reason: a violation is only observed.</summary>
    public IReadOnlyDictionary<string, string> LeavesOpen { get; init => field = value ?? NothingOpen; } = NothingOpen;

    /// <summary>
    /// By requirement, the part of the expectation whose violation <see cref="LeavesOpen"/> excuses; other violations of it count. A
    /// requirement that is not listed here is left open as a whole.
    /// </summary>
    public IReadOnlyDictionary<string, string> Covers { get; init => field = value ?? NothingOpen; } = NothingOpen;

    /// <summary>Why the violation of this expectation is only observed; null when it counts.</summary>
    public string? Excuse(string requirement, string expectation) => LeavesOpen.TryGetValue(requirement, out var reason)
        && (!Covers.TryGetValue(requirement, out var part) || expectation.Contains(part, StringComparison.Ordinal)) ? reason : null;

    /// <summary>The protocol as the specification spells it.</summary>
    public static Dialect V1 { get; } = Embedded("v1");

    public static Dialect Classic { get; } = Embedded("classic");

    /// <summary>The dialects that the probe knows, the preferred one first when the evidence is even.</summary>
    public static IReadOnlyList<Dialect> Known { get; } = [V1, Classic];

    /// <summary>Reads a dialect file; the message of the <see cref="InvalidDataException"/> names the member and the rule.</summary>
    public static Dialect Parse(string json)
    {
        var dialect = UserFile.Read(json, DialectJson.Default.Dialect, "dialect");
        dialect.Validate();
        return dialect;
    }

    public string ToJson() => JsonSerializer.Serialize(this, DialectJson.Default.Dialect);

    private void Validate()
    {
        Require(Name.Length > 0, "name must not be empty");
        Require(Prefix.Length == 0 || (Prefix[0] == '/' && Prefix[^1] != '/'), "prefix must be empty, or begin and not end with a slash");
        Require(Timestamp.Length > 0 && Uptime.Length > 0 && Pong.Length > 0 && TopicDeleted.Length > 0,
            "timestamp, uptime, pong and topicDeleted must not be empty");
        Require(Created.Count > 0 && Created.All(Success) && Deleted.Count > 0 && Deleted.All(Success),
            "created and deleted must list at least one status from 200 to 299 each");
        Require(
            List.Count > 0 && List.All(Enum.IsDefined)
                && Error.Count > 0 && Error.All(Enum.IsDefined)
                && Overflow.Count > 0 && Overflow.All(Enum.IsDefined),
            "list, error and overflow must name at least one form each");
        foreach (var (id, reason) in LeavesOpen)
        {
            Require(Catalogue.Embedded.Find(id) is not null, $"leavesOpen names {id}, which the specification does not have");
            Require(!string.IsNullOrWhiteSpace(reason), $"leavesOpen gives no reason for {id}");
        }

        foreach (var (id, part) in Covers)
        {
            Require(LeavesOpen.ContainsKey(id), $"covers names {id}, which leavesOpen does not");
            Require(!string.IsNullOrWhiteSpace(part), $"covers says nothing of {id}");
        }

        static bool Success(int status) => status is >= 200 and < 300;
    }

    private static void Require(bool holds, string rule) => UserFile.Require(holds, "dialect", rule);

    private static Dialect Embedded(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"dialects/{name}.json")
            ?? throw new InvalidOperationException($"The suite was built without the dialect {name}.");
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true)]
[JsonSerializable(typeof(Dialect))]
internal sealed partial class DialectJson : JsonSerializerContext;
