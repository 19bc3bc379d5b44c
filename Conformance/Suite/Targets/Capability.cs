using System.Text.Json.Serialization;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Targets;

/// <summary>A part of the protocol that a server may lack: its profile is then unsupported, and no requirement of it is violated.</summary>
public enum Capability
{
    /// <summary>The ack of a subscribe has an <c>epoch</c>, and <c>since</c> is understood.</summary>
    [JsonStringEnumMemberName("resume")] Resume,

    /// <summary>Messages are published and read over HTTP.</summary>
    [JsonStringEnumMemberName("http")] Http,

    /// <summary>Topics are followed by Server-Sent Events.</summary>
    [JsonStringEnumMemberName("sse")] Sse,

    /// <summary>Clients have identities with permissions and limits.</summary>
    [JsonStringEnumMemberName("access")] Access,

    /// <summary>It measures itself in the OpenMetrics text format.</summary>
    [JsonStringEnumMemberName("metrics")] Metrics,
}

public static class Capabilities
{
    public static IReadOnlyList<Capability> All { get; } = Enum.GetValues<Capability>();

    /// <summary>The capability that the profile describes; null for a profile that every server claims.</summary>
    public static Capability? Of(Profile profile) => profile switch
    {
        Profile.Resume => Capability.Resume,
        Profile.Http => Capability.Http,
        Profile.Sse => Capability.Sse,
        Profile.Access => Capability.Access,
        Profile.Metrics => Capability.Metrics,
        _ => null,
    };

    /// <summary>The name that files, reports and patterns use.</summary>
    public static string Name(this Capability capability) => capability.ToString().ToLowerInvariant();
}
