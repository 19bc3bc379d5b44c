using System.Diagnostics.CodeAnalysis;
using PubSub.Interleavings.Harness;

namespace System.Collections.Concurrent;

/// <summary>
/// Replaces the runtime's own, as far as the broker uses it, or one of its wrong variants. Another fiber may get the turn before and after
/// each operation, and between two entries of an enumeration.
/// </summary>
/// <remarks>
/// An enumeration goes through the keys that existed at its beginning, and skips those that were removed. The runtime's may show a key that
/// was added later; that is not explored.
/// </remarks>
internal sealed class ConcurrentDictionary<TKey, TValue>(IEqualityComparer<TKey> comparer) : IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : notnull
{
    private readonly Dictionary<TKey, TValue> _entries = new(comparer);

    public IEnumerable<TValue> Values => Atomically<IEnumerable<TValue>>(() => [.. _entries.Values]);

    public TValue this[TKey key]
    {
        set => Atomically(() => _entries[key] = value);
    }

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        Fiber.Current?.Pause();
        var found = _entries.TryGetValue(key, out value);
        Fiber.Current?.Pause();
        return found;
    }

    public bool TryRemove(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        Fiber.Current?.Pause();
        var removed = _entries.Remove(key, out value);
        Fiber.Current?.Pause();
        return removed;
    }

    public bool TryRemove(KeyValuePair<TKey, TValue> entry) =>
        Atomically(() => ((ICollection<KeyValuePair<TKey, TValue>>)_entries).Remove(entry));

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()
    {
        foreach (var key in Atomically<IEnumerable<TKey>>(() => [.. _entries.Keys]))
        {
            if (TryGetValue(key, out var value))
            {
                yield return KeyValuePair.Create(key, value);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static T Atomically<T>(Func<T> operation)
    {
        Fiber.Current?.Pause();
        var result = operation();
        Fiber.Current?.Pause();
        return result;
    }
}
