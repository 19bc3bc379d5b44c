using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Takes some requests for others than were sent: the fault of many a parser.</summary>
internal sealed class LooseReader(SessionSeed seed, Func<string, string> respell) : Session(seed)
{
    /// <summary>The same for the members of a request that is an object; of others nothing is changed.</summary>
    public LooseReader(SessionSeed seed, Func<IReadOnlyList<Member>, IEnumerable<Member>> change)
        : this(seed, text => Member.Of(text) is { Count: > 0 } members ? Member.Spell(change(members)) : text)
    {
    }

    protected override ClientRequest Read(ReadOnlyMemory<byte> text) => base.Read(Encoding.UTF8.GetBytes(respell(Encoding.UTF8.GetString(text.Span))));
}

/// <summary>Does what a bad request asks for, if it can be mended, and answers with the error nevertheless.</summary>
internal sealed class HastySession(SessionSeed seed, Func<string, string> mend) : Session(seed)
{
    private BadRequest? _bad;

    protected override ClientRequest Read(ReadOnlyMemory<byte> text)
    {
        _bad = null;
        try
        {
            return base.Read(text);
        }
        catch (BadRequest bad) when (Mended(Encoding.UTF8.GetString(text.Span)) is { } mended)
        {
            _bad = bad;
            return mended;
        }
    }

    protected override byte[] Ack(ClientRequest request) =>
        _bad is null ? base.Ack(request) : Messages.Error("BAD_REQUEST", _bad.Message, _bad.RawRequestId);

    protected override bool Ping(ClientRequest request)
    {
        Outbox.Reply(_bad is null ? Messages.Pong(request) : Ack(request));
        return true;
    }

    private ClientRequest? Mended(string text)
    {
        try
        {
            return mend(text) is var mended && mended != text ? base.Read(Encoding.UTF8.GetBytes(mended)) : null;
        }
        catch (BadRequest)
        {
            return null;
        }
    }
}

/// <summary>One member of an object, as it was written.</summary>
internal readonly record struct Member(string Name, string Json)
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 128 };

    /// <summary>The text that it holds, if it is a string.</summary>
    public string? Text
    {
        get
        {
            try
            {
                return Json.StartsWith('"') ? JsonSerializer.Deserialize<string>(Json) : null;
            }
            catch (JsonException)
            {
                // Half a surrogate pair.
                return null;
            }
        }
    }

    /// <summary>All members in their order; none of what is no object.</summary>
    public static IReadOnlyList<Member> Of(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text, Depth);
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? [.. json.RootElement.EnumerateObject().Select(member => new Member(member.Name, member.Value.GetRawText()))]
                : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a name that is no text.
            return [];
        }
    }

    public static string Spell(IEnumerable<Member> members) =>
        $"{{{string.Join(',', members.Select(member => $"{Messages.Quote(member.Name)}:{member.Json}"))}}}";
}
