using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>A connection that does not leave the published message as it came.</summary>
/// <param name="reword">What becomes of the JSON text of a member of the message; null drops the member.</param>
internal sealed class RewordingSession(SessionSeed seed, Func<string, string, string?> reword) : Session(seed)
{
    protected override ClientRequest Read(ReadOnlyMemory<byte> text)
    {
        var request = base.Read(text);
        return request.Type == "publish" ? request with { RawMessage = Reword(request.RawMessage) } : request;
    }

    private string Reword(string rawMessage)
    {
        using var json = JsonDocument.Parse(rawMessage, new JsonDocumentOptions { MaxDepth = 128 });
        var members = json.RootElement.EnumerateObject()
            .Select(member => (member.Name, Was: member.Value.GetRawText()))
            .Select(member => (member.Name, member.Was, Is: reword(member.Name, member.Was)))
            .ToList();
        return members.All(member => member.Was == member.Is)
            ? rawMessage
            : $"{{{string.Join(',', members.Where(member => member.Is is not null).Select(member => $"{Servers.Messages.Quote(member.Name)}:{member.Is}"))}}}";
    }
}
