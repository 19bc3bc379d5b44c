namespace PubSub.Hosting.Protocol;

/// <summary>Methods of HTTP that paths have in common.</summary>
internal static class Methods
{
    /// <summary>Of everything that can be read (RFC 9110 §9.1).</summary>
    public static readonly string[] GetAndHead = ["GET", "HEAD"];
}
