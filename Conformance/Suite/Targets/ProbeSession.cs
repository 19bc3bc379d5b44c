using System.Collections.Concurrent;

namespace PubSub.Conformance;

/// <summary>What a probe knows of a target so far, and the connections by which it asks for more.</summary>
internal sealed class ProbeSession(ProbeOptions options, TopicNames names, TimeProvider time, CancellationToken cancellation)
{
    private readonly ConcurrentBag<string> _unknown = [];

    public ProbeOptions Options => options;
    public TimeProvider Time => time;
    public CancellationToken Cancellation => cancellation;
    public Timeouts Timeouts { get; } = new Timeouts().For(TimeSpan.Zero, options.TimeoutScale);

    /// <summary>At least one, the one in use first.</summary>
    public IReadOnlyList<RestCandidate> Rests { get; set; } = [];

    /// <inheritdoc cref="Rests"/>
    public IReadOnlyList<SocketCandidate> Sockets { get; set; } = [];

    /// <summary>What the subscribers of a deleted topic are sent.</summary>
    public Answer? Notice { get; set; }

    /// <summary>A publish to the topic of the probe was acked.</summary>
    public bool CanPublish { get; set; }

    public RestCandidate Rest => Rests[0];
    public SocketCandidate Socket => Sockets[0];
    public HttpAnswer? Health { get; set; }

    /// <summary>The target by what is known of it; answers complete it.</summary>
    public Target Target { get; set; } = Target.From(options.Url);

    public Dictionary<string, string> Fingerprint { get; } = [];

    /// <summary>What the server turned out to want otherwise, one by one.</summary>
    public List<Finding> Accommodated { get; } = [];

    /// <summary>The topic of the probe, from before it is created until it is deleted.</summary>
    public string? Topic { get; private set; }

    /// <summary>The answer to the creation of <see cref="Topic"/>.</summary>
    public HttpAnswer? Created { get; private set; }

    public Rest RestOf(Target target) => new(target, Transcript(), cancellation);

    /// <summary>A connection of the probe's own, upgraded if the server is willing.</summary>
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

    /// <summary>A target at this root by what its owner declares.</summary>
    public Target Plain(Uri root) => (Target.From(root, options.Dialect) with
    {
        Headers = options.Headers,
        Query = options.Query,
        Origin = options.Origin,
        Tls = options.Tls,
        Timeouts = Timeouts,
    }).Accommodating(options.Accommodations ?? Accommodations.None);

    /// <summary>From now on the server is spoken to in this way.</summary>
    public void Accommodate(Accommodations accommodations, string what, string value, string evidence)
    {
        Target = Target.Accommodating(accommodations);
        Accommodated.Add(new(what, value, FindingSource.Accommodated, evidence));
    }

    private Transcript Transcript() => new(time, options.Traffic, DeathResult.Probe);

    /// <summary>The name of a topic that the probe does not create; should one appear all the same, it is deleted at the end.</summary>
    public string UnknownTopic()
    {
        var name = names.Next("unknown");
        names.Journal?.Made(name);
        _unknown.Add(name);
        return name;
    }

    /// <summary>Deletes what appeared under <see cref="UnknownTopic"/>.</summary>
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

    /// <summary>Also for a probe that was cancelled: nothing else deletes its topic. Null without a topic or an answer.</summary>
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
