using System.Collections.Immutable;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// A request, member by member, so that a scenario can leave one out or write it wrongly:
/// <c>Request.Subscribe(topic, "c").Without("client_id")</c>. A dotted name reaches into <c>message</c>.
/// </summary>
public sealed record Request
{
    /// <summary>The payload for scenarios that are not about payloads: a non-empty object, so no server sees a missing one.</summary>
    public const string PlainPayload = """{"n":1}""";

    private const string MessagePrefix = "message.";

    // Whether a server accepts more depends on its limits.
    private const int PlainPayloadLength = 1_000;
    private const int PlainLastN = 100;

    private ImmutableList<Member> Members { get; init; } = [];
    private ImmutableList<Member> Message { get; init; } = [];

    // The target whose spelling the text has; null for the specified one.
    private Target? SpeltFor { get; init; }
    private string? ClientId { get; init; }

    public static Request Of(string type) => new Request().With("type", Json.Quote(type));

    public static Request Subscribe(string topic, string clientId, int? lastN = null)
    {
        var request = Of("subscribe").WithText("topic", topic).WithText("client_id", clientId);
        return (lastN is { } n ? request.With("last_n", $"{n}") : request) with
        {
            Requirement = lastN > PlainLastN ? "PS-RPL-005" : "PS-SUB-001",
        };
    }

    /// <summary>A subscribe that goes on from a position.</summary>
    public static Request Resume(string topic, string clientId, string? since, string? epoch = null)
    {
        var request = Of("subscribe").WithText("topic", topic).WithText("client_id", clientId).WithText("since", since ?? "(no position)");
        return (epoch is null ? request : request.WithText("epoch", epoch)) with { Requirement = "PS-RES-003" };
    }

    /// <summary><see cref="To"/> spells the id as the target accepts it; an id set by <see cref="With"/> is sent unchanged.</summary>
    public static Request Publish(string topic, string id, string payload = PlainPayload) =>
        Of("publish").WithText("topic", topic).WithMessageId(id).With("message.payload", payload) with
        {
            Requirement = payload.Length > PlainPayloadLength ? "PS-PUB-013" : payload is ['{', '"', ..] ? "PS-PUB-001" : "PS-PUB-004",
        };

    public static Request Unsubscribe(string topic, string clientId) =>
        Of("unsubscribe").WithText("topic", topic).WithText("client_id", clientId) with { Requirement = "PS-UNS-001" };

    public static Request Ping() => Of("ping") with { Requirement = "PS-PING-001" };

    /// <summary>
    /// The requirement that is broken when this request is refused. Null where a scenario changed a member: another requirement may then
    /// allow or ask for the refusal.
    /// </summary>
    public string? Requirement { get; private init; }

    /// <summary>The id by which the reply will be recognised.</summary>
    public string? RequestId { get; private init; }

    /// <summary>True when the reply must be recognised without a request_id, because there is none or it is not a string.</summary>
    public bool IsAnonymous { get; private init; }

    /// <summary>Replaces or adds the member, with this JSON text as its value, valid or not.</summary>
    public Request With(string member, string json)
    {
        if (member.StartsWith(MessagePrefix, StringComparison.Ordinal))
        {
            var nested = Set(Message, new(member[MessagePrefix.Length..], json));
            return this with { Message = nested, Members = Set(Members, new("message", "")), Requirement = null };
        }

        var request = this with
        {
            Members = Set(Members, new(member, json)),
            Message = member == "message" ? [] : Message,
            Requirement = member == "request_id" ? Requirement : null,
        };
        return member == "request_id"
            ? request with { RequestId = Json.TryParse(json).Text(), IsAnonymous = Json.TryParse(json).Text() is null }
            : request;
    }

    public Request WithText(string member, string text) => With(member, Json.Quote(text));

    /// <summary>Sets the <c>message.id</c>, which <see cref="To"/> spells as the target accepts it.</summary>
    public Request WithMessageId(string id) => this with
    {
        Message = Set(Message, new("id", Json.Quote(id), id)),
        Members = Set(Members, new("message", "")),
    };

    /// <summary>
    /// The request as it is sent to this target. Clients call this themselves; a scenario that sends the text or its bytes has to.
    /// </summary>
    /// <param name="clientId">The connection's, for a target that requires one where SPEC.md has none; the first one given stays.</param>
    public Request To(Target target, string? clientId = null) => this with
    {
        SpeltFor = target,
        ClientId = ClientId ?? clientId ?? (target.Accommodations.Adds.Count == 0 ? null : Spelling.NewClientId()),
        Message = Message.ConvertAll(member => member.Id is { } id ? new(member.Name, Json.Quote(target.MessageIds.Spell(id))) : member),
    };

    public Request Without(string member) => member.StartsWith(MessagePrefix, StringComparison.Ordinal)
        ? this with { Message = Message.RemoveAll(m => m.Name == member[MessagePrefix.Length..]), Requirement = null }
        : this with { Members = Members.RemoveAll(m => m.Name == member), Requirement = member == "request_id" ? Requirement : null };

    public Request WithRequestId(string requestId) => WithText("request_id", requestId);

    public Request WithoutRequestId() => Without("request_id") with { RequestId = null, IsAnonymous = true };

    public Frame ToFrame() => Frame.Text(ToString());

    /// <summary>The JSON text.</summary>
    public override string ToString() => SpeltFor is null ? Plain() : Spelling.Of(Plain(), SpeltFor, ClientId, isWhole: false);

    private string Plain() =>
        Write(Members, member => member is { Name: "message", Json: "" } ? Write(Message, nested => nested.Json) : member.Json);

    private static ImmutableList<Member> Set(ImmutableList<Member> members, Member member)
    {
        var at = members.FindIndex(other => other.Name == member.Name);
        return at < 0 ? members.Add(member) : members.SetItem(at, member);
    }

    private static string Write(IEnumerable<Member> members, Func<Member, string> value) =>
        $"{{{string.Join(',', members.Select(member => $"{Json.Quote(member.Name)}:{value(member)}"))}}}";

    /// <param name="Id">The message id, if the target may need another spelling.</param>
    private sealed record Member(string Name, string Json, string? Id = null);
}
