using System.Text.Json;

namespace PubSub.Conformance;

/// <summary>One thing to find out about a target.</summary>
/// <param name="What">The name of the finding.</param>
/// <param name="AskAsync">
/// Null when there is nothing to say. Where the answer changes how the target is tested, this sets <see cref="ProbeSession.Target"/>.
/// </param>
internal sealed record Question(string What, Func<ProbeSession, Task<Answer?>> AskAsync)
{
    private Question(string what, Func<ProbeSession, Answer?> ask) : this(what, probe => Task.FromResult(ask(probe)))
    {
    }

    /// <summary>In the order in which they are asked and reported. The topic exists from "creation" to "deletion".</summary>
    public static IReadOnlyList<Question> All { get; } =
    [
        new("REST", probe => Place(
            probe.Options.Rest, probe.Rests.Select(candidate => candidate.Url), "the first that answered, in the order tried")),
        new("WebSocket", probe => Place(
            probe.Options.WebSocket,
            probe.Sockets.Select(candidate => candidate.Url),
            "one below the REST interface first, then in the order tried")),
        new("redirect", probe => probe.Rest.RedirectedFrom is { } from ? new Answer($"{probe.Rest.Url}", $"GET {from} was redirected there") : null),
        new("health", PlaceSearch.AskHealthAsync),
        new("stats", PlaceSearch.AskStatsAsync),
        new("dialect", AskDialect),
        new("limits", AskLimits),
        new("reply to a ping", probe => new Answer(probe.Socket.First?.Type ?? "none", $"{probe.Socket.First}")),
        new("reply to nonsense", probe => probe.Socket.Second is { } reply
            ? new Answer(reply.Type ?? "none", $"{reply}")
            : new Answer("none", "no second reply came")),
        new("listing", probe => new Answer(
            probe.Rest.Listing!.Json is { ValueKind: JsonValueKind.Array } ? "bare array" : "object", probe.Rest.Listing.Body.Cut(200))),
        new("notices", probe => probe.Socket.Infos.Count > 0 ? new Answer("sent unasked", $"{probe.Socket.Infos[0]}") : null),
        new("creation", AskCreationAsync),
        new("message ids", AskMessageIdsAsync),
        new("deletion", AskDeletionAsync),
    ];

    private static Answer Place(Uri? given, IEnumerable<Uri> live, string rule)
    {
        string[] urls = [.. live.Select(url => url.AbsoluteUri)];
        var others = urls.Length > 1 ? $"; {string.Join(" and ", urls.Skip(1))} answered too, and {rule}, is used" : "";
        return given is null
            ? new(urls[0], $"it answered{others}")
            : new(urls[0], $"given; it answered{others}", FindingSource.Declared);
    }

    private static Answer AskDialect(ProbeSession probe)
    {
        var evidence = Dialect.Known.Select(dialect => (Dialect: dialect, Signs: Signs(dialect, probe).ToList())).ToList();
        var best = evidence.MaxBy(row => row.Signs.Count);
        var dialect = probe.Options.Dialect ?? best.Dialect;
        probe.Target = probe.Target with { Dialect = dialect };
        probe.Target = probe.Target with { Root = Root(probe.Target) };
        if (probe.Options.Dialect is not null)
        {
            var own = evidence.FirstOrDefault(row => row.Dialect.Name == dialect.Name).Signs;
            return new(dialect.Name, own is null ? "given" : $"given; {Join(own)}", FindingSource.Declared);
        }

        var others = evidence.Where(row => row.Dialect != dialect && row.Signs.Count > 0)
            .Select(row => $"; but for {row.Dialect.Name}: {Join(row.Signs)}");
        var source = best.Signs.Count > 0 ? FindingSource.Probed : FindingSource.Assumed;
        return new(dialect.Name, Join(best.Signs) + string.Concat(others), source);

        static string Join(IReadOnlyList<string> signs) => signs.Count == 0 ? "nothing tells" : string.Join(", ", signs);
    }

    private static IEnumerable<string> Signs(Dialect dialect, ProbeSession probe)
    {
        if (probe.Socket.First is { } reply && Json.TryParse(reply.Raw).Member(dialect.Timestamp) is not null)
        {
            yield return $"replies have '{dialect.Timestamp}'";
        }

        if (probe.Health?.Json.Member(dialect.Uptime) is not null)
        {
            yield return $"{Rest.HealthPath} has '{dialect.Uptime}'";
        }

        var path = probe.Rest.Url.AbsolutePath;
        if (path.TrimEnd('/').EndsWith(Dialect.V1.Prefix, StringComparison.Ordinal) == (dialect.Prefix == Dialect.V1.Prefix))
        {
            yield return $"REST is at {path}";
        }
    }

    // What answers at the root of the server, and not below the dialect's prefix.
    private static Uri Root(Target target)
    {
        var path = target.Rest.AbsolutePath.TrimEnd('/');
        var root = target.Dialect.Prefix.Length > 0 && path.EndsWith(target.Dialect.Prefix, StringComparison.Ordinal)
            ? path[..^target.Dialect.Prefix.Length]
            : path;
        return new UriBuilder(target.Rest) { Path = root }.Uri;
    }

    private static Answer AskLimits(ProbeSession probe)
    {
        var limits = probe.Options.Limits ?? new Limits();
        probe.Target = probe.Target with { Limits = limits };
        var value = $"queue {limits.QueueSize} events or {limits.QueueBytes} bytes, ring {limits.Ring} messages, "
            + $"request {limits.MessageBytes} bytes, names {limits.NameLength} characters";
        return probe.Options.Limits is null
            ? new(value, "the specification's defaults", FindingSource.Assumed)
            : new(value, "the target file", FindingSource.Declared);
    }

    private static async Task<Answer?> AskCreationAsync(ProbeSession probe)
    {
        await probe.CreateTopicAsync();
        if (probe.Options.Accommodations is null && probe.Created is { IsSuccess: false } refusal)
        {
            await AskTopicMemberAsync(probe, refusal);
        }

        await PlaceSearch.AskSlashesAsync(probe);
        return new(probe.Created is null ? "no answer" : $"{probe.Created.SentStatus}", $"POST of {probe.Topic}: {probe.Created}");
    }

    private static async Task<Answer?> AskMessageIdsAsync(ProbeSession probe)
    {
        var search = new AccommodationSearch(probe);
        if (probe.Created is { IsSuccess: true } && probe.Options.Accommodations is null)
        {
            await search.AskAsync(probe.Topic!);
        }

        if (probe.Options.UuidsOnly is { } declared && probe.Options.Accommodations is not null)
        {
            probe.Target = probe.Target with { MessageIds = declared ? MessageIds.Uuids() : MessageIds.Any };
            return new(declared ? "uuid" : "any", "the target file", FindingSource.Declared);
        }

        if (probe.Created is not { IsSuccess: true })
        {
            return new("any", "without a topic nothing can be published", FindingSource.Assumed);
        }

        var found = await search.AskPublishAsync(probe.Topic!);
        if (probe.Options.UuidsOnly is not { } pinned)
        {
            return found;
        }

        probe.Target = probe.Target with { MessageIds = pinned ? MessageIds.Uuids() : MessageIds.Any };
        return new(pinned ? "uuid" : "any", "the target file", FindingSource.Declared);
    }

    private static async Task AskTopicMemberAsync(ProbeSession probe, HttpAnswer refusal)
    {
        var before = probe.Target;
        foreach (var name in (string[])["topic", "topic_name", "topicName"])
        {
            var other = before.Accommodations with { TopicName = name };
            probe.Target = before.Accommodating(other);
            await probe.CreateTopicAsync();
            if (probe.Created is { IsSuccess: true })
            {
                probe.Accommodate(other, "name in a creation", $"called '{name}'", $"POST with 'name' was answered {refusal}");
                return;
            }
        }

        probe.Target = before;
    }

    private static async Task<Answer?> AskDeletionAsync(ProbeSession probe)
    {
        var topic = probe.Topic;
        var deleted = await probe.DeleteTopicAsync();
        return new(deleted is null ? "no answer" : $"{deleted.SentStatus}", $"DELETE of {topic}: {deleted}");
    }
}

/// <summary>The answer to a question, and why it is believed.</summary>
internal sealed record Answer(string Value, string Evidence, FindingSource Source = FindingSource.Probed);
