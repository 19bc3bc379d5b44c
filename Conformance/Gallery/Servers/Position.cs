using System.Globalization;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>How far a reader has got in a topic.</summary>
/// <param name="Stamp">Of the last event or ack that it has seen, in ticks of 100 ns since the year 1, UTC.</param>
/// <param name="Epoch">The topic's epoch at that time; null if the reader does not say.</param>
internal readonly partial record struct Position(long Stamp, string? Epoch)
{
    /// <summary>The position that the id of a stream's event names; null when it names none.</summary>
    public static Position? Parse(string id) =>
        id.LastIndexOf('/') is var slash and > 0 && StampOf(id[(slash + 1)..]) is { } stamp ? new(stamp, id[..slash]) : null;

    /// <summary>The stamp that an RFC 3339 time stands for; null when it is none.</summary>
    public static long? StampOf(string time) =>
        Rfc3339().IsMatch(time)
        && DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            ? moment.UtcTicks
            : null;

    // TryParse alone reads other forms too.
    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\z")]
    private static partial Regex Rfc3339();
}

/// <summary>Where a read or a stream begins: with the newest events, or behind a position.</summary>
internal sealed record Beginning(int LastN, Position? Since = null)
{
    /// <summary>Reads it from the query of a request; an <see cref="HttpFault"/> when it is not legal.</summary>
    /// <param name="otherwise">The <c>last_n</c> of a query that names none.</param>
    /// <param name="request">Its query.</param>
    public static Beginning In(HttpRequest request, int otherwise)
    {
        var (lastN, since, epoch) = (request.Parameter("last_n"), request.Parameter("since"), request.Parameter("epoch"));
        return (lastN, since) switch
        {
            (null, null) => epoch is null ? new(otherwise) : throw RestDoor.Bad("epoch must stand beside since"),
            (not null, not null) => throw RestDoor.Bad("last_n and since must not be given together"),
            (null, _) => new(0, new(Position.StampOf(since) ?? throw RestDoor.Bad("since must be an RFC 3339 time"), epoch)),
            _ => int.TryParse(lastN, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                ? new(count)
                : throw RestDoor.Bad("last_n must be an integer from 0 to 2147483647"),
        };
    }
}

/// <summary>What a topic has behind a beginning.</summary>
/// <param name="Events">Oldest first.</param>
/// <param name="IsComplete">Whether none that was asked for is missing.</param>
/// <param name="Before">The stamp that the first event is later than, and no event before it.</param>
internal sealed record Reading(IReadOnlyList<byte[]> Events, bool IsComplete, long Before);
