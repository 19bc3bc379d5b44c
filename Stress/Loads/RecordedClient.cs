using PubSub.Conformance.Histories;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// A connection that is recorded in a history: its requests, the answers, the events, and its end.
/// </summary>
internal sealed class RecordedClient : IDisposable
{
    private readonly RecordedLoad _recorded;
    private readonly PubSubConnection _connection;
    private readonly HistoryRecorder _history;
    private readonly SubscriberRecorder _log;
    private readonly MessageNames _names;
    private readonly string _name;
    private readonly Queue<Action<string?>> _unanswered = [];
    private string? _publishesTo;
    private bool _subscribed;
    private long _probing;

    /// <summary>Begins to connect. Requests made meanwhile are sent once it is connected.</summary>
    public RecordedClient(RecordedLoad recorded, PubSubContender server, Loop loop, MessageNames names, string name)
    {
        (_recorded, _history, _names, _name) = (recorded, recorded.History, names, name);
        _log = _history.Subscriber(name);
        _connection = server.Begin(loop, recorded.PayloadBytes);
        _connection.MayEnd = true;
        _connection.Inbox = new Log(this);
        _connection.OnOtherTopic = Receive;
        _connection.OnAnswer = error => _unanswered.Dequeue()(error);
        _connection.OnTopicDeleted = Deleted;
        _connection.Ended = () => _log.Cut();
    }

    /// <summary>The topics it is subscribed to, by its own requests and the server's notices.</summary>
    public HashSet<string> Topics { get; } = [];

    /// <summary>The number of messages published when the last answered ping was sent: the server has sent all of them.</summary>
    public long Heard { get; set; }

    public long Received { get; private set; }

    public bool IsOpen => _connection.IsOpen;

    public bool IsIdle => _unanswered.Count == 0;

    public int Unanswered => _unanswered.Count;

    /// <summary>How the server ended the connection; null while it is open.</summary>
    public string? Ending => _connection.Ending;

    /// <summary>It was told that a topic was deleted; some servers then end the connection.</summary>
    public bool SawDeletion { get; private set; }

    public void Subscribe(string topic, int lastN)
    {
        var asked = _log.Subscribe(topic, lastN);
        Topics.Add(topic);
        if (!_subscribed)
        {
            // The first topic's events go to the inbox, which needs the topic's name.
            _subscribed = true;
            ((Log)_connection.Inbox!).Topic = topic;
        }

        _connection.Subscribe(topic, lastN);
        Expect(asked, _ => Topics.Remove(topic));
    }

    public void Unsubscribe(string topic)
    {
        var asked = _log.Unsubscribe(topic);
        Topics.Remove(topic);
        _connection.Unsubscribe(topic);
        Expect(asked);
    }

    public void Publish(string topic, long id)
    {
        var asked = _history.Publish(_name, topic, _names.Of(id));
        if (_publishesTo != topic)
        {
            _connection.PublishTo(topic);
            _publishesTo = topic;
        }

        _connection.Publish(id);
        Expect(asked);
    }

    /// <summary>Sends a ping. Its pong follows all events queued for this client, and then moves <see cref="Heard"/>.</summary>
    public void Probe(long published)
    {
        if (_probing == 0 && published > Heard && Ending is null)
        {
            _probing = published;
            _connection.Ping();
            _unanswered.Enqueue(_ => (Heard, _probing) = (Math.Max(Heard, _probing), 0));
            _connection.Flush();
        }
    }

    public void Flush() => _connection.Flush();

    /// <summary>Closes the connection in order. The history must have every event that the client is owed until then.</summary>
    public void Leave()
    {
        if (Ending is null)
        {
            _log.Left();
        }

        _connection.Dispose();
    }

    /// <summary>Resets the connection without a Close frame.</summary>
    public void BreakOff()
    {
        if (Ending is null)
        {
            _log.Cut();
        }

        _connection.Reset();
    }

    public void Dispose() => _connection.Dispose();

    private void Expect(Invocation asked, Action<string>? refused = null) => _unanswered.Enqueue(error =>
    {
        if (error is null)
        {
            asked.Acked();
        }
        else if (error is "TOPIC_NOT_FOUND" || (error is "LIMIT_EXCEEDED" && _recorded.MayBeRefused))
        {
            _recorded.Refused += error is "LIMIT_EXCEEDED" ? 1 : 0;
            asked.Refused();
            refused?.Invoke(error);
        }
        else
        {
            throw new RunFailed($"{_name} was refused with {error}");
        }
    });

    private void Receive(string topic, long id)
    {
        _log.Received(topic, _names.Of(id));
        Received++;
    }

    private void Deleted(string topic)
    {
        _log.TopicDeleted(topic);
        Topics.Remove(topic);
        SawDeletion = true;
    }

    private sealed class Log(RecordedClient client) : Inbox
    {
        public string Topic { get; set; } = "";

        public override void Take(long id) => client.Receive(Topic, id);
    }
}

/// <summary>The ids of messages as text, one string object for each id.</summary>
internal sealed class MessageNames
{
    private readonly Dictionary<long, string> _names = [];

    public string Of(long id)
    {
        if (!_names.TryGetValue(id, out var name))
        {
            _names[id] = name = Digits.Text(id);
        }

        return name;
    }
}
