using System.Diagnostics;
using PubSub.Conformance.Histories;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;

namespace PubSub.Stress.Loads;

/// <summary>
/// Several publishers, and subscribers that come and go, over some topics. Everything is recorded in a history, which is judged at
/// the end.
/// </summary>
/// <remarks>
/// The publishers are never more than <see cref="MostAhead"/> messages ahead of what any member is known to have been sent: a pong
/// follows all events queued before it. Events under way when the ping arrived may follow the pong, so at most twice as many are
/// outstanding. That is less than the bound of a server with default settings, so the server may not cut a member that reads.
/// </remarks>
internal sealed class RecordedLoad : IDisposable
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

    public RecordedLoad(Loop loop, PubSubContender server, string[] topics, int publishers, Random random, int payloadBytes = 100)
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

    /// <summary>The length of each payload.</summary>
    public int PayloadBytes { get; }

    /// <summary>The server may refuse a request with LIMIT_EXCEEDED; the request then has no effect.</summary>
    public bool MayBeRefused { get; init; }

    /// <summary>Requests refused with LIMIT_EXCEEDED, including those of former members.</summary>
    public long Refused { get; set; }

    public HistoryRecorder History { get; } = new();

    public IReadOnlyList<RecordedClient> Members => _members;

    /// <summary>Messages of all publishers.</summary>
    public long Published { get; private set; }

    /// <summary>Events of all members, including former ones.</summary>
    public long Received => _members.Sum(member => member.Received) + _receivedByGone;

    private long _receivedByGone;

    /// <summary>Connects a new member, without subscriptions.</summary>
    public RecordedClient Admit()
    {
        var member = new RecordedClient(this, _server, _loop, _names, $"subscriber {++_admitted}") { Heard = Published };
        _members.Add(member);
        return member;
    }

    /// <summary>Removes a member that the caller has ended.</summary>
    public void Dismiss(RecordedClient member)
    {
        _receivedByGone += member.Received;
        _members.Remove(member);
    }

    /// <summary>Publishes at most this many messages, as far as there is room, to random topics.</summary>
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

    /// <summary>Waits until everything is answered and every member has received a pong behind its last event.</summary>
    public void Drain()
    {
        _loop.Until(
            () => Array.TrueForAll(_publishers, publisher => publisher.Ending is null
                ? publisher.IsIdle
                : throw new RunFailed($"a publisher was ended: {publisher.Ending}")),
            AnswerTimeout,
            "for every publish to be answered");
        Published++; // a number that no message has, so that each member is probed once more
        _loop.Until(
            () =>
            {
                _members.ForEach(member => member.Probe(Published));
                return _members.TrueForAll(member => member.Ending is null
                    ? member.Heard >= Published && member.IsIdle
                    : member.SawDeletion
                        ? true
                        : throw new RunFailed($"a subscriber that reads, and whose topics still exist, was ended: {member.Ending}"));
            },
            AnswerTimeout,
            "for a pong behind every member's last event");
        Published--;
    }

    /// <summary>Fails if the history checker finds an anomaly.</summary>
    public void Judge()
    {
        var anomalies = HistoryChecker.Check(History.ToHistory(), _server.Retained);
        if (anomalies.Count > 0)
        {
            var kinds = string.Join(", ", anomalies.Select(anomaly => anomaly.Kind).Distinct());
            throw new RunFailed($"{anomalies.Count} anomalies or more ({kinds}), first {anomalies[0]}");
        }
    }

    /// <summary>Turns for this long, calls <paramref name="act"/> in each turn, and publishes at this rate at most.</summary>
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
