using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>
/// Finds <c>/health</c> and <c>/stats</c>, which are not always beside <c>/topics</c>, and the paths that have to end with a slash.
/// </summary>
internal static class PlaceSearch
{
    private const string LeanHealthPath = "/healthz";

    /// <summary>Finds the paths that the server redirects to the same path with a trailing slash. Needs a topic.</summary>
    public static async Task AskSlashesAsync(ProbeSession probe)
    {
        if (probe.Options.Accommodations is not null)
        {
            return;
        }

        foreach (var (kind, path) in (IEnumerable<(string, string)>)
            [
                (RestPaths.Health, RestPaths.Health),
                (RestPaths.Stats, RestPaths.Stats),
                .. probe.Topic is { } topic ? new[] { (RestPaths.NamedTopic, Rest.TopicPath(topic)) } : [],
            ])
        {
            if (!probe.Target.Accommodations.Slashes.Contains(kind)
                && await probe.RestOf(probe.Target).SendAsync("GET", path).IfAnswered() is { } answer
                && answer.Redirect(probe.Target.Rest)?.AbsolutePath.EndsWith($"{path}/", StringComparison.Ordinal) == true)
            {
                Require(probe, kind, $"GET {path} was answered {answer.Status}, to the same path with a slash");
            }
        }
    }

    /// <summary>Makes all paths of this kind end with a slash from now on.</summary>
    public static void Require(ProbeSession probe, string kind, string evidence)
    {
        var wants = probe.Target.Accommodations;
        probe.Accommodate(wants with { Slashes = [.. wants.Slashes, kind] }, $"path {kind}", "with a slash at its end", evidence);
    }

    /// <summary>The URL at which <c>/health</c> answers; sets <see cref="ProbeSession.Health"/>.</summary>
    public static async Task<Answer?> AskHealthAsync(ProbeSession probe)
    {
        var (place, answer, evidence) = await FindAsync(probe, probe.Options.Health, [RestPaths.Health, LeanHealthPath]);
        probe.Health = answer;
        probe.Target = probe.Target with { Health = place };
        return Said(place, evidence, probe.Options.Health is not null);
    }

    /// <summary>The URL at which <c>/stats</c> answers.</summary>
    public static async Task<Answer?> AskStatsAsync(ProbeSession probe)
    {
        var (place, _, evidence) = await FindAsync(probe, probe.Options.Stats, [RestPaths.Stats]);
        probe.Target = probe.Target with { Stats = place };
        return Said(place, evidence, probe.Options.Stats is not null);
    }

    private static Answer? Said(Uri? place, string evidence, bool isDeclared) => place is null && evidence.Length == 0
        ? null
        : new(place?.AbsoluteUri ?? "not found", evidence, isDeclared ? FindingSource.Declared : FindingSource.Probed);

    /// <summary>The place is null for the one beside <c>/topics</c>; the evidence is empty if that one answers.</summary>
    private static async Task<(Uri? Place, HttpAnswer? Answer, string Evidence)> FindAsync(
        ProbeSession probe, Uri? declared, string[] names)
    {
        if (declared is not null)
        {
            return (declared, await AskAsync(probe, declared), "given");
        }

        var usual = await probe.RestOf(probe.Target).SendAsync("GET", names[0]).IfAnswered();
        if (usual is { IsSuccess: true } or null)
        {
            return (null, usual, "");
        }

        foreach (var place in Places(probe.Target.Rest, names))
        {
            if (await AskAsync(probe, place) is { IsSuccess: true, Json.ValueKind: System.Text.Json.JsonValueKind.Object } answer)
            {
                return (place, answer, $"it answered; GET {names[0]} beside {RestPaths.Topics} was answered {usual.Status}");
            }
        }

        return (null, usual, $"GET {names[0]} beside {RestPaths.Topics} was answered {usual.Status}, and no other place is known");
    }

    private static Task<HttpAnswer?> AskAsync(ProbeSession probe, Uri place) =>
        probe.RestOf(probe.Target with { Health = place }).SendAsync("GET", RestPaths.Health).IfAnswered();

    // All levels above the REST interface, then the usual prefixes.
    private static IEnumerable<Uri> Places(Uri rest, string[] names)
    {
        var parts = rest.AbsolutePath.Trim('/').Split('/', StringSplitOptions.RemoveEmptyEntries);
        var above = Enumerable.Range(0, parts.Length + 1).Reverse()
            .Select(count => string.Concat(parts.Take(count).Select(part => $"/{part}")));
        return above.Concat(Discovery.UsualPrefixes).Distinct()
            .SelectMany(prefix => names.Select(name => new UriBuilder(rest) { Path = prefix + name }.Uri))
            .Where(place => place.AbsolutePath != rest.AbsolutePath.TrimEnd('/') + names[0]);
    }
}
