namespace PubSub.Conformance.Scenarios;

/// <summary>Every scenario, area by area in the order of the specification.</summary>
public static class All
{
    public static IReadOnlyList<Scenario> Scenarios { get; } =
    [
        .. Transport.Scenarios,
        .. FanOut.Scenarios,
        .. Isolation.Scenarios,
        .. Lifecycle.Scenarios,
    ];
}
