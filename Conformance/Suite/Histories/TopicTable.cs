namespace PubSub.Conformance.Histories;

/// <summary>All topics that occur in a history.</summary>
internal sealed class TopicTable
{
    private readonly Dictionary<string, TopicHistory> _topics = new(StringComparer.Ordinal);
    private Dictionary<string, Message>? _anywhere;

    public TopicTable(History history)
    {
        var changes = history.TopicChanges.ToLookup(change => change.Topic, StringComparer.Ordinal);
        var publishers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var publication in history.Publications.OrderBy(publication => publication.Invoked))
        {
            if (!publishers.TryGetValue(publication.Publisher, out var publisher))
            {
                publishers[publication.Publisher] = publisher = publishers.Count;
            }

            At(publication.Topic).Add(publication, publisher);
        }

        foreach (var topic in _topics.Values)
        {
            topic.Seal();
        }

        foreach (var entry in history.Subscribers.SelectMany(log => log.Entries).Where(entry => entry.Kind == EntryKind.Subscribe))
        {
            At(entry.Topic);
        }

        TopicHistory At(string name)
        {
            if (!_topics.TryGetValue(name, out var topic))
            {
                _topics[name] = topic = new(name, new(changes[name]));
            }

            return topic;
        }
    }

    public IEnumerable<TopicHistory> All => _topics.Values;

    /// <summary>The topic of this name; null if no client published or subscribed to it.</summary>
    public TopicHistory? Find(string name) => _topics.GetValueOrDefault(name);

    /// <summary>A message with this id in any topic.</summary>
    public Message? Anywhere(string id)
    {
        if (_anywhere is null)
        {
            _anywhere = new(StringComparer.Ordinal);
            foreach (var message in All.SelectMany(topic => topic.Messages))
            {
                _anywhere.TryAdd(message.Id, message);
            }
        }

        return _anywhere.GetValueOrDefault(id);
    }
}

/// <summary>What happened to one topic.</summary>
internal sealed class TopicHistory(string name, TopicLives lives)
{
    private readonly Dictionary<string, Message> _messages = new(StringComparer.Ordinal);
    private readonly Dictionary<int, List<Message>> _byPublisher = [];

    public string Name => name;

    public TopicLives Lives => lives;

    public IEnumerable<Message> Messages => _messages.Values;

    public List<Subscription> Subscriptions { get; } = [];

    /// <summary>All messages that may have been accepted, by invocation.</summary>
    public Message[] ByInvocation { get; private set; } = [];

    /// <summary>The ticks at which publishes were acked, ascending.</summary>
    public long[] Acks { get; private set; } = [];

    /// <summary>Call this in the order of invocations.</summary>
    public void Add(Publication publication, int publisher)
    {
        if (!_byPublisher.TryGetValue(publisher, out var turns))
        {
            _byPublisher[publisher] = turns = [];
        }

        var message = new Message(publication, publisher, turns.Count, lives);
        turns.Add(message);
        if (!_messages.TryAdd(publication.MessageId, message))
        {
            throw new ArgumentException($"two messages of {name} have the id {publication.MessageId}", nameof(publication));
        }
    }

    public void Seal()
    {
        ByInvocation = [.. _messages.Values.Where(message => !message.Refused).OrderBy(message => message.Invoked)];
        Acks = [.. ByInvocation.Where(message => message.Acked).Select(message => message.AckedAt).Order()];
    }

    /// <summary>Counts only messages that may have been accepted.</summary>
    public int CountInvokedBefore(long tick)
    {
        var (low, high) = (0, ByInvocation.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = ByInvocation[middle].Invoked < tick ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>One publisher's messages, indexed by <see cref="Message.Turn"/>.</summary>
    public IReadOnlyList<Message> Of(int publisher) => _byPublisher[publisher];

    public Message? Find(string id) => _messages.GetValueOrDefault(id);

    public override string ToString() => name;
}

/// <summary>A message, and what the checker has found out about it.</summary>
internal sealed class Message(Publication publication, int publisher, int turn, TopicLives lives)
{
    public string Id => publication.MessageId;

    public string Topic => publication.Topic;

    public string PublisherName => publication.Publisher;

    public int Publisher => publisher;

    /// <summary>Its place among its publisher's messages of the topic.</summary>
    public int Turn => turn;

    public long Invoked => publication.Invoked;

    public bool Acked { get; } = publication.Outcome == RequestOutcome.Acked;

    public bool Refused => publication.Outcome == RequestOutcome.Refused;

    /// <summary>The tick by which its place in the order was certainly fixed; the maximum without an ack.</summary>
    public long AckedAt { get; } = publication.Outcome == RequestOutcome.Acked ? publication.Responded ?? long.MaxValue : long.MaxValue;

    /// <summary>The stamp of its ack or of its event; zero if unknown.</summary>
    public long Stamp { get; set; } = publication.Stamp;

    /// <summary>Acked, or received by a subscriber.</summary>
    public bool Accepted => Acked || FirstIn is not null;

    public int Life { get; } = lives.Of(publication.Invoked, publication.Responded ?? long.MaxValue);

    /// <summary>The first subscription found to have received it.</summary>
    public Subscription? FirstIn { get; set; }

    /// <summary>The subscription that was last found to have received it.</summary>
    public Subscription? LastIn { get; set; }

    /// <summary>The last subscription for which it is settled whether the message was received.</summary>
    public Subscription? SettledIn { get; set; }

    /// <summary>Its number among the received messages of its topic.</summary>
    public int Number { get; set; }

    /// <summary>The index of its chain among those that <see cref="TopicOrder"/> finds.</summary>
    public int Chain { get; set; }

    /// <summary>Its place in the chain.</summary>
    public int Link { get; set; }

    public Interval Interval => new(publication.Invoked, publication.Responded);

    /// <summary>It was acked before the other was published.</summary>
    public bool IsWhollyBefore(Message other) => AckedAt < other.Invoked;

    /// <summary>It comes before the other in every possible order.</summary>
    public bool Precedes(Message other) => IsWhollyBefore(other) || (Publisher == other.Publisher && Turn < other.Turn);

    public override string ToString() => Id;
}

/// <summary>From an invocation to its response, if there was one.</summary>
internal readonly record struct Interval(long Invoked, long? Responded)
{
    public override string ToString() => FormattableString.Invariant($"({Invoked}..{Responded})");
}
