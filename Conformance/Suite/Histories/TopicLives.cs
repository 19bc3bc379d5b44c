namespace PubSub.Conformance.Histories;

/// <summary>The successive topics of one name, each from its creation to its deletion.</summary>
internal sealed class TopicLives
{
    public const int Unclear = -1;

    private readonly List<Life> _lives = [];
    // From the first change with an unknown outcome on, and from any that overlapped it, nothing is certain.
    private readonly long _clearUntil = long.MaxValue;

    public TopicLives(IEnumerable<TopicChange> changes)
    {
        var known = changes.Where(change => change.Outcome != RequestOutcome.Refused)
            .OrderBy(change => change.Responded ?? long.MaxValue)
            .ToList();
        while (known.Count > 0 && (known[^1].Responded is null || known[^1].Responded >= _clearUntil))
        {
            _clearUntil = Math.Min(_clearUntil, known[^1].Invoked);
            known.RemoveAt(known.Count - 1);
        }

        // Creations and deletions alternate. A topic whose first change is a deletion existed before.
        var (created, deleted) = (known.FindAll(change => change.Created), known.FindAll(change => !change.Created));
        var existed = deleted.Count > created.Count
            || (deleted.Count == created.Count && (deleted.Count == 0 || deleted[0].Responded < created[0].Invoked));
        if (deleted.Count > 0
            && deleted.Count == created.Count
            && deleted[0].Responded > created[0].Invoked
            && created[0].Responded > deleted[0].Invoked)
        {
            // The creation and the deletion overlapped: either may have been first.
            _clearUntil = long.MinValue;
        }

        if (existed)
        {
            created.Insert(0, new("", Created: true, long.MinValue, long.MinValue, RequestOutcome.Acked));
        }

        for (var n = 0; n < created.Count; n++)
        {
            _lives.Add(n < deleted.Count
                ? new(created[n].Invoked, deleted[n].Invoked, deleted[n].Responded!.Value)
                : new(created[n].Invoked, long.MaxValue, long.MaxValue));
        }
    }

    /// <summary>The life of the topic between these ticks; <see cref="Unclear"/> if it may have been one or another.</summary>
    public int Of(long from, long to)
    {
        if (_clearUntil != long.MaxValue && to >= _clearUntil)
        {
            return Unclear;
        }

        if (_lives.Count == 1 && _lives[0] is { Begins: long.MinValue, Ends: long.MaxValue })
        {
            return 0;
        }

        var (low, high) = (0, _lives.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _lives[middle].Ends < from ? (middle + 1, high) : (low, middle);
        }

        return low < _lives.Count && _lives[low].Begins <= to && (low + 1 == _lives.Count || _lives[low + 1].Begins > to) ? low : Unclear;
    }

    /// <summary>The tick from which on this life may have ended.</summary>
    public long End(int life) => Math.Min(_clearUntil, _lives[life].DeletionInvoked);

    private readonly record struct Life(long Begins, long DeletionInvoked, long Ends);
}
