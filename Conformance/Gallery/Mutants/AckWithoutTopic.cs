using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Leaves the topic out of the acks of some requests.</summary>
internal sealed class AckWithoutTopic(SmallServer server, Predicate<ClientRequest> isMeant) : Messages(server.Parts.Variation)
{
    public override byte[] Ack(ClientRequest request) => isMeant(request)
        ? Text($$"""{"type":"ack"{{Id(request.RawRequestId)}},"status":"ok"{{Time}}}""")
        : base.Ack(request);
}
