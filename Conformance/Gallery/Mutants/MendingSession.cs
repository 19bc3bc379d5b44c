using System.Text;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>A connection that lets pass what one rule forbids: it mends the request and reads it again.</summary>
/// <param name="rule">How the refusal is worded.</param>
/// <param name="mend">Makes the request what it should have been; one that it leaves as it is stays refused.</param>
internal sealed class MendingSession(SessionSeed seed, string type, string rule, Action<JsonObject> mend) : Session(seed)
{
    protected override ClientRequest Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            return base.Read(text);
        }
        catch (BadRequest bad) when (bad.Message == rule)
        {
            var request = JsonNode.Parse(text.Span)!.AsObject();
            if ((string?)request["type"] == type)
            {
                mend(request);
            }

            return base.Read(Encoding.UTF8.GetBytes(request.ToJsonString()));
        }
    }
}
