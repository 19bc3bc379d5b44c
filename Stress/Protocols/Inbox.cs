namespace PubSub.Stress.Protocols;

/// <summary>Checks the events of one subscriber against the promises of the protocol.</summary>
internal abstract class Inbox
{
    /// <summary>Events received.</summary>
    public long Count { get; protected set; }

    /// <summary>The next event's message id, as a number.</summary>
    public abstract void Take(long id);

    /// <summary>Called after the last event of a read.</summary>
    public virtual void Settle()
    {
    }
}
