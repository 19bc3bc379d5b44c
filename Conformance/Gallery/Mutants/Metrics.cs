using System.Globalization;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about their metrics.</summary>
internal static class Metrics
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        Written("met-no-eof", "The metrics do not end with # EOF.", (_, text) => text.Replace("# EOF\n", "", At))
            .KilledBy("PS-MET-001", Format),
        Written("met-two-texts", "The metrics are two texts, one behind the other.", (_, text) => text + text)
            .KilledBy("PS-MET-001", Format),
        Written("met-comma-for-a-point", "The metrics have numbers with a comma.", (_, text) =>
            text.Replace("le=\"1.0\"} ", "le=\"1.0\"} 0,", At))
            .KilledBy("PS-MET-001", Format),
        Written("met-bare-label", "The value of a label is not quoted.", (_, text) => text.Replace("\"BAD_REQUEST\"", "BAD_REQUEST", At))
            .KilledBy("PS-MET-001", Format),
        Written("met-comments", "The metrics have comments.", (_, text) => $"# the metrics of this server\n{text}")
            .KilledBy("PS-MET-001", Format),
        Metered("met-plain-text", "The metrics are declared as plain text.")
            .Does(server => server.Meter.Answer.Wrap(next => () => next() with { ContentType = "text/plain; version=0.0.4" }))
            .KilledBy("PS-MET-001", "the Content-Type of OpenMetrics"),
        Metered("met-not-there", "The metrics are answered with 500.")
            .Does(server => server.Meter.Answer.Wrap(_ => () => server.Messages.Problem.Call(500, "INTERNAL", "no metrics today")))
            .KilledBy("PS-MET-001", "is answered with 200"),
        Written("met-series-twice", "A series has two samples.", (_, text) =>
            Regex.Replace(text, "(?m)^pubsub_connections .*$", "$0\n$0"))
            .KilledBy("PS-MET-002", Model)
            .MayBreak("PS-MET-006"),
        Written("met-no-types", "The metrics have no types.", (_, text) => Regex.Replace(text, "# TYPE .*\n", ""))
            .KilledBy("PS-MET-002", Model)
            .MayBreak("PS-MET-004", "PS-MET-005", "PS-MET-006"),
        Written("met-no-total", "A counter has no suffix.", (_, text) => text.Replace("pubsub_refusals_total", "pubsub_refusals", At))
            .KilledBy("PS-MET-002", Model),
        Written("met-families-mixed", "The samples of a family do not stand together.", (_, text) =>
            text.Replace("# TYPE pubsub_deliveries counter\n", "# TYPE pubsub_deliveries counter\npubsub_publishes_total{a=\"b\"} 0\n", At))
            .KilledBy("PS-MET-002", Model)
            .MayBreak("PS-MET-005"),
        Written("met-no-infinite-bucket", "A histogram has no bucket +Inf.", (_, text) => Regex.Replace(text, ".*\\+Inf.*\n", ""))
            .KilledBy("PS-MET-002", Model),
        Written("met-counter-goes-down", "The counter of publishes forgets those of topics that are deleted.", (server, text) =>
            Valued(text, "pubsub_publishes_total", server.Topics.ByName.Values.Sum(topic => topic.Count.Call().Messages)))
            .KilledBy("PS-MET-003", "never decreases")
            .MayBreak("PS-MET-004"),
        Metered("met-counter-starts-again", "The counter of deliveries starts again with each scrape.")
            .Does(server =>
            {
                var scraped = 0L;
                server.Meter.Text.Wrap(next => () =>
                {
                    var now = server.Meter.Deliveries;
                    return Valued(next(), "pubsub_deliveries_total", now - Interlocked.Exchange(ref scraped, now));
                });
            })
            .KilledBy("PS-MET-003", "never decreases")
            .MayBreak("PS-MET-005"),
        Metered("met-batch-is-one", "Several messages that are published in one request count as one.", Capability.Http)
            .Does(server => server.Meter.Published.Wrap(next => _ => next(1)))
            .KilledBy("PS-MET-004", "the counter of publishes"),
        Metered("met-refused-counted", "A publish to a topic that does not exist counts too.")
            .Does(server => server.EachSession(session => session.NotFound.Wrap(next => request =>
            {
                if (request.Type == "publish")
                {
                    server.Meter.Published.Call(1);
                }

                next(request);
            })))
            .KilledBy("PS-MET-004", "the counter of publishes"),
        Written("met-messages-for-deliveries", "The counter of deliveries counts messages.", (server, text) =>
            Valued(text, "pubsub_deliveries_total", server.Meter.Publishes))
            .KilledBy("PS-MET-005", "the counter of deliveries"),
        Metered("met-delivered-twice", "Each delivery counts twice.")
            .Does(server => server.Meter.Delivered.Wrap(next => () =>
            {
                next();
                next();
            }))
            .KilledBy("PS-MET-005", "the counter of deliveries"),
        Metered("met-connections-ever", "The number of connections is that of all that there ever were.")
            .Does(server =>
            {
                var ever = 0L;
                server.Upgrade.Accept.Wrap(next => request =>
                {
                    Interlocked.Increment(ref ever);
                    return next(request);
                });
                server.Meter.Connections.Wrap(_ => () => Interlocked.Read(ref ever));
            })
            .KilledBy("PS-MET-006", "that of the open ones"),
        Metered("met-aborted-counted", "A connection that was reset still counts.")
            .Does(server =>
            {
                var lost = 0L;
                server.EachSession(session => session.RunAsync.Wrap(next => async () =>
                {
                    await next();
                    Interlocked.Add(ref lost, session.IsLost ? 1 : 0);
                }));
                server.Meter.Connections.Wrap(next => () => next() + Interlocked.Read(ref lost));
            })
            .KilledBy("PS-MET-006", "that of the open ones"),
        Written("met-topic-label", "A metric has a label with the name of the topic.", (server, text) => Extended(
            text, "messages", server.Topics.ByName.Values.Select(topic => ("topic", topic.Name, topic.Count.Call().Messages))))
            .KilledBy("PS-MET-007", "a name that a client chose"),
        Metered("met-client-label", "A metric has a label with the client_id.")
            .Does(server =>
            {
                var clients = new System.Collections.Concurrent.ConcurrentDictionary<string, long>(StringComparer.Ordinal);
                server.Hear.Wrap(next => (session, request) =>
                {
                    if (request.ClientId.Length > 0)
                    {
                        clients[Label(request.ClientId)] = 1;
                    }

                    next(session, request);
                });
                server.Meter.Text.Wrap(next => () => Extended(next(), "clients", clients.Select(one => ("client", one.Key, one.Value))));
            })
            .KilledBy("PS-MET-007", "a name that a client chose"),
    ];

    private const StringComparison At = StringComparison.Ordinal;
    private const string Format = "a text in the OpenMetrics format";
    private const string Model = "each metric has its type, and each series one sample";

    private static Mutant Metered(string id, string fault, params IReadOnlyList<Capability> others) =>
        new(id, fault) { Offers = [Capability.Metrics, .. others] };

    /// <summary>A server whose text is another.</summary>
    private static Mutant Written(string id, string fault, Func<SmallServer, string, string> change) => Metered(id, fault)
        .Does(server => server.Meter.Text.Wrap(next => () => change(server, next())));

    /// <summary>The text with this value for the series.</summary>
    private static string Valued(string text, string series, long value) =>
        Regex.Replace(text, $"(?m)^{series} .*$", string.Create(CultureInfo.InvariantCulture, $"{series} {value}"));

    /// <summary>The text with one more family, one series for each label.</summary>
    private static string Extended(string text, string name, IEnumerable<(string Label, string Value, long Count)> series) => text.Replace(
        "# EOF",
        $"# TYPE pubsub_{name} gauge\n"
            + string.Concat(series.Select(one => $"pubsub_{name}{{{one.Label}=\"{Label(one.Value)}\"}} {one.Count}\n")) + "# EOF",
        At);

    private static string Label(string text) => string.Concat(text.Where(letter => letter is not ('"' or '\\' or '\n')));
}
