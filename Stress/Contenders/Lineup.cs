using PubSub.Stress.Results;

namespace PubSub.Stress.Contenders;

/// <summary>The servers of one run: the server under test first, then its peers. Disposing of this object ends them.</summary>
internal sealed class Lineup : IDisposable
{
    private readonly List<IContender> _all = [];
    private readonly List<ContenderNote> _notes = [];
    private readonly Stack<IDisposable> _owned = [];

    /// <summary>The server under test.</summary>
    public PubSubContender First => (PubSubContender)_all[0];

    public IReadOnlyList<IContender> All => _all;

    /// <summary>The servers that take part, and those that are absent.</summary>
    public IReadOnlyList<ContenderNote> Notes => _notes;

    public void Add(IContender contender, string? version = null)
    {
        _owned.Push(contender);
        Lend(contender, version);
    }

    /// <summary>Adds a server that the caller owns.</summary>
    public void Lend(IContender contender, string? version = null)
    {
        _all.Add(contender);
        _notes.Add(new ContenderNote(contender.Name, version ?? contender.Version, Absent: false));
    }

    /// <summary>Notes for the report a server that is not started here.</summary>
    public void Note(string name, string version) => _notes.Add(new ContenderNote(name, version, Absent: false));

    public void AddAbsent(string name, string reason) => _notes.Add(new ContenderNote(name, reason, Absent: true));

    /// <summary>Takes ownership. Owned objects are disposed of in reverse order.</summary>
    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    public void Dispose()
    {
        while (_owned.TryPop(out var owned))
        {
            owned.Dispose();
        }
    }
}
