namespace PubSub.Hosting.Redis;

/// <summary>Bytes of announcements that wait for all mirrors of the node together.</summary>
/// <param name="most">How many there may be.</param>
internal sealed class Allowance(long most)
{
    private long _taken;

    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most)
        {
            return true;
        }

        GiveBack(bytes);
        return false;
    }

    public void GiveBack(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
