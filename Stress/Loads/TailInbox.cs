namespace PubSub.Stress;

/// <summary>Messages without a gap from some first one on, as long as they come.</summary>
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
