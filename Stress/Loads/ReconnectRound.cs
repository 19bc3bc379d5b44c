using System.Diagnostics;
using PubSub.Conformance.Histories;
using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>What clients that reconnect are put through.</summary>
/// <param name="Clients">Subscribers, each of one topic.</param>
/// <param name="Topics">A tenth of them get half of the messages, so that their rings are too short for clients that are long away.</param>
/// <param name="Rate">Messages per second over all topics, whether or not the server keeps up.</param>
/// <param name="Share">How many of the clients lose their connection each second.</param>
/// <param name="Away">The longest time until a client comes back.</param>
/// <param name="Doors">By which doors they come, at random.</param>
internal sealed record ReconnectLoad(int Clients, int Topics, double Rate, double Share, TimeSpan Away, Doors Doors);

internal enum Doors
{
    Ws,
    Sse,
    Both,
}

/// <summary>
/// Some time of clients that lose their connections and come back, while one publisher publishes at a fixed rate. The history checker
/// judges each topic at the end: nothing lost untold, nothing twice, all in order.
/// </summary>
internal sealed class ReconnectRound : IDisposable
{
    private const int PayloadBytes = 100;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(30);

    private readonly ReconnectLoad _load;
    private readonly Random _random;
    private readonly TopicLoad[] _topics;
    private readonly ResumingClient[] _clients;
    private readonly StampedPublisher _publisher;
    private readonly PriorityQueue<ResumingClient, double> _away = new();

    public ReconnectRound(PubSubContender server, ReconnectLoad load, Random random)
    {
        (Server, _load, _random) = (server, load, random);
        _topics = [.. Enumerable.Range(0, load.Topics).Select(_ => new TopicLoad($"reconnect-{Guid.NewGuid():N}"))];
        foreach (var topic in _topics)
        {
            var creation = topic.History.Create(topic.Name);
            server.CreateTopic(topic.Name);
            creation.Acked();
        }

        _publisher = new StampedPublisher(Loop, server.Sockets, PayloadBytes);
        _clients =
        [
            .. Enumerable.Range(0, load.Clients).Select(n => new ResumingClient(this, _topics[n % load.Topics], $"client {n + 1}")),
        ];
    }

    public Loop Loop { get; } = new();

    public PubSubContender Server { get; }

    public MessageNames Names { get; } = new();

    /// <summary>Clients that came back and have caught up.</summary>
    public long Resumes { get; set; }

    /// <summary>Losses that clients were told of.</summary>
    public long Told { get; set; }

    public long Received { get; set; }

    public long Published => _topics.Sum(topic => topic.Published);

    /// <summary>From the beginning of the connect to the message that was the topic's newest then.</summary>
    public Latencies ToCaughtUp { get; } = new();

    /// <summary>Lets all clients come, each for the first time.</summary>
    public void Gather()
    {
        const int atATime = 100;
        for (var n = 0; n < _clients.Length; n += atATime)
        {
            var some = _clients[n..Math.Min(n + atATime, _clients.Length)];
            Array.ForEach(some, Come);
            Loop.Until(() => Array.TrueForAll(some, client => client.IsSubscribed), Settling, "for clients to be subscribed");
        }
    }

    public void Run(TimeSpan length)
    {
        var start = Stopwatch.GetTimestamp();
        var (dropped, before) = (0L, Published);
        for (var now = 0.0; now < length.TotalSeconds; now = Stopwatch.GetElapsedTime(start).TotalSeconds)
        {
            for (var due = (long)(now * _load.Rate) - (Published - before); due > 0; due--)
            {
                Publish(_topics[PickTopic()]);
            }

            _publisher.Flush();
            for (; dropped < now * _load.Share * _clients.Length; dropped++)
            {
                var client = _clients[_random.Next(_clients.Length)];
                if (client.IsHere)
                {
                    client.BreakOff(_random.Next(2) == 0);
                    _away.Enqueue(client, now + (_random.NextDouble() * _load.Away.TotalSeconds));
                }
            }

            while (_away.TryPeek(out var client, out var back) && back <= now)
            {
                _away.Dequeue();
                Come(client);
            }

            Loop.Turn(1);
        }
    }

    /// <summary>Lets all come back and catch up, and then judges what they received.</summary>
    public void Judge()
    {
        while (_away.TryDequeue(out var client, out _))
        {
            Come(client);
        }

        Array.ForEach(_topics, Publish); // one more each: a client that has it has all that is there
        _publisher.Flush();
        string? late = null;
        try
        {
            Loop.Until(
                () => _publisher.Unanswered == 0 && Array.TrueForAll(_clients, client => client.Last == client.Topic.Published),
                Settling,
                "for every client to catch up");
        }
        catch (RunFailed e)
        {
            late = e.Message;
        }

        Array.ForEach(_clients, client => client.Leave());
        foreach (var topic in _topics)
        {
            var anomalies = HistoryChecker.Check(topic.History.ToHistory(), Server.Retained);
            if (anomalies.Count > 0)
            {
                var kinds = string.Join(", ", anomalies.Select(anomaly => anomaly.Kind).Distinct());
                throw new RunFailed($"{anomalies.Count} anomalies or more ({kinds}), first {anomalies[0]}");
            }

            Server.DeleteTopic(topic.Name);
        }

        if (late is not null)
        {
            throw new RunFailed(late);
        }
    }

    public void Dispose()
    {
        Array.ForEach(_clients, client => client.Dispose());
        Loop.Dispose();
    }

    private void Come(ResumingClient client) => client.Come(_load.Doors switch
    {
        Doors.Ws => true,
        Doors.Sse => false,
        _ => _random.Next(2) == 0,
    });

    private void Publish(TopicLoad topic)
    {
        var id = ++topic.Published;
        var asked = topic.History.Publish("publisher", topic.Name, Names.Of(id));
        _publisher.Publish(topic.Name, id, asked.Acked);
    }

    private int PickTopic() => _random.Next(2) == 0 ? _random.Next((_topics.Length + 9) / 10) : _random.Next(_topics.Length);
}
