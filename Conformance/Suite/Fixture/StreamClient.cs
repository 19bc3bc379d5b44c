using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Fixture;

/// <summary>The polite reader of one stream of Server-Sent Events.</summary>
public sealed class StreamClient : Receiver
{
    internal StreamClient(RawStreamClient raw, Target target, Stage stage) : base(raw, target, stage) => Answer = raw.Answer;

    /// <summary>The head of the answer.</summary>
    public HttpAnswer Answer { get; }

    private protected override string Delivery => "PS-SSE-002";

    /// <summary>Takes the next block with an event of this name.</summary>
    public Task<ServerMessage> NamedAsync(string name) =>
        NextAsync(message => message.Part?.Event == name, $"an event of the name {name}");
}
