using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>Expects every message of one publisher from the first: 1, 2, 3, … Fails on a lost, duplicated or reordered one.</summary>
internal sealed class OrderedInbox(string subscriber, Pace? pace = null) : Inbox
{
    private long _settled;

    public override void Take(long id)
    {
        if (id != Count + 1)
        {
            throw new RunFailed(
                $"{subscriber} received message {id} after {Count}: {(id <= Count ? "duplicated or reordered" : "lost or reordered")}");
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
