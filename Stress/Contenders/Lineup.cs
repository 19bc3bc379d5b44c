namespace PubSub.Stress;

/// <summary>The servers of one run: the one that is asked about first, then its peers. All of them end with this object.</summary>
internal sealed class Lineup : IDisposable
{
    private readonly List<IContender> _all = [];
    private readonly List<ContenderNote> _notes = [];
    private readonly Stack<IDisposable> _owned = [];

    /// <summary>The server the question is about.</summary>
    public PubSubContender First => (PubSubContender)_all[0];

    public IReadOnlyList<IContender> All => _all;

    /// <summary>Who takes part, and who would have.</summary>
    public IReadOnlyList<ContenderNote> Notes => _notes;

    public void Add(IContender contender, string? version = null)
    {
        _owned.Push(contender);
        Lend(contender, version);
    }

    /// <summary>Takes part, and does not end with this object.</summary>
    public void Lend(IContender contender, string? version = null)
    {
        _all.Add(contender);
        _notes.Add(new ContenderNote(contender.Name, version ?? contender.Version, Absent: false));
    }

    /// <summary>Takes part without being started here.</summary>
    public void Note(string name, string version) => _notes.Add(new ContenderNote(name, version, Absent: false));

    public void AddAbsent(string name, string reason) => _notes.Add(new ContenderNote(name, reason, Absent: true));

    /// <summary>Ends with this object, after the contenders.</summary>
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
