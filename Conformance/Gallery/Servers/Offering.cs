using PubSub.Conformance.Requirements;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>What of version 1.1 a server has.</summary>
internal static class Offering
{
    public static Change Change(this IReadOnlyList<Capability> offered) => server =>
    {
        server.Offers = offered;
        if (offered.Contains(Capability.Access))
        {
            Household.Change(Household.Whole)(server);
        }
    };

    /// <summary>The target for a server that offers these, as if a probe had found it.</summary>
    public static Target TargetAt(this IReadOnlyList<Capability> offered, Uri origin) =>
        (Target.From(origin) with { Lacks = [.. Capabilities.All.Except(offered)] })
            .With(offered.Contains(Capability.Access) ? Household.Whole : null);

    /// <summary>Whether a scenario needs a capability that the server does not have.</summary>
    public static bool Lacks(this IReadOnlyList<Capability> offered, string scenario) => scenario switch
    {
        "PS-FAN-003/one-order-by-every-door" => !offered.Contains(Capability.Http),
        "PS-ACC-012/on-a-stream" or "PS-ACC-023/stream" or "PS-ACC-018/stream-by-none" or "PS-ACC-018/stream-by-publisher" =>
            !offered.Contains(Capability.Access) || !offered.Contains(Capability.Sse),
        "PS-SSE-004/by-the-other-door" => !offered.Contains(Capability.Sse) || !offered.Contains(Capability.Resume),
        _ => Catalogue.Embedded.Find(scenario.Split('/')[0]) is { } requirement
            && Capabilities.Of(requirement.Profile) is { } capability
            && !offered.Contains(capability),
    };
}
