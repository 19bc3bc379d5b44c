using System.Collections.Concurrent;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>The state of a probe: what it knows about the target so far, and how it connects to it.</summary>
internal sealed class ProbeSession(ProbeOptions options, TopicNames names, TimeProvider time, CancellationToken cancellation)
{
    private readonly ConcurrentBag<string> _unknown = [];

    public ProbeOptions Options => options;
    public TimeProvider Time => time;
    public CancellationToken Cancellation => cancellation;
    public Timeouts Timeouts { get; } = new Timeouts().For(TimeSpan.Zero, options.TimeoutScale);

    /// <summary>The candidates that answered, at least one; the first is used.</summary>
    public IReadOnlyList<RestCandidate> Rests { get; set; } = [];

    /// <inheritdoc cref="Rests"/>
    public IReadOnlyList<SocketCandidate> Sockets { get; set; } = [];

    /// <summary>The notice that subscribers of a deleted topic receive.</summary>
    public Answer? Notice { get; set; }

    /// <summary>The server acked a publish to the topic of the probe.</summary>
    public bool CanPublish { get; set; }

    public RestCandidate Rest => Rests[0];
    public SocketCandidate Socket => Sockets[0];
    public HttpAnswer? Health { get; set; }

    /// <summary>The target as far as it is known; each answer adds to it.</summary>
    public Target Target { get; set; } = Target.From(options.Url);

    public Dictionary<string, string> Fingerprint { get; } = [];

    /// <summary>Each difference from SPEC.md that the server turned out to need.</summary>
    public List<Finding> Accommodated { get; } = [];

    /// <summary>The topic of the probe, set before it is created and null once it is deleted.</summary>
    public string? Topic { get; private set; }

    /// <summary>The answer to the creation of <see cref="Topic"/>.</summary>
    public HttpAnswer? Created { get; private set; }

    public Rest RestOf(Target target) => new(target, Transcript(), cancellation);

    /// <summary>Opens a new connection; it is upgraded if the answer has the status 101.</summary>
    public async Task<(RawClient Client, HttpAnswer Answer)> ConnectAsync(Target target)
    {
        var client = await RawClient.OpenAsync("probe", target, Transcript(), new ConnectOptions(), cancellation);
        try
        {
            return (client, await client.HandshakeAsync());
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>A target at this root, as far as its owner declares it.</summary>
    public Target Plain(Uri root) => (Target.From(root, options.Dialect) with
    {
        Headers = options.Headers,
        Query = options.Query,
        Origin = options.Origin,
        Tls = options.Tls,
        Timeouts = Timeouts,
        Metrics = options.Metrics,
    }).With(options.Credentials).Accommodating(options.Accommodations ?? Accommodations.None);

    /// <summary>Applies these accommodations from now on, and records the finding.</summary>
    public void Accommodate(Accommodations accommodations, string what, string value, string evidence)
    {
        Target = Target.Accommodating(accommodations);
        Accommodated.Add(new(what, value, FindingSource.Accommodated, evidence));
    }

    private Transcript Transcript() => new(time, options.Traffic, DeathResult.Probe);

    /// <summary>The name of a topic that the probe does not create; if the server creates it, it is deleted at the end.</summary>
    public string UnknownTopic()
    {
        var name = names.Next("unknown");
        names.Journal?.Made(name);
        _unknown.Add(name);
        return name;
    }

    /// <summary>Deletes topics that the server created under names of <see cref="UnknownTopic"/>.</summary>
    public async Task DeleteUnknownAsync()
    {
        foreach (var name in _unknown)
        {
            await DeleteAsync(name);
        }
    }

    public async Task CreateTopicAsync()
    {
        if (Topic is null)
        {
            Topic = names.Next("probe");
            names.Journal?.Made(Topic);
        }

        Created = await RestOf(Target).CreateTopicAsync(Topic).IfAnswered();
    }

    /// <summary>Works for a cancelled probe too, because nothing else deletes its topic. Null without a topic or an answer.</summary>
    public async Task<HttpAnswer?> DeleteTopicAsync()
    {
        if (Topic is not { } topic)
        {
            return null;
        }

        Topic = null;
        return await DeleteAsync(topic);
    }

    private Task<HttpAnswer?> DeleteAsync(string name) => Cleanup.DeleteAsync(Target, name, names.Journal, Transcript());
}
