using System.Text.Json;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>One thing to find out about a target.</summary>
/// <param name="What">The name of the finding.</param>
/// <param name="AskAsync">
/// Null when there is nothing to report. If the answer changes how the target is tested, this sets <see cref="ProbeSession.Target"/>.
/// </param>
internal sealed record Question(string What, Func<ProbeSession, Task<Answer?>> AskAsync)
{
    private Question(string what, Func<ProbeSession, Answer?> ask) : this(what, probe => Task.FromResult(ask(probe)))
    {
    }

    /// <summary>Some servers are known to die of it.</summary>
    public bool IsRisky { get; private init; }

    /// <summary>In the order of asking and reporting. The topic exists from "creation" to "deletion".</summary>
    public static IReadOnlyList<Question> All { get; } =
    [
        new("REST", probe => Place(
            probe.Options.Rest, probe.Rests.Select(candidate => candidate.Url), "the first that answered, in the order tried")),
        new("WebSocket", probe => Place(
            probe.Options.WebSocket,
            probe.Sockets.Select(candidate => candidate.Url),
            "one below the REST interface first, then in the order tried")),
        new("redirect", probe => probe.Rest.RedirectedFrom is { } from
            ? new Answer($"{probe.Rest.Url}", $"GET {from} was redirected there")
            : null),
        new("health", PlaceSearch.AskHealthAsync),
        new("stats", PlaceSearch.AskStatsAsync),
        new("dialect", AskDialectAsync),
        new("time of a message", probe => Member(probe.Target.Dialect.Timestamp, probe.Options.Timestamp, Times(probe))),
        new("uptime", probe => Member(probe.Target.Dialect.Uptime, probe.Options.Uptime, [probe.Health?.Json])),
        new("overflow", probe => new Answer(
            string.Join(
                " or ",
                probe.Target.Dialect.Overflow.Select(overflow => overflow == Overflow.Disconnect ? "disconnect" : "drop-oldest")),
            probe.Options.Overflow is null ? $"the dialect {probe.Target.Dialect.Name}" : "the target file",
            probe.Options.Overflow is null ? FindingSource.Assumed : FindingSource.Declared)),
        new("accommodations", probe => probe.Options.Accommodations is { AreNone: false }
            ? new Answer("as declared", "the target file", FindingSource.Accommodated)
            : null),
        new("limits", AskLimits),
        new("reply to a ping", probe => new Answer(probe.Socket.First?.Type ?? "none", $"{probe.Socket.First}")),
        new("error form", probe => Errors(probe).FirstOrDefault() is { } error
            ? new Answer(Json.TryParse(error.Raw).Member("error") is { ValueKind: JsonValueKind.String } ? "string" : "object", $"{error}")
            : null),
        new("reply about an unknown topic", probe => probe.Socket.Second is { } reply
            ? new Answer(reply.Type ?? "none", $"{reply}")
            : new Answer("none", "no second reply came")),
        new("listing", probe => new Answer(
            probe.Rest.Listing!.Json is { ValueKind: JsonValueKind.Array } ? "bare array" : "object", probe.Rest.Listing.Body.Cut(200))),
        new("notices", probe => probe.Socket.Infos.Count > 0 ? new Answer("sent unasked", $"{probe.Socket.Infos[0]}") : null),
        new("creation", AskCreationAsync),
        new("message ids", AskMessageIdsAsync),
        new("ring", LimitSearch.AskRingAsync),
        new("message size", LimitSearch.AskMessageBytesAsync) { IsRisky = true },
        new("resume", CapabilitySearch.AskResumeAsync),
        new("http", CapabilitySearch.AskHttpAsync),
        new("sse", CapabilitySearch.AskSseAsync),
        new("access", CapabilitySearch.AskAccess),
        new("metrics", CapabilitySearch.AskMetricsAsync),
        new("identity", AskIdentityAsync),
        new("unknown topics", AskUnknownAsync) { IsRisky = true },
        new("reading one topic", AskOneAsync),
        new("deletion", AskDeletionAsync),
        new("deletion notice", probe => probe.Notice),
    ];

    private static Answer Place(Uri? given, IEnumerable<Uri> live, string rule)
    {
        string[] urls = [.. live.Select(url => url.AbsoluteUri)];
        var others = urls.Length > 1 ? $"; {string.Join(" and ", urls.Skip(1))} answered too, and {rule}, is used" : "";
        return given is null
            ? new(urls[0], $"it answered{others}")
            : new(urls[0], $"given; it answered{others}", FindingSource.Declared);
    }

    private static async Task<Answer?> AskDialectAsync(ProbeSession probe)
    {
        var options = probe.Options;
        var evidence = Dialect.Known.Select(dialect => (Dialect: dialect, Signs: Signs(dialect, probe).ToList())).ToList();
        var best = evidence.MaxBy(row => row.Signs.Sum(sign => sign.Weight));
        var dialect = options.Dialect ?? best.Dialect with
        {
            Timestamp = Spelt(
                known => known.Timestamp, member => Times(probe).Any(message => message.Member(member) is not null), best.Dialect),
            Uptime = Spelt(known => known.Uptime, member => probe.Health?.Json.Member(member) is not null, best.Dialect),
        };
        dialect = dialect with
        {
            Timestamp = options.Timestamp ?? dialect.Timestamp,
            Uptime = options.Uptime ?? dialect.Uptime,
            Overflow = options.Overflow is { } overflow ? [overflow] : dialect.Overflow,
        };
        probe.Target = probe.Target with { Dialect = dialect };
        probe.Target = probe.Target with { Root = Root(probe.Target) };
        probe.Target = await AskRootAsync(probe);
        if (options.Dialect is not null)
        {
            var own = evidence.FirstOrDefault(row => row.Dialect.Name == dialect.Name).Signs;
            return new(dialect.Name, own is null ? "given" : $"given; {Join(own)}", FindingSource.Declared);
        }

        var others = evidence.Where(row => row.Dialect.Name != dialect.Name && row.Signs.Count > 0)
            .Select(row => $"; but for {row.Dialect.Name}: {Join(row.Signs)}");
        var source = best.Signs.Count > 0 ? FindingSource.Probed : FindingSource.Assumed;
        return new(dialect.Name, Join(best.Signs) + string.Concat(others), source);

        static string Join(IReadOnlyList<Sign> signs) =>
            signs.Count == 0 ? "no evidence" : string.Join(", ", signs.Select(sign => sign.What));
    }

    // A server with a prefix may have /livez below the prefix or at the root of its origin.
    private static async Task<Target> AskRootAsync(ProbeSession probe)
    {
        var origin = probe.Target with { Root = new UriBuilder(probe.Target.Root) { Path = "" }.Uri };
        return origin.Root != probe.Target.Root
            && await probe.RestOf(probe.Target).LiveAsync().IfAnswered() is not { IsSuccess: true }
            && await probe.RestOf(origin).LiveAsync().IfAnswered() is { IsSuccess: true }
            ? origin
            : probe.Target;
    }

    // The spelling of the dialect, unless only another dialect's is present.
    private static string Spelt(Func<Dialect, string> spelling, Func<string, bool> isThere, Dialect otherwise) =>
        Dialect.Known.Select(spelling).Prepend(spelling(otherwise)).FirstOrDefault(isThere) ?? spelling(otherwise);

    private static IEnumerable<JsonElement?> Times(ProbeSession probe) =>
        new[] { probe.Socket.First, probe.Socket.Second }.Concat(probe.Socket.Infos)
            .OfType<ServerMessage>()
            .Select(message => Json.TryParse(message.Raw));

    // The path and the time weigh more than the uptime, which is a single member that a server may easily name differently.
    private static IEnumerable<Sign> Signs(Dialect dialect, ProbeSession probe)
    {
        if (Times(probe).Any(message => message.Member(dialect.Timestamp) is not null))
        {
            yield return new($"replies have '{dialect.Timestamp}'", 2);
        }

        if (probe.Health?.Json.Member(dialect.Uptime) is not null)
        {
            yield return new($"{RestPaths.Health} has '{dialect.Uptime}'", 1);
        }

        var path = probe.Rest.Url.AbsolutePath;
        if (path.TrimEnd('/').EndsWith(Dialect.V1.Prefix, StringComparison.Ordinal) == (dialect.Prefix == Dialect.V1.Prefix))
        {
            yield return new($"REST is at {path}", 2);
        }
    }

    // The URL of the REST interface without the dialect's prefix.
    private static Uri Root(Target target)
    {
        var path = target.Rest.AbsolutePath.TrimEnd('/');
        var root = target.Dialect.Prefix.Length > 0 && path.EndsWith(target.Dialect.Prefix, StringComparison.Ordinal)
            ? path[..^target.Dialect.Prefix.Length]
            : path;
        return new UriBuilder(target.Rest) { Path = root }.Uri;
    }

    private static IEnumerable<ServerMessage> Errors(ProbeSession probe) =>
        new[] { probe.Socket.First, probe.Socket.Second }.OfType<ServerMessage>().Where(message => message.IsError);

    private static Answer Member(string name, string? declared, IEnumerable<JsonElement?> seen) =>
        declared is not null ? new(name, "the target file", FindingSource.Declared)
        : seen.FirstOrDefault(json => json.Member(name) is not null) is { } json ? new(name, $"it is in {json.GetRawText().Cut(200)}")
        : new(name, "it was not seen anywhere", FindingSource.Assumed);

    private static Answer AskLimits(ProbeSession probe)
    {
        var limits = probe.Options.Limits ?? new Limits();
        probe.Target = probe.Target with { Limits = limits };
        var value = $"queue {limits.QueueSize} events or {limits.QueueBytes} bytes, names {limits.NameLength} characters";
        return probe.Options.Limits is null
            ? new(value, "the specification's defaults", FindingSource.Assumed)
            : new(value, "the target file", FindingSource.Declared);
    }

    private static async Task<Answer?> AskCreationAsync(ProbeSession probe)
    {
        await probe.CreateTopicAsync();
        if (probe.Created is { Status: 401 or 403 })
        {
            throw Discovery.Closed($"POST {RestPaths.Topics}", probe.Created);
        }

        if (probe.Options.Accommodations is null && probe.Created is { IsSuccess: false } refusal)
        {
            await AskTopicMemberAsync(probe, refusal);
        }

        await PlaceSearch.AskSlashesAsync(probe);
        var wants = probe.Target.Accommodations;
        if (probe.Created is { IsSuccess: true, Status: not 201 } other && probe.Options.Accommodations is null)
        {
            probe.Accommodate(
                wants with { Created = other.SentStatus },
                "status of a creation",
                $"{other.SentStatus}",
                $"POST of {probe.Topic}: {other}");
        }

        return new(probe.Created is null ? "no answer" : $"{probe.Created.SentStatus}", $"POST of {probe.Topic}: {probe.Created}");
    }

    private static async Task<Answer?> AskMessageIdsAsync(ProbeSession probe)
    {
        var search = new AccommodationSearch(probe);
        if (probe.Created is { IsSuccess: true } && probe.Options is { Accommodations: null, IsCautious: false })
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

    // Subscribes twice with one client_id, on two connections.
    private static async Task<Answer?> AskIdentityAsync(ProbeSession probe)
    {
        if (!probe.CanPublish)
        {
            return null;
        }

        try
        {
            var (older, _) = await probe.ConnectAsync(probe.Target);
            await using var first = older;
            var (newer, _) = await probe.ConnectAsync(probe.Target);
            await using var second = newer;
            foreach (var client in (RawClient[])[older, newer])
            {
                await client.SendAsync(Request.Subscribe(probe.Topic!, "conformance-probe-twice").WithRequestId("twice"));
                await client.ReadMessageAsync(message => message.IsReply, "the ack of a subscribe");
            }

            await newer.SendAsync(Request.Publish(probe.Topic!, "to-both").WithRequestId("to-both"));
            await newer.ReadMessageAsync(message => message.IsEvent, "an event on the newer connection");
            var arrived = await older
                .ReadMessageAsync(message => message.IsEvent, "an event on the older connection", probe.Timeouts.Wait / 5)
                .IfAnswered();
            return arrived is not null ? new("the connection", "two connections with one client_id both received an event")
                : older.Closure is { } closure ? new("client_id", $"a second connection with one client_id ended the first with {closure}")
                : new("client_id", "a second connection with one client_id received an event, and the first did not");
        }
        catch (Violation violation)
        {
            return new("unknown", violation.Message, FindingSource.Assumed);
        }
    }

    private static async Task<Answer?> AskUnknownAsync(ProbeSession probe)
    {
        if (!probe.CanPublish)
        {
            return null;
        }

        var unknown = probe.UnknownTopic();
        try
        {
            var (client, _) = await probe.ConnectAsync(probe.Target);
            await using var connected = client;
            await client.SendAsync(Request.Publish(unknown, "to-nothing").WithRequestId("unknown"));
            var reply = await client.ReadMessageAsync(message => message.IsReply, "the reply to a publish");
            if (!reply.IsAck)
            {
                await client.SendAsync(Request.Subscribe(unknown, "conformance-probe").WithRequestId("unknown"));
                reply = await client.ReadMessageAsync(message => message.IsReply, "the reply to a subscribe");
            }

            if (reply.IsAck && probe.Options.Accommodations is null)
            {
                var wants = probe.Target.Accommodations with { CreatesTopics = true };
                probe.Accommodate(wants, "unknown topics", "created by a request", $"a request that names {unknown} was answered {reply}");
                return null;
            }

            return new(reply.IsAck ? "created" : "refused", $"{reply}");
        }
        catch (Violation violation)
        {
            return new("unknown", violation.Message, FindingSource.Assumed);
        }
    }

    private static async Task<Answer?> AskOneAsync(ProbeSession probe)
    {
        if (probe.Topic is not { } topic || probe.Created is not { IsSuccess: true })
        {
            return null;
        }

        var answer = await probe.RestOf(probe.Target).GetTopicAsync(topic).IfAnswered();
        return new(answer is { IsSuccess: true } ? "offered" : "not offered", $"GET of the topic was answered {answer}");
    }

    private static async Task<Answer?> AskDeletionAsync(ProbeSession probe)
    {
        var topic = probe.Topic;
        if (probe.Created is not { IsSuccess: true })
        {
            return Said(await probe.DeleteTopicAsync());
        }

        HttpAnswer? deleted = null;
        try
        {
            var (client, _) = await probe.ConnectAsync(probe.Target);
            await using var subscriber = client;
            await client.SendAsync(Request.Subscribe(topic!, "conformance-probe").WithRequestId("notice"));
            await client.ReadMessageAsync(message => message.IsReply, "the ack of a subscribe");
            deleted = await probe.DeleteTopicAsync();
            var notice = await client
                .ReadMessageAsync(message => !message.IsEvent && message.Notice != "ping", "a notice", probe.Timeouts.Wait / 5)
                .IfAnswered();
            probe.Notice = new(notice?.Notice ?? "none", notice is null ? $"{client.Closure}" : $"{notice}");
        }
        catch (Violation)
        {
            deleted ??= await probe.DeleteTopicAsync();
        }

        var wants = probe.Target.Accommodations;
        if (deleted is { IsSuccess: true, Status: not 200 } && probe.Options.Accommodations is null)
        {
            probe.Accommodate(
                wants with { Deleted = deleted.SentStatus },
                "status of a deletion",
                $"{deleted.SentStatus}",
                $"DELETE of {topic}: {deleted}");
        }

        return Said(deleted);

        Answer Said(HttpAnswer? answer) => new(answer is null ? "no answer" : $"{answer.SentStatus}", $"DELETE of {topic}: {answer}");
    }

    /// <param name="Weight">How strongly it points to the dialect.</param>
    private sealed record Sign(string What, int Weight);
}

/// <summary>The answer to a question, with its evidence.</summary>
internal sealed record Answer(string Value, string Evidence, FindingSource Source = FindingSource.Probed);
