namespace PubSub.PropertyTests.Models;

/// <summary>The positions that clients have seen in acks of publishes and subscribes, oldest first.</summary>
internal sealed class Positions
{
    private readonly List<Position> _seen = [];

    public void Add(long stamp, string? epoch) => _seen.Add(new(stamp, epoch));

    /// <summary>One of them; before the first there is a position that no topic ever had.</summary>
    public Position Of(Seen seen)
    {
        var position = _seen.Count == 0 ? new(1, null) : _seen[^(1 + (seen.Back % _seen.Count))];
        return seen.WithEpoch ? position : position with { Epoch = null };
    }
}

/// <summary>Names a position.</summary>
/// <param name="Back">How many positions were seen after it.</param>
/// <param name="WithEpoch">Whether the client gives the epoch, too.</param>
internal readonly record struct Seen(int Back, bool WithEpoch);
