using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// Counts the messages of several publishers. Their numbers have no order to check here; the history checker judges the other receivers.
/// </summary>
internal sealed class AnyInbox : Inbox
{
    public override void Take(long id) => Count++;
}
