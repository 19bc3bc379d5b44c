using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>
/// Finds out where the target's interfaces are, which dialect they speak and how fast they answer. Every finding has its evidence. The
/// probe creates one topic and deletes it.
/// </summary>
public static class Probe
{
    private const int MostRoundTrips = 20;
    private const int FewestRoundTrips = 5;
    private static readonly TimeSpan RoundTripTime = TimeSpan.FromSeconds(1);

    /// <exception cref="Unreachable">No server answers at the URL, or none that speaks this protocol.</exception>
    public static async Task<ProbedTarget> ExecuteAsync(
        ProbeOptions options, TopicNames? names = null, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        var probe = new ProbeSession(options, names ?? new TopicNames(), time ?? TimeProvider.System, cancellation);
        var discovery = new Discovery(probe);
        await discovery.ReachAsync();
        probe.Rests = await discovery.RestsAsync();
        probe.Sockets = await discovery.SocketsAsync(probe.Rests);
        probe.Target = probe.Plain(probe.Rest.Url) with
        {
            Rest = probe.Rest.Url,
            WebSocket = probe.Socket.Url,
            AnswersPings = probe.Socket.AnswersPings,
        };
        foreach (var kind in probe.Rest.Slashes)
        {
            PlaceSearch.Require(probe, kind, $"GET {probe.Rest.RedirectedFrom} was redirected");
        }

        var (findings, roundTrips) = await AskAsync(probe);
        var slow = TimeSpan.FromMilliseconds(roundTrips.P95Ms);
        var target = probe.Target with { RoundTrip = slow, Timeouts = new Timeouts().For(slow, options.TimeoutScale) };
        AddServer(probe);

        return new ProbedTarget(target, options.Url)
        {
            Findings = findings,
            Fingerprint = probe.Fingerprint,
            RoundTrips = roundTrips with
            {
                WaitSeconds = Math.Round(target.Timeouts.Wait.TotalSeconds, 1),
                ScenarioSeconds = Math.Round(target.Timeouts.Scenario.TotalSeconds, 1),
            },
        };
    }

    private static async Task<(IReadOnlyList<Finding>, RoundTrips)> AskAsync(ProbeSession probe)
    {
        var findings = new List<Finding>();
        try
        {
            foreach (var question in Question.All.Where(question => !question.IsRisky || !probe.Options.IsCautious))
            {
                if (await question.AskAsync(probe) is { } answer)
                {
                    findings.Add(new(question.What, answer.Value, answer.Source, answer.Evidence));
                }
            }

            return ([.. findings, .. probe.Accommodated], await RoundTripsAsync(probe));
        }
        finally
        {
            await probe.DeleteTopicAsync();
            await probe.DeleteUnknownAsync();
        }
    }

    private static async Task<RoundTrips> RoundTripsAsync(ProbeSession probe)
    {
        // A server that does not answer pings has answered a subscribe; otherwise discovery would have failed.
        var request = probe.Socket.AnswersPings ? Request.Ping() : Request.Subscribe(probe.UnknownTopic(), "conformance-probe");
        var samples = new List<double>();
        try
        {
            var (client, _) = await probe.ConnectAsync(probe.Target);
            await using var connected = client;
            var first = probe.Time.GetTimestamp();
            for (var n = 0; n < MostRoundTrips && (n < FewestRoundTrips || probe.Time.GetElapsedTime(first) < RoundTripTime); n++)
            {
                var start = probe.Time.GetTimestamp();
                await client.SendAsync(request.WithRequestId($"trip-{n}"));
                await client.ReadMessageAsync(message => message.IsReply, "a reply");
                samples.Add(probe.Time.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        catch (Violation violation)
        {
            if (samples.Count == 0)
            {
                throw new Unreachable($"The WebSocket answered the probe once, and then no more: {violation.Message}");
            }
        }

        samples.Sort();
        probe.Target = probe.Target with { Distance = TimeSpan.FromMilliseconds(samples[0]) };
        return new RoundTrips(
            samples.Count, Math.Round(At(0.5), 3), Math.Round(At(0.95), 3), Math.Round(samples[^1], 3), WaitSeconds: 0, ScenarioSeconds: 0);

        double At(double quantile) => samples[Math.Min(samples.Count - 1, (int)(samples.Count * quantile))];
    }

    private static void AddServer(ProbeSession probe)
    {
        var listing = probe.Rest.Listing!;
        probe.Fingerprint["server"] = listing.Header("Server") ?? "(no Server header)";
        probe.Fingerprint["topics at the start"] = $"{listing.Topics!.Count}";
        if (probe.Health is { } health)
        {
            probe.Fingerprint["health"] = health.Body.Cut(500);
        }
    }
}
