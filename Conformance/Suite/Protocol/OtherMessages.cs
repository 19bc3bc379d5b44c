namespace PubSub.Conformance.Protocol;

/// <summary>
/// The messages that arrived instead of the awaited one. Only their number and the newest three are kept, so that a server that never
/// stops sending does not fill the memory.
/// </summary>
internal sealed class OtherMessages
{
    private const int Kept = 3;

    private readonly Queue<ServerMessage> _newest = [];
    private int _count;

    public OtherMessages(IEnumerable<ServerMessage>? messages = null)
    {
        foreach (var message in messages ?? [])
        {
            Add(message);
        }
    }

    public void Add(ServerMessage message)
    {
        _count++;
        _newest.Enqueue(message);
        if (_newest.Count > Kept)
        {
            _newest.Dequeue();
        }
    }

    /// <summary>The end of a sentence on what was observed.</summary>
    public override string ToString() =>
        _count == 0 ? "; nothing else arrived" : $"; {_count} other message(s) arrived, the last: {string.Join(" | ", _newest)}";
}
