namespace PubSub.Stress;

/// <summary>Every message of one publisher since the first: 1, 2, 3, … Anything else was lost, duplicated or reordered.</summary>
internal sealed class OrderedInbox(string subscriber, Pace? pace = null) : Inbox
{
    private long _settled;

    public override void Take(long id)
    {
        if (id != Count + 1)
        {
            throw new RunFailed($"{subscriber} received message {id} after {Count}: {(id <= Count ? "duplicated or reordered" : "lost or reordered")}");
        }

        Count = id;
    }

    public override void Settle()
    {
        if (_settled != Count)
        {
            pace?.Move(_settled, Count);
            _settled = Count;
        }
    }
}
