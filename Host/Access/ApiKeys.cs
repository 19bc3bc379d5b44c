using System.Collections.Frozen;
using System.Security.Cryptography;

namespace PubSub.Hosting.Access;

/// <summary>
/// The keys of <c>KEYS_FILE</c>. A key that is removed or changed ends its connections; the others keep their identity, and with it the
/// state of their limits (PS-ACC).
/// </summary>
/// <remarks>Read by all requests, replaced by one reader of the file.</remarks>
internal sealed class ApiKeys
{
    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    private FrozenDictionary<string, Known> _keys = FrozenDictionary<string, Known>.Empty; // replaced as a whole

    public int Count => Volatile.Read(ref _keys).Count;

    /// <summary>Finds the identity of a key. How long it takes does not depend on how much of a key is right.</summary>
    /// <param name="presented">A text that may be a key.</param>
    public Identity? Find(string presented)
    {
        if (KeyEntry.IdIn(presented) is not { } id)
        {
            return null;
        }

        var known = Volatile.Read(ref _keys).GetValueOrDefault(id);
        return CryptographicOperations.FixedTimeEquals(KeyEntry.Hash(presented), known?.Hash ?? NoHash) ? known?.Identity : null;
    }

    /// <summary>Takes over the content of the file.</summary>
    /// <exception cref="FormatException">It is not legal; the keys stay what they were.</exception>
    public void Load(byte[] json)
    {
        var before = _keys;
        var after = KeyFile.Parse(json).Keys.ToFrozenDictionary(
            entry => entry.Id,
            entry => before.TryGetValue(entry.Id, out var same) && same.IsOf(entry) ? same : new Known(entry),
            StringComparer.Ordinal);
        Volatile.Write(ref _keys, after);
        foreach (var (id, known) in before)
        {
            if (after.GetValueOrDefault(id) != known)
            {
                known.Identity.Revoke();
            }
        }
    }

    private sealed class Known
    {
        private readonly KeyEntry _entry;

        public Known(KeyEntry entry)
        {
            _entry = entry;
            Hash = Convert.FromHexString(entry.Sha256);
            entry.Grant(out var grant);
            Identity = new Identity(entry.Name, grant, new Limits(grant));
        }

        public byte[] Hash { get; }

        public Identity Identity { get; }

        public bool IsOf(KeyEntry entry) =>
            entry with { Publish = _entry.Publish, Subscribe = _entry.Subscribe, Manage = _entry.Manage } == _entry
            && entry.Publish.SequenceEqual(_entry.Publish)
            && entry.Subscribe.SequenceEqual(_entry.Subscribe)
            && entry.Manage.SequenceEqual(_entry.Manage);
    }
}
