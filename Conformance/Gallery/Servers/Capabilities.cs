namespace PubSub.Conformance.Gallery.Servers;

/// <summary>What version 1.1 adds to the protocol; a server may have any part of it.</summary>
[Flags]
internal enum Capabilities
{
    /// <summary>A server of version 1.0.</summary>
    None = 0,

    /// <summary>A subscribe takes a position (SPEC, section 17).</summary>
    Resume = 1,

    /// <summary>Publish and read over HTTP (section 18).</summary>
    Http = 2,

    /// <summary>Server-Sent Events (section 19).</summary>
    Streams = 4,

    All = Resume | Http | Streams,
}

internal static class Offering
{
    public static Change Change(this Capabilities offers) => server => server.Offers = offers;

    /// <summary>Whether a requirement asks for what the server does not offer.</summary>
    public static bool Lacks(this Capabilities offers, string requirement) => !offers.HasFlag(requirement.Split('-')[1] switch
    {
        "RES" => Capabilities.Resume,
        "HTTP" => Capabilities.Http,
        "SSE" => Capabilities.Streams,
        _ => Capabilities.None,
    });
}
