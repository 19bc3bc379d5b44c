using System.Diagnostics;
using System.Text;
using PubSub.Conformance.Histories;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// A subscriber of one topic that loses its connection again and again, and each time goes on from its position, by the same or by another
/// door. Its position is that of the last event; before the first, that of the first ack. It is recorded in a history.
/// </summary>
internal sealed class ResumingClient(ReconnectRound round, TopicLoad topic, string name) : IResumable
{
    private readonly SubscriberRecorder _log = topic.History.Subscriber(name);
    private readonly byte[] _since = new byte[64];
    private int _sinceLength;
    private byte[] _epoch = [];
    private Connection? _connection;
    private Invocation? _asked;
    private long _begun;
    private long _newest; // the topic's newest message when it began to connect
    private bool _isBehind; // it has not caught up with that yet
    private bool _isTold; // that events are missing, and has received none since

    /// <summary>It has a connection, or is getting one.</summary>
    public bool IsHere => _connection is not null;

    /// <summary>The number of the last message that it has received; zero before the first.</summary>
    public long Last { get; private set; }

    public TopicLoad Topic => topic;

    /// <summary>Begins to connect.</summary>
    public void Come(bool bySocket)
    {
        var since = Encoding.ASCII.GetString(_since, 0, _sinceLength);
        var epoch = Encoding.ASCII.GetString(_epoch);
        var isResume = _sinceLength > 0;
        _asked = isResume ? _log.Resume(topic.Name, Timestamp.Ticks(_since.AsSpan(0, _sinceLength))) : _log.Subscribe(topic.Name);
        (_begun, _newest, _isBehind) = (Stopwatch.GetTimestamp(), topic.Published, isResume);
        if (bySocket)
        {
            _connection = new ResumingSocket(
                round.Loop, round.Server.Sockets, this, topic.Name, isResume ? since : null, isResume ? epoch : null);
        }
        else
        {
            _connection = new ResumingStream(
                round.Loop, round.Server.StreamOf(topic.Name), this, isResume ? $"{epoch}/{since}" : null);
        }
    }

    /// <summary>Breaks the connection off, by a reset or by a FIN.</summary>
    public void BreakOff(bool isReset)
    {
        _log.Cut();
        End(isReset);
    }

    /// <summary>Ends the connection when it has everything.</summary>
    public void Leave()
    {
        _log.Left();
        End(isReset: false);
    }

    /// <summary>Ends the connection, if there is one; the history does not matter any more.</summary>
    public void End(bool isReset)
    {
        if (isReset)
        {
            _connection?.Reset();
        }
        else
        {
            _connection?.Abandon();
        }

        _connection = null;
    }

    public bool IsSubscribed { get; private set; }

    public void Subscribed(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, bool isWhole)
    {
        _asked!.Acked(timestamp.IsEmpty || _connection is ResumingStream ? 0 : Timestamp.Ticks(timestamp));
        IsSubscribed = true;
        if (_sinceLength == 0)
        {
            Move(epoch, timestamp);
        }

        if (!isWhole)
        {
            Gap();
        }

        CatchUp();
    }

    public void Gap()
    {
        _log.Gap(topic.Name);
        _isTold = true;
        round.Told++;
    }

    public void Received(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, long id)
    {
        _log.Received(topic.Name, round.Names.Of(id), Timestamp.Ticks(timestamp));
        round.Received++;
        if (_isTold && Last > 0 && id == Last + 1)
        {
            throw new RunFailed($"{name} was told that events are missing after message {Last}, and received message {id} next");
        }

        (Last, _isTold) = (id, false);
        Move(epoch, timestamp);
        CatchUp();
    }

    private void Move(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp)
    {
        if (timestamp.Length is 0 or > 64)
        {
            throw new RunFailed($"{name} was told no position");
        }

        timestamp.CopyTo(_since);
        _sinceLength = timestamp.Length;
        if (!epoch.SequenceEqual(_epoch))
        {
            _epoch = epoch.ToArray();
        }
    }

    private void CatchUp()
    {
        if (_isBehind && Last >= _newest)
        {
            _isBehind = false;
            round.Resumes++;
            round.ToCaughtUp.Add(Stopwatch.GetTimestamp() - _begun);
        }
    }
}

/// <summary>One topic of a round: its messages are numbered from 1. Its history is judged alone.</summary>
internal sealed record TopicLoad(string Name)
{
    public HistoryRecorder History { get; } = new();

    public long Published { get; set; }
}
