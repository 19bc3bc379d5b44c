namespace PubSub.Conformance.Targets;

/// <summary>The paths of the REST interface, without the dialect's prefix.</summary>
internal static class RestPaths
{
    public const string Topics = "/topics";

    /// <summary>The path of a topic in <see cref="Accommodations.Slashes"/>.</summary>
    public const string NamedTopic = "/topics/{name}";

    /// <summary>Behind the path of a topic: publish and read over HTTP.</summary>
    public const string Messages = "/messages";

    /// <summary>Behind the path of a topic: its stream.</summary>
    public const string Events = "/events";

    public const string Health = "/health";
    public const string Stats = "/stats";
    public const string Ready = "/readyz";

    /// <summary>At the root, as <see cref="Ready"/>.</summary>
    public const string Metrics = "/metrics";
}
