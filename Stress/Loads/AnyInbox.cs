namespace PubSub.Stress;

/// <summary>Messages of several publishers, whose numbers say nothing of their order; the history checker judges others that receive them.</summary>
internal sealed class AnyInbox : Inbox
{
    public override void Take(long id) => Count++;
}
