namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Servers that answer at several roots, or at other paths.</summary>
internal static class Paths
{
    /// <param name="roots">The paths before <c>/topics</c>, <c>/health</c> and <c>/stats</c>; any path outside of them is 404.</param>
    /// <param name="sockets">The whole paths of the WebSocket.</param>
    public static Change At(IReadOnlyList<string> roots, IReadOnlyList<string> sockets) => server =>
    {
        server.Upgrade.IsAsked.Wrap(_ => request => sockets.Contains(request.Path));
        server.Rest.PathOf.Wrap(_ => request => roots
            .Where(root => request.Path.StartsWith($"{root}/", StringComparison.Ordinal))
            .OrderByDescending(root => root.Length)
            .Select(root => $"{server.Variation.Root}{request.Path[root.Length..]}")
            .FirstOrDefault(""));
    };
}
