namespace PubSub;

/// <summary>The last <paramref name="capacity"/> items added, oldest first.</summary>
/// <param name="capacity">How many items are kept, at least 1. Memory grows with use, not with capacity.</param>
/// <remarks>Not safe for concurrent use: a topic's ring is guarded by its gate.</remarks>
public sealed class Ring<T>(int capacity)
{
    private T[] _items = [];
    private int _start;

    /// <summary>How many items are kept at most.</summary>
    public int Capacity => capacity;

    /// <summary>How many items are kept now, from 0 to the capacity.</summary>
    public int Count { get; private set; }

    /// <summary>The item that the next <see cref="Add"/> forgets, if it forgets one.</summary>
    public bool TryPeekForgotten(out T forgotten)
    {
        forgotten = Count == capacity ? _items[_start] : default!;
        return Count == capacity;
    }

    /// <summary>Adds the newest item; when the ring is full, the oldest is forgotten.</summary>
    public void Add(T item)
    {
        if (Count == capacity)
        {
            _items[_start] = item;
            _start = Wrap(_start + 1);
            return;
        }

        if (Count == _items.Length)
        {
            // Until it is full for the first time, nothing has been forgotten and _start is 0.
            Array.Resize(ref _items, (int)Math.Min(capacity, Math.Max(4L, _items.Length * 2L)));
        }

        _items[Count++] = item;
    }

    /// <summary>The newest <paramref name="n"/> items, or all if there are fewer, oldest first.</summary>
    public IEnumerable<T> Last(int n)
    {
        for (var i = Count - Math.Min(n, Count); i < Count; i++)
        {
            yield return _items[Wrap(_start + i)];
        }
    }

    /// <summary>The oldest <paramref name="n"/> items, of at least so many.</summary>
    public IEnumerable<T> Oldest(int n) => Last(Count).Take(n);

    /// <summary>How many items, from the newest back, meet a condition that an item meets if the one before it does.</summary>
    public int CountNewest(Func<T, bool> isNew)
    {
        var (old, next) = (0, Count); // the first next items may be old; those before old are
        while (old < next)
        {
            var middle = (old + next) / 2;
            if (isNew(_items[Wrap(_start + middle)]))
            {
                next = middle;
            }
            else
            {
                old = middle + 1;
            }
        }

        return Count - next;
    }

    private int Wrap(int index) => index < _items.Length ? index : index - _items.Length;
}
