using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>
/// A correct server and its clients. Each small step, of a client or of the server, is chosen at random, so requests overlap in every way.
/// The same seed gives the same history.
/// </summary>
internal sealed class Simulation
{
    private readonly Random _random;
    private readonly HistoryRecorder _recorder = new();
    private readonly Dictionary<string, Topic> _topics = [];
    private readonly string[] _names;
    private readonly List<Publisher> _publishers;
    private readonly List<Subscriber> _subscribers;
    private readonly Queue<(string Topic, bool Create, Invocation Invocation)> _changes = [];
    private readonly Queue<Action> _changeAnswers = [];
    private readonly Queue<Subscriber> _gone = [];
    private readonly bool _withDeletions;
    private readonly bool _withEndings;
    private readonly bool _withResumes;
    private readonly bool _acksLast;
    private readonly int _pipelined;
    private int _published;
    private long _clock;

    private Simulation(int seed, bool withDeletions, bool withEndings, bool withResumes, bool acksLast)
    {
        _random = new(seed);
        _names = [.. Enumerable.Range(1, _random.Next(1, 4)).Select(n => $"topic-{n}")];
        _publishers = [.. Enumerable.Range(1, _random.Next(1, 5)).Select(n => new Publisher($"publisher-{n}"))];
        _subscribers = [.. Enumerable.Range(1, _random.Next(1, 7)).Select(n => new Subscriber($"reader-{n}", _recorder))];
        (_withDeletions, _withEndings, _withResumes, _acksLast) = (withDeletions, withEndings, withResumes, acksLast);
        _pipelined = _random.Next(1, 5);
        Retained = _random.Next(1, 8);
        Array.ForEach(_names, name => _topics[name] = new(NextStamp()));
    }

    public int Retained { get; }

    public static (History History, int Retained) Run(
        int seed,
        bool withDeletions = true,
        bool withEndings = true,
        bool withResumes = false,
        bool acksLast = false,
        int steps = 600)
    {
        var simulation = new Simulation(seed, withDeletions, withEndings, withResumes, acksLast);
        for (var step = 0; step < steps; step++)
        {
            simulation.Invoke();
            for (var more = simulation._random.Next(4); more > 0; more--)
            {
                simulation.Go();
            }
        }

        simulation.Drain();
        return (simulation._recorder.ToHistory(), simulation.Retained);
    }

    /// <summary>A client asks for something, or leaves.</summary>
    private void Invoke()
    {
        var subscriber = _subscribers[_random.Next(_subscribers.Count)];
        var topic = _names[_random.Next(_names.Length)];
        switch (_random.Next(100))
        {
            case < 60:
                var publisher = _publishers[_random.Next(_publishers.Count)];
                if (publisher.Sent.Count + publisher.Answers.Count < _pipelined)
                {
                    var id = $"m{++_published}";
                    publisher.Sent.Enqueue((topic, id, _recorder.Publish(publisher.Name, topic, id)));
                }

                break;
            case < 80 when _withResumes && subscriber.Positions.TryGetValue(topic, out var since):
                subscriber.Sent.Enqueue((topic, 0, since, subscriber.Log.Resume(topic, since)));
                break;
            case < 80:
                var lastN = _random.Next(3) > 0 ? _random.Next(12) : 0;
                subscriber.Sent.Enqueue((topic, lastN, 0, subscriber.Log.Subscribe(topic, lastN)));
                break;
            case < 90:
                subscriber.Sent.Enqueue((topic, null, 0, subscriber.Log.Unsubscribe(topic)));
                break;
            case < 93 when _withDeletions && _changes.Count < 2:
                var create = !_topics.ContainsKey(topic);
                _changes.Enqueue((topic, create, create ? _recorder.Create(topic) : _recorder.Delete(topic)));
                break;
            case 94 when _withEndings:
                // Cut: the server forgets the subscriber at once, and some events that it had sent are lost.
                Forget(subscriber);
                while (subscriber.Arriving.Count > 0 && _random.Next(5) > 0)
                {
                    subscriber.Arriving.Dequeue()();
                }

                subscriber.Arriving.Clear();
                subscriber.Log.Cut();
                break;
            case 95 when _withEndings && subscriber.Arriving.Count == 0 && subscriber.Sent.Count == 0:
                // Left: the server notices only later.
                subscriber.Log.Left();
                _subscribers[_subscribers.IndexOf(subscriber)] = new(subscriber.Name, _recorder);
                _gone.Enqueue(subscriber);
                break;
        }
    }

    /// <summary>A request has its effect, or an answer or an event arrives.</summary>
    private void Go()
    {
        var publisher = _publishers[_random.Next(_publishers.Count)];
        var subscriber = _subscribers[_random.Next(_subscribers.Count)];
        switch (_random.Next(7))
        {
            case 0 when publisher.Sent.TryDequeue(out var publish):
                Publish(publisher, publish.Topic, publish.Id, publish.Invocation);
                break;
            case 1 when publisher.Answers.TryDequeue(out var answer):
                answer();
                break;
            case 2 when subscriber.Sent.TryDequeue(out var request):
                Handle(subscriber, request.Topic, request.LastN, request.Since, request.Invocation);
                break;
            case 3 or 4 when subscriber.Arriving.TryDequeue(out var arrival):
                arrival();
                break;
            case 5 when _changes.TryDequeue(out var change):
                Change(change.Topic, change.Create, change.Invocation);
                break;
            case 5 when _changeAnswers.TryDequeue(out var changed):
                changed();
                break;
            case 6 when _gone.TryDequeue(out var gone):
                Forget(gone);
                break;
        }
    }

    private void Drain()
    {
        while (_changes.Count + _changeAnswers.Count + _gone.Count > 0
            || _publishers.Exists(publisher => publisher.Sent.Count + publisher.Answers.Count > 0)
            || _subscribers.Exists(subscriber => subscriber.Sent.Count + subscriber.Arriving.Count > 0))
        {
            Go();
        }
    }

    private void Publish(Publisher publisher, string name, string id, Invocation invocation)
    {
        var luck = _random.Next(40);
        if (luck == 0)
        {
            return; // lost on its way
        }

        if (!_topics.TryGetValue(name, out var topic))
        {
            publisher.Answers.Enqueue(invocation.Refused);
            return;
        }

        var stamp = NextStamp();
        topic.Retained.Add((id, stamp));
        if (topic.Retained.Count > Retained)
        {
            topic.Forgotten = topic.Retained[0].Stamp;
            topic.Retained.RemoveAt(0);
        }

        foreach (var subscriber in topic.Subscribers)
        {
            subscriber.Arriving.Enqueue(() => subscriber.Receive(name, id, stamp));
        }

        if (luck > 1)
        {
            publisher.Answers.Enqueue(() => invocation.Acked(stamp));
        }
    }

    private long NextStamp() => _clock += _random.Next(1, 4);

    private void Handle(Subscriber subscriber, string name, int? lastN, long since, Invocation invocation)
    {
        if (!_topics.TryGetValue(name, out var topic))
        {
            subscriber.Arriving.Enqueue(invocation.Refused);
            return;
        }

        var stamp = NextStamp();
        if (!_acksLast || lastN is null)
        {
            subscriber.Arriving.Enqueue(() =>
            {
                invocation.Acked(lastN is null ? 0 : stamp);
                if (lastN == 0 && since == 0)
                {
                    subscriber.Positions[name] = stamp;
                }
            });
        }

        if (lastN is null)
        {
            topic.Subscribers.Remove(subscriber);
            return;
        }

        if (topic.Subscribers.Add(subscriber))
        {
            if (since != 0 && since < topic.Forgotten)
            {
                subscriber.Arriving.Enqueue(() => subscriber.Log.Gap(name));
            }

            var replayed = since == 0
                ? topic.Retained.TakeLast(lastN.Value)
                : topic.Retained.Where(retained => retained.Stamp > since);
            foreach (var (id, of) in replayed.ToList())
            {
                subscriber.Arriving.Enqueue(() => subscriber.Receive(name, id, of));
            }
        }

        if (_acksLast)
        {
            subscriber.Arriving.Enqueue(invocation.Acked);
        }
    }

    private void Change(string name, bool create, Invocation invocation)
    {
        if (create)
        {
            _changeAnswers.Enqueue(_topics.TryAdd(name, new(NextStamp())) ? invocation.Acked : invocation.Refused);
            return;
        }

        if (!_topics.Remove(name, out var topic))
        {
            _changeAnswers.Enqueue(invocation.Refused);
            return;
        }

        foreach (var subscriber in topic.Subscribers)
        {
            subscriber.Arriving.Enqueue(() => subscriber.Log.TopicDeleted(name));
        }

        if (_random.Next(10) > 0)
        {
            _changeAnswers.Enqueue(invocation.Acked);
        }
    }

    private void Forget(Subscriber subscriber)
    {
        subscriber.Sent.Clear();
        foreach (var topic in _topics.Values)
        {
            topic.Subscribers.Remove(subscriber);
        }
    }

    private sealed class Topic(long created)
    {
        public List<(string Id, long Stamp)> Retained { get; } = [];

        /// <summary>The stamp of the newest event that is no longer retained, or of the creation.</summary>
        public long Forgotten { get; set; } = created;

        public HashSet<Subscriber> Subscribers { get; } = [];
    }

    private sealed record Publisher(string Name)
    {
        public Queue<(string Topic, string Id, Invocation Invocation)> Sent { get; } = [];
        public Queue<Action> Answers { get; } = [];
    }

    private sealed class Subscriber(string name, HistoryRecorder recorder)
    {
        public string Name => name;

        public void Receive(string topic, string id, long stamp)
        {
            Log.Received(topic, id, stamp);
            Positions[topic] = stamp;
        }

        public SubscriberRecorder Log { get; } = recorder.Subscriber(name);
        public Queue<(string Topic, int? LastN, long Since, Invocation Invocation)> Sent { get; } = [];

        /// <summary>By topic, the stamp of the last event or ack that it can go on from.</summary>
        public Dictionary<string, long> Positions { get; } = [];

        public Queue<Action> Arriving { get; } = [];
    }
}
