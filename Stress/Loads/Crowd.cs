using System.Diagnostics;
using PubSub.Conformance.Histories;

namespace PubSub.Stress;

/// <summary>
/// Several publishers, and subscribers that come and go, over some topics; all of it goes into a history, which is judged at the end.
/// </summary>
/// <remarks>
/// The publishers are never more than <see cref="MostAhead"/> messages ahead of what any member is known to have been sent: a pong
/// stands behind all that was queued before it. What was under way when the ping arrived may come behind the pong, hence at most
/// twice as many are outstanding, which is less than the bound of a server with default settings: nobody who reads may be cut.
/// </remarks>
internal sealed class Crowd : IDisposable
{
    private const int MostAhead = 45;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private readonly Loop _loop;
    private readonly PubSubContender _server;
    private readonly MessageNames _names = new();
    private readonly RecordedClient[] _publishers;
    private readonly List<RecordedClient> _members = [];
    private readonly Random _random;
    private int _admitted;

    public Crowd(Loop loop, PubSubContender server, string[] topics, int publishers, Random random, int payloadBytes = 100)
    {
        (_loop, _server, Topics, _random, PayloadBytes) = (loop, server, topics, random, payloadBytes);
        foreach (var topic in topics)
        {
            var creation = History.Create(topic);
            server.CreateTopic(topic);
            creation.Acked();
        }

        _publishers = [.. Enumerable.Range(1, publishers).Select(n => new RecordedClient(this, server, loop, _names, $"publisher {n}"))];
    }

    public string[] Topics { get; }

    /// <summary>Of each message.</summary>
    public int PayloadBytes { get; }

    /// <summary>A request may be refused with LIMIT_EXCEEDED: it then has no effect.</summary>
    public bool MayBeRefused { get; init; }

    /// <summary>Requests that were refused with LIMIT_EXCEEDED, of members that are gone too.</summary>
    public long Refused { get; set; }

    public HistoryRecorder History { get; } = new();

    public IReadOnlyList<RecordedClient> Members => _members;

    /// <summary>Messages of all publishers.</summary>
    public long Published { get; private set; }

    /// <summary>Events of all members, those that are gone included.</summary>
    public long Received => _members.Sum(member => member.Received) + _receivedByGone;

    private long _receivedByGone;

    /// <summary>A new member; what it asks for is its own business.</summary>
    public RecordedClient Admit()
    {
        var member = new RecordedClient(this, _server, _loop, _names, $"subscriber {++_admitted}") { Heard = Published };
        _members.Add(member);
        return member;
    }

    /// <summary>No longer a member; the caller has ended it.</summary>
    public void Dismiss(RecordedClient member)
    {
        _receivedByGone += member.Received;
        _members.Remove(member);
    }

    /// <summary>Publishes at most so many messages, as there is room, to topics at random.</summary>
    public void Publish(int most)
    {
        foreach (var member in _members)
        {
            member.Probe(Published);
        }

        var heard = _members.Count == 0 ? Published : _members.Min(member => member.Heard);
        var room = Math.Min(most, MostAhead - Math.Max(Published - heard, _publishers.Sum(publisher => publisher.Unanswered)));
        for (; room > 0; room--)
        {
            _publishers[_random.Next(_publishers.Length)].Publish(Topics[_random.Next(Topics.Length)], ++Published);
        }

        Array.ForEach(_publishers, publisher => publisher.Flush());
    }

    /// <summary>Waits until everything is answered and a pong stands behind the last message of every member.</summary>
    public void Drain()
    {
        _loop.Until(
            () => Array.TrueForAll(_publishers, publisher => publisher.Ending is null
                ? publisher.IsIdle
                : throw new RunFailed($"a publisher was ended: {publisher.Ending}")),
            AnswerTimeout,
            "for every publish to be answered");
        Published++; // a number that no message has, so that each member is asked once more
        _loop.Until(
            () =>
            {
                _members.ForEach(member => member.Probe(Published));
                return _members.TrueForAll(member => member.Ending is null
                    ? member.Heard >= Published && member.IsIdle
                    : member.SawDeletion ? true : throw new RunFailed($"a subscriber that reads, and whose topics are still there, was ended: {member.Ending}"));
            },
            AnswerTimeout,
            "for a pong behind every member's last event");
        Published--;
    }

    /// <summary>Fails when the server cannot have been right.</summary>
    public void Judge()
    {
        var anomalies = HistoryChecker.Check(History.ToHistory(), _server.Retained);
        if (anomalies.Count > 0)
        {
            var kinds = string.Join(", ", anomalies.Select(anomaly => anomaly.Kind).Distinct());
            throw new RunFailed($"{anomalies.Count} anomalies or more ({kinds}), first {anomalies[0]}");
        }
    }

    /// <summary>Turns, and publishes at this rate at most, until a moment of <see cref="Stopwatch"/>.</summary>
    public void Run(TimeSpan length, double mostPerSecond, Action act)
    {
        var start = Stopwatch.GetTimestamp();
        var before = Published;
        for (var now = TimeSpan.Zero; now < length; now = Stopwatch.GetElapsedTime(start))
        {
            act();
            Publish((int)Math.Min(int.MaxValue, (now.TotalSeconds * mostPerSecond) - (Published - before)));
            _loop.Turn(1);
        }
    }

    public void Dispose()
    {
        Array.ForEach(_publishers, publisher => publisher.Dispose());
        _members.ForEach(member => member.Dispose());
    }
}
