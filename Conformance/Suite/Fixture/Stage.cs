using System.Collections.Concurrent;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// The fixture of one scenario: fresh names, clients and topics of its own, and the checks. Afterwards clients disconnect, topics are
/// deleted and servers end; a failure of that cleanup does not fail the scenario.
/// </summary>
public sealed class Stage : IAsyncDisposable
{
    internal const string NoLauncher = "needs a launcher, to start servers with settings of its own";

    private static readonly IReadOnlyDictionary<string, string> NoSettings = new Dictionary<string, string>();

    private const int PublishFrame = 400; // bytes around a payload, with a topic name of the suite
    private const int FewestRounds = 10;
    private const int DeletionsAtOnce = 8;
    private static readonly TimeSpan TrialTime = TimeSpan.FromSeconds(21);

    private readonly TopicNames _names;
    private readonly Launch? _launch;
    private readonly ConcurrentStack<IAsyncDisposable> _clients = [];
    private readonly ConcurrentBag<(Target Target, string Topic)> _topics = [];
    private readonly ConcurrentDictionary<string, bool> _disowned = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<LaunchedServer> _servers = [];
    private readonly Turns _turns;
    private LaunchedServer? _own;

    /// <param name="doors">The server under test through each of its doors; connections and requests take them in turn.</param>
    internal Stage(
        IReadOnlyList<Target> doors, Launch? launch, TopicNames names, Transcript transcript, CancellationToken cancellation)
    {
        _turns = new Turns(doors);
        Doors = doors;
        Target = doors[0];
        _launch = launch;
        _names = names;
        Transcript = transcript;
        Cancellation = cancellation;
        Expect = new Expect(Target, transcript.Time, cancellation);
        Rest = new Rest(doors, transcript, cancellation);
        Identities = new Identities(Target, names, transcript.Time);
    }

    /// <summary>The server under test, through the first of its doors.</summary>
    public Target Target { get; }

    /// <summary>The server through each of its doors.</summary>
    public IReadOnlyList<Target> Doors { get; }

    public Limits Limits => Target.Limits;
    public Expect Expect { get; }
    public Rest Rest { get; }

    /// <summary>For scenarios about access.</summary>
    public Identities Identities { get; }

    public Transcript Transcript { get; }
    public CancellationToken Cancellation { get; }
    public TimeProvider Time => Transcript.Time;

    /// <summary>The server launched for this scenario.</summary>
    /// <exception cref="InvalidOperationException">The scenario has no launch settings.</exception>
    public LaunchedServer Server
    {
        get => _own ?? throw new InvalidOperationException("The scenario names no settings to launch a server with.");
        internal set => _own = value;
    }

    /// <summary>A unique name. If a topic of that name exists afterwards, it is deleted.</summary>
    public string FreshName(string hint = "topic", Target? target = null)
    {
        var name = _names.Next(hint);
        Forget(name, target);
        return name;
    }

    /// <summary>
    /// A <c>client_id</c> that no other scenario uses, for two connections that share one.
    /// </summary>
    public string FreshClientId(string hint) => _names.Next(hint);

    /// <summary>Creates a topic with a fresh name, as a precondition.</summary>
    public async Task<string> TopicAsync(string hint = "topic", Target? target = null)
    {
        var name = FreshName(hint, target);
        await CreateAsync(name, target);
        return name;
    }

    /// <summary>Creates the topic of exactly this name, as a precondition; deletes it afterwards.</summary>
    public async Task CreateAsync(string name, Target? target = null)
    {
        Forget(name, target);
        var answer = await RestAt(target ?? Target).CreateTopicAsync(name).Given($"topic {name} is created");
        Require(answer.IsSuccess, $"topic {name} is created (the server answered {answer})", answer.Requirement);
    }

    /// <summary>Deletes the topic of this name afterwards, if it exists.</summary>
    public void Forget(string name, Target? target = null)
    {
        if (_topics.Contains((target ?? Target, name)))
        {
            return;
        }

        _topics.Add((target ?? Target, name));
        if (_own is null && (target is null || target == Target))
        {
            _names.Journal?.Made(name);
        }
    }

    /// <summary>The scenario has deleted the topic itself: a later topic of this name is not deleted.</summary>
    public void Disown(string name)
    {
        _disowned.TryAdd(name, true);
        _names.Journal?.Gone(name);
    }

    /// <summary>A connected polite client, as a precondition.</summary>
    public async Task<Client> ConnectAsync(string name, ConnectOptions? options = null)
    {
        var raw = await RawAsync(name, options);
        var client = new Client(raw, FreshClientId(name), options?.Target ?? Target, this);
        _clients.Push(client);
        return client;
    }

    /// <summary>A connected client with an acked subscription, as a precondition.</summary>
    public async Task<Client> SubscriberAsync(string name, string topic, int? lastN = null, ConnectOptions? options = null)
    {
        var client = await ConnectAsync(name, options);
        await client.SubscribeAsync(topic, lastN).Acked();
        return client;
    }

    /// <summary>A connected rude client, as a precondition; upgraded unless the options say otherwise.</summary>
    public async Task<RawClient> RawAsync(string name, ConnectOptions? options = null)
    {
        options ??= new ConnectOptions();

        // A handshake that the scenario writes itself names the host of the first door.
        var door = options.Target ?? (options is { Handshake: true, Headers.Count: 0 } ? _turns.Next() : Target);
        var raw = await RawClient.OpenAsync(name, door, Transcript, options, Cancellation)
            .Given($"{name} is connected");
        _clients.Push(raw);
        if (options.Handshake)
        {
            var blames = options.Headers.Count == 0 ? options.Blames : null;
            var answer = await raw.HandshakeAsync().Given($"{name} is upgraded to WebSocket", blames);
            Require(answer.Status == 101, $"{name} is upgraded to WebSocket (the server answered {answer})", blames);
        }

        return raw;
    }

    /// <summary>A reader of a stream of the topic that has begun, as a precondition.</summary>
    /// <param name="query">Begins with a question mark, or is empty.</param>
    public async Task<StreamClient> StreamAsync(string name, string topic, string query = "", ConnectOptions? options = null)
    {
        var raw = await RawStreamAsync(name, topic, query, options);
        Require(raw.Answer.Status == 200, $"{name} is answered with a stream (the server answered {raw.Answer})", "PS-SSE-001");
        var client = new StreamClient(raw, options?.Target ?? Target, this);
        _clients.Push(client);
        await client.BegunAsync().Given($"the stream of {name} begins", "PS-SSE-001");
        return client;
    }

    /// <summary>A rude reader of a stream, with any answer to its request.</summary>
    public async Task<RawStreamClient> RawStreamAsync(string name, string topic, string query = "", ConnectOptions? options = null)
    {
        options ??= new ConnectOptions();
        var raw = await RestAt(options.Target ?? Target).StreamAsync(name, topic, query, options)
            .Given($"the request of {name} is answered", "PS-SSE-001");
        _clients.Push(raw);
        return raw;
    }

    /// <summary>The server for a client with this credential, or none; the doors are taken in turn.</summary>
    public Target As(Credential? credential) => _turns.Next().As(credential);

    public Rest RestAt(Target target) => target == Target ? Rest : new Rest(target, Transcript, Cancellation);

    /// <summary>Launches one more server with these settings. It may end at once: see <see cref="LaunchedServer.Listened"/>.</summary>
    public async Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        settings ??= NoSettings;
        if (_launch is null)
        {
            throw new Unsupported(NoLauncher);
        }

        Transcript.Note("launcher", $"starting a server with {Describe(settings)}");
        var server = await _launch(settings, Cancellation);
        _servers.Add(server);
        Transcript.Note("launcher", server.Listened ? $"listening at {server.Target.Rest}" : $"it did not listen: {server.Tail()}");
        return server;
    }

    /// <summary>A precondition; if it does not hold, the scenario is inconclusive.</summary>
    /// <param name="blames">The requirement that is then broken, if any.</param>
    public void Require(bool holds, string precondition, string? blames = null)
    {
        if (!holds)
        {
            throw new Inconclusive($"not established: {precondition}", blames);
        }

        Transcript.Note("stage", $"established: {precondition}");
    }

    /// <summary>Something that the target may legitimately lack; without it the scenario is unsupported.</summary>
    public void Supports(bool offered, string what)
    {
        if (!offered)
        {
            throw new Unsupported($"the target does not offer {what}");
        }

        Transcript.Note("stage", $"offered: {what}");
    }

    /// <summary>The target has this capability.</summary>
    public bool Has(Capability capability) => !Target.Lacks.Contains(capability);

    /// <summary>A publish with a payload of this many bytes is within the message limit of the target.</summary>
    public bool Takes(int payload) => payload + PublishFrame <= Limits.MessageBytes;

    /// <summary>Requires that the target dates its messages, which some dialects leave open.</summary>
    public void RequireDated(ServerMessage message) => Supports(!message.IsUndated, "timestamps, which its dialect leaves to it");

    /// <summary>
    /// The number of rounds to run: as many as wanted, but no more than a distant target can serve in <see cref="TrialTime"/> at this many
    /// round trips each. Never fewer than <see cref="FewestRounds"/>, unless fewer are wanted.
    /// </summary>
    public int Rounds(int wanted, int roundTrips)
    {
        var most = Target.RoundTrip > TimeSpan.Zero ? TrialTime / (Target.RoundTrip * roundTrips) : wanted;
        var rounds = (int)Math.Clamp(most, Math.Min(wanted, FewestRounds), wanted);
        if (rounds < wanted)
        {
            Transcript.Note("stage", $"{rounds} rounds instead of {wanted}, because the target is far away");
        }

        return rounds;
    }

    public async ValueTask DisposeAsync()
    {
        Transcript.Close();
        foreach (var client in _clients)
        {
            await TryAsync(() => client.DisposeAsync().AsTask());
        }

        using var limit = new CancellationTokenSource(Target.Timeouts.Cleanup);
        var left = _topics.Where(entry => !IsLaunched(entry.Target) && !_disowned.ContainsKey(entry.Topic));
        foreach (var some in left.Chunk(DeletionsAtOnce))
        {
            var deleted = await Task.WhenAll(some.Select(entry => DeleteAsync(entry.Target, entry.Topic, limit.Token)));
            if (!deleted.Any(answered => answered))
            {
                // The server does not answer.
                break;
            }
        }

        foreach (var server in _servers)
        {
            await TryAsync(() => server.DisposeAsync().AsTask());
        }
    }

    internal static string Describe(IReadOnlyDictionary<string, string> settings) =>
        settings.Count == 0 ? "its defaults" : string.Join(' ', settings.Select(setting => $"{setting.Key}={setting.Value}"));

    /// <summary>False when there was no answer.</summary>
    private async Task<bool> DeleteAsync(Target target, string topic, CancellationToken limit)
    {
        HttpAnswer? answer = null;
        var answered = await TryAsync(async () => answer = await new Rest(target, Transcript, limit).DeleteTopicAsync(topic));

        // If the server refused the name, the listing at the end of the run shows whether the topic exists.
        if (answer is { IsGone: true })
        {
            _names.Journal?.Gone(topic);
        }

        return answered;
    }

    // The topics of a launched server need no deletion: they end with it.
    private bool IsLaunched(Target target) =>
        (_own is not null && target == Target) || _servers.Any(server => server.Listened && server.Target == target);

    private static async Task<bool> TryAsync(Func<Task> act)
    {
        try
        {
            await act();
            return true;
        }
        catch (Exception e) when (e is Violation or Interference or OperationCanceledException or TimeoutException
            or IOException or InvalidOperationException)
        {
            // Cleanup never decides a scenario.
            return false;
        }
    }
}
