using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers with identities or metrics that are unusual but follow SPEC.md.</summary>
internal static class Identified
{
    private const string NoToken = "the server takes keys alone";
    private const string NoKey = "the server takes tokens alone";

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Asking("benign-access", "Every door asks for a key or a token, also the metrics.", Household.Whole),
        Asking("benign-keys-alone", "It takes API keys and no tokens (section 21 allows that).", Household.KeysAlone) with
        {
            Unsupported = new Dictionary<string, string>
            {
                ["PS-ACC-007/in-its-header"] = NoToken,
                ["PS-ACC-009/expired"] = NoToken,
                ["PS-ACC-010/not-signed-by-the-server"] = NoToken,
                ["PS-ACC-011/for-another-time"] = NoToken,
                ["PS-ACC-011/of-another-issuer"] = NoToken,
                ["PS-ACC-011/for-another-audience"] = NoToken,
                ["PS-ACC-012/over-the-websocket"] = NoToken,
                ["PS-ACC-012/on-a-stream"] = NoToken,
                ["PS-ACC-013/why-it-ends"] = NoToken,
            },
        },
        Asking("benign-tokens-alone", "It takes tokens and no API keys (section 21 allows that).", Household.TokensAlone) with
        {
            Unsupported = new Dictionary<string, string>
            {
                ["PS-ACC-005/almost-the-key"] = NoKey,
                ["PS-ACC-006/in-its-header"] = NoKey,
            },
        },
        Asking(
            "benign-hides-topics",
            "A request without the permission is answered as if there were no topic (PS-ACC-020 calls that a legal alternative).",
            Household.Whole)
            .Does(server => server.Guard.Forbidden.Wrap(next => topic =>
                server.Guard.IsCreating ? next(topic) : server.Rest.NoSuchTopic.Call("GET", topic)))
            .Does(server => server.Guard.Forbid.Wrap(_ => (session, request) => session.NotFound.Call(request))),
        Asking(
            "benign-generous",
            "An identity may save up some seconds of its limit, as PS-ACC-025 allows, and is told to wait longer than it has to.",
            Household.Whole)
            .Does(server =>
            {
                var saved = new System.Collections.Concurrent.ConcurrentDictionary<string, int>(StringComparer.Ordinal);
                server.Guard.Take.Wrap(next => (caller, messages) => next(caller, messages) is { } wait
                    && saved.AddOrUpdate(caller.Identity, 1, (_, count) => count + 1) > 15 ? wait * 2 : null);
            }),
        Asking(
            "benign-open-totals",
            "/health and the metrics ask for no identity, as PS-ACC-001 leaves open.",
            Household.Whole)
            .Does(server => server.Guard.IsOpen.Wrap(next => request =>
                next(request) || server.Meter.IsAsked.Call(request) || request.Path == $"{server.Variation.Root}/health")),
        new BenignServer("benign-metrics-elsewhere", "Its metrics are at another path, as its owner says.")
        {
            Probing = door => new ProbeOptions { Url = door.Origin, Metrics = new Uri(door.Origin, "/internal/metrics") },
        }
            .Does(server => server.Meter.IsAsked.Wrap(_ => request => request.Path == "/internal/metrics")),
        new BenignServer("benign-no-metrics", "It has no metrics; they are a capability.")
        {
            Offers = [Capability.Resume, Capability.Http, Capability.Sse],
        },
        new BenignServer("benign-many-metrics", "Its metrics have more labels, escapes, times and exemplars (OpenMetrics 1.0).")
            .Does(server => server.Meter.Text.Wrap(next => () => next().Replace(
                "# EOF",
                """
                # TYPE build info
                build_info{version="1.0",path="C:\\dir \"x\"\n"} 1
                # TYPE lag_seconds summary
                # UNIT lag_seconds seconds
                lag_seconds{quantile="0.5"} 4.7e-05 1520879607.789
                lag_seconds_count 3
                lag_seconds_sum 1.5
                # TYPE requests counter
                requests_total{code="A"} 1 # {trace_id="KOO5S4vxi0o"} 0.67
                requests_created{code="A"} 1.605281325e+09
                # EOF
                """.ReplaceLineEndings("\n"),
                StringComparison.Ordinal))),
    ];

    private static BenignServer Asking(string id, string oddity, Credentials credentials) => new BenignServer(id, oddity)
    {
        Offers = Capabilities.All,
        Probing = door => new ProbeOptions { Url = door.Origin, Credentials = credentials },
    }
        .Does(Household.Change(credentials));
}
