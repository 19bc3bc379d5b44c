namespace PubSub.Stress;

/// <summary>What one subscriber has received, held against what it was promised.</summary>
internal abstract class Inbox
{
    /// <summary>Events received.</summary>
    public long Count { get; protected set; }

    /// <summary>The next event's message id, as a number.</summary>
    public abstract void Take(long id);

    /// <summary>After the last event of a read.</summary>
    public virtual void Settle()
    {
    }
}
