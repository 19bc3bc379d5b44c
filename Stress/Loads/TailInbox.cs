using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>Expects messages without a gap, from any first one on.</summary>
internal sealed class TailInbox : Inbox
{
    /// <summary>The newest message.</summary>
    public long Last { get; private set; }

    public override void Take(long id)
    {
        if (Last != 0 && id != Last + 1)
        {
            throw new RunFailed($"a slow subscriber received message {id} after {Last}, before it was cut");
        }

        Last = id;
        Count++;
    }
}
