using System.Collections.Concurrent;

namespace PubSub.Conformance;

/// <summary>What a probe knows of a target so far, and the connections by which it asks for more.</summary>
internal sealed class ProbeSession(ProbeOptions options, TopicNames names, TimeProvider time, CancellationToken cancellation)
{
    private readonly ConcurrentQueue<string> _appeared = [];

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

    public string FreshName(string hint) => names.Next(hint);

    /// <summary>A topic of this name may have come into being by a request that named it.</summary>
    public void Appeared(string name)
    {
        names.Journal?.Made(name);
        _appeared.Enqueue(name);
    }

    /// <summary>Deletes those that have <see cref="Appeared"/>.</summary>
    public async Task ForgetAppearedAsync()
    {
        while (_appeared.TryDequeue(out var name))
        {
            await ForgetAsync(name);
        }
    }

    /// <summary>The name of a topic that the probe does not create; should one appear, the journal knows.</summary>
    public string UnknownTopic()
    {
        var name = names.Next("unknown");
        names.Journal?.Made(name);
        return name;
    }

    /// <summary>Deletes a topic that appeared under <see cref="UnknownTopic"/>, or forgets the name.</summary>
    public async Task ForgetAsync(string name)
    {
        if (await RestOf(Target).DeleteTopicAsync(name).IfAnswered() is { IsGone: true })
        {
            names.Journal?.Gone(name);
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
        using var limit = new CancellationTokenSource(Timeouts.Cleanup, time);
        try
        {
            var deleted = await new Rest(Target, Transcript(), limit.Token).DeleteTopicAsync(topic);
            if (deleted.IsGone)
            {
                names.Journal?.Gone(topic);
            }

            return deleted;
        }
        catch (Exception e) when (e is Violation or Interference or OperationCanceledException)
        {
            // The journal keeps it.
            return null;
        }
    }
}
