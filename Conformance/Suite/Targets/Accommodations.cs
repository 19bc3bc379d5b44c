using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Targets;

/// <summary>
/// Where the server needs requests that differ from SPEC.md. One scenario reports each difference as a violation; all other scenarios
/// adapt to it, so that the rest is still tested.
/// </summary>
public sealed partial record Accommodations
{
    /// <summary>The value of <see cref="Message"/> when id and payload stand beside topic.</summary>
    public const string Flat = "";

    private static readonly IReadOnlyDictionary<string, IReadOnlyDictionary<string, JsonElement>> NoAdditions =
        new Dictionary<string, IReadOnlyDictionary<string, JsonElement>>();

    private static readonly IReadOnlyDictionary<string, string> NoSecrets = new Dictionary<string, string>();
    private static readonly string[] Types = ["subscribe", "unsubscribe", "publish", "ping"];
    private static readonly string[] Paths = [RestPaths.Topics, RestPaths.NamedTopic, RestPaths.Health, RestPaths.Stats];

    public static Accommodations None { get; } = new();

    /// <summary>
    /// Members beyond the specified ones: by type of request, then by name, the value. The value null stands for the <c>client_id</c> of
    /// the connection.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, JsonElement>> Adds
    {
        get;
        init => field = value ?? NoAdditions;
    } = NoAdditions;

    /// <summary>The member that holds the message of a publish or event; empty when its members stand beside <c>topic</c>.</summary>
    public string Message { get; init => field = value ?? "message"; } = "message";

    /// <summary>Id and payload stand beside <c>topic</c>.</summary>
    internal bool IsFlat => Message == Flat;

    /// <summary>The member that holds the payload.</summary>
    public string Payload { get; init => field = value ?? "payload"; } = "payload";

    /// <summary>The member of <c>POST /topics</c> that names the topic.</summary>
    public string TopicName { get; init => field = value ?? "name"; } = "name";

    /// <summary>A status that means that a topic was created, in addition to those of the dialect.</summary>
    public int? Created { get; init; }

    /// <summary>A status that means that a topic was deleted, in addition to those of the dialect.</summary>
    public int? Deleted { get; init; }

    /// <summary>The server accepts only UUIDs as <c>request_id</c>.</summary>
    public bool UuidRequestIds { get; init; }

    /// <summary>The server refuses a request without <c>request_id</c>.</summary>
    public bool RequestIdRequired { get; init; }

    /// <summary>A subscribe or a publish to a topic that does not exist creates it.</summary>
    public bool CreatesTopics { get; init; }

    /// <summary>Paths that have to end with a slash: <c>/topics</c>, <c>/topics/{name}</c>, <c>/health</c>, <c>/stats</c>.</summary>
    public IReadOnlyList<string> Slashes { get; init => field = value ?? []; } = [];

    /// <summary>The first message of every connection, such as one that holds a token; null for none.</summary>
    public JsonElement? First { get; init; }

    /// <summary>The values of the variables that <see cref="First"/> names as <c>${NAME}</c>; no file holds them.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, string> Secrets { get; init => field = value ?? NoSecrets; } = NoSecrets;

    /// <summary>The text of <see cref="First"/>, with the values of its variables.</summary>
    internal string? FirstText => First is { } first
        ? Secrets.Aggregate(
            first.GetRawText(),
            (text, secret) => text.Replace($"${{{secret.Key}}}", Json.Quote(secret.Value)[1..^1], StringComparison.Ordinal))
        : null;

    /// <summary>The server answers <see cref="First"/> with a message of its own.</summary>
    public bool FirstIsAnswered { get; init; }

    /// <summary>Requests are sent unchanged.</summary>
    internal bool LeaveRequests => Adds.Count == 0 && Message == "message" && Payload == "payload" && !UuidRequestIds && !RequestIdRequired;

    /// <summary>The server needs nothing that differs from SPEC.md.</summary>
    internal bool AreNone => LeaveRequests
        && TopicName == "name"
        && Created is null
        && Deleted is null
        && !CreatesTopics
        && Slashes.Count == 0
        && First is null;

    /// <summary>The variables that <see cref="First"/> names.</summary>
    [JsonIgnore]
    public IEnumerable<string> Variables => First is { } first
        ? Variable().Matches(first.GetRawText()).Select(match => match.Groups[1].Value).Distinct()
        : [];

    /// <summary>The rule that is broken, or null.</summary>
    internal string? Fault => this switch
    {
        { Payload: "" } or { TopicName: "" } => "accommodations.payload and topicName must be names of members",
        _ when Adds.Keys.FirstOrDefault(type => !Types.Contains(type)) is { } other =>
            $"accommodations.adds names {other}, which is no type of request",
        _ when Slashes.FirstOrDefault(path => !Paths.Contains(path)) is { } other =>
            $"accommodations.slashes names {other}, but knows only {string.Join(", ", Paths)}",
        { Created: < 200 or > 299 } or { Deleted: < 200 or > 299 } => "accommodations.created and deleted must be statuses from 200 to 299",
        { First: { ValueKind: not JsonValueKind.Object } } => "accommodations.first must be an object",
        _ => null,
    };

    /// <summary>The same, with this member in requests of this type.</summary>
    public Accommodations Adding(string type, string member) => this with
    {
        Adds = new Dictionary<string, IReadOnlyDictionary<string, JsonElement>>(Adds)
        {
            [type] = new Dictionary<string, JsonElement>(Adds.GetValueOrDefault(type) ?? new Dictionary<string, JsonElement>())
            {
                [member] = JsonDocument.Parse("null").RootElement,
            },
        },
    };

    /// <summary>The same, with requests of this type as specified.</summary>
    public Accommodations WithoutAdditions(string type) => this with { Adds = Adds.Where(added => added.Key != type).ToDictionary() };

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Variable();
}
