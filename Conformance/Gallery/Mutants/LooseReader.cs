using System.Text;
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
