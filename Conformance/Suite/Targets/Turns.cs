namespace PubSub.Conformance.Targets;

/// <summary>Takes the doors of one server in turn, from the first.</summary>
internal sealed class Turns(IReadOnlyList<Target> doors)
{
    private int _taken = -1;

    public Target Next() => doors[(int)((uint)Interlocked.Increment(ref _taken) % doors.Count)];
}
