using PubSub.Conformance.Fixture;

namespace PubSub.Conformance.Scenarios;

/// <summary>Every scenario, area by area in the order of the specification.</summary>
public static class All
{
    public static IReadOnlyList<Scenario> Scenarios { get; } =
    [
        .. Topics.Scenarios,
        .. Transport.Scenarios,
        .. Envelope.Scenarios,
        .. Subscribe.Scenarios,
        .. Publish.Scenarios,
        .. FanOut.Scenarios,
        .. Isolation.Scenarios,
        .. Deletion.Scenarios,
        .. Status.Scenarios,
        .. Replay.Scenarios,
        .. Backpressure.Scenarios,
        .. Robustness.Scenarios,
        .. Unsubscribe.Scenarios,
        .. Ping.Scenarios,
        .. Errors.Scenarios,
        .. Lifecycle.Scenarios,
        .. Resume.Scenarios,
        .. OverHttp.Scenarios,
        .. Streams.Scenarios,
        .. Access.Scenarios,
        .. Metrics.Scenarios,
        .. AsSpecified.Scenarios,
    ];
}
