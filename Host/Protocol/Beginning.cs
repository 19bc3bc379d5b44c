using System.Globalization;

namespace PubSub.Hosting.Protocol;

/// <summary>Where a reader over HTTP begins, as the query and the headers say; the WebSocket's rules are the same.</summary>
/// <param name="LastN">Newest retained events to begin with; null if that is not said.</param>
/// <param name="Position">What everything is to be later than, instead; null if that is not said.</param>
internal readonly record struct Beginning(int? LastN, Position? Position)
{
    /// <summary>Reads the query (PS-HTTP-008).</summary>
    /// <exception cref="BadRequestException">It is illegal.</exception>
    public static Beginning OfQuery(HttpRequest request)
    {
        var (lastN, since, epoch) = (Single("last_n"), Single("since"), Single("epoch"));
        if (since is null)
        {
            return epoch is null ? new(lastN is null ? null : Number(lastN), null) : throw Bad(RequestFields.LoneEpoch);
        }

        return lastN is null ? new(null, new Position(Time(since), epoch)) : throw Bad(RequestFields.TwoBeginnings);

        string? Single(string name) => request.Query[name] switch
        {
            [] => null,
            [var value] => value ?? "",
            _ => throw Bad($"{name} must not be given twice"),
        };
    }

    /// <summary>Reads the header that an <c>EventSource</c> sends by itself; if there is none, the query (PS-SSE-004).</summary>
    /// <exception cref="BadRequestException">It is illegal.</exception>
    public static Beginning OfStream(HttpRequest request)
    {
        var id = request.Headers["Last-Event-ID"].ToString();
        if (id.Length == 0)
        {
            return OfQuery(request);
        }

        var slash = id.LastIndexOf('/');
        return slash >= 0 && Timestamp.TryParse(id.AsSpan(slash + 1), out var since)
            ? new(null, new Position(since, id[..slash]))
            : throw Bad("Last-Event-ID must be the id of an event of such a stream");
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Bad(RequestFields.LastNRule);

    private static long Time(string text) => Timestamp.TryParse(text, out var time) ? time : throw Bad(RequestFields.SinceRule);

    private static BadRequestException Bad(string rule) => new(rule, default);
}
