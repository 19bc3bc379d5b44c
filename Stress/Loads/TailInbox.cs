namespace PubSub.Stress;

/// <summary>Messages without a gap from some first one on, as long as they come.</summary>
internal sealed class TailInbox : Inbox
{
    private long _last;

    public override void Take(long id)
    {
        if (_last != 0 && id != _last + 1)
        {
            throw new RunFailed($"the slow subscriber received message {id} after {_last}, before it was cut");
        }

        _last = id;
        Count++;
    }
}
