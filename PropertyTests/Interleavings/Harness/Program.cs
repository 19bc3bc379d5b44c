namespace PubSub.Interleavings.Harness;

/// <summary>A few fibers with a few steps each, on one broker, after first steps without concurrency.</summary>
/// <param name="Name">The race that it tests.</param>
internal sealed record Program(string Name)
{
    /// <summary>Marks the steps that are taken when all fibers have ended or wait for ever.</summary>
    public const int Afterwards = -2;

    private readonly List<Step> _steps = [];

    public BrokerLimits Limits { get; init; } = new();

    /// <summary>How many subscribers there are.</summary>
    public int Subscribers { get; init; } = 1;

    /// <summary>Whether their readers go on at once on the thread that wakes them.</summary>
    public bool Eager { get; init; }

    public IReadOnlyList<Step> Beginning { get; private set; } = [];

    public List<IReadOnlyList<Step>> Fibers { get; } = [];

    /// <summary>Every step, by the first bytes of the frames that it sends: a batch has as many places as messages.</summary>
    public IReadOnlyList<Step> Script => _steps;

    public IEnumerable<string> Topics => _steps.Select(step => step.Topic).Where(topic => topic.Length > 0).Distinct();

    public Program First(params Step[] steps)
    {
        Beginning = Enlist(-1, steps);
        return this;
    }

    /// <summary>Adds a fiber.</summary>
    public Program And(params Step[] steps)
    {
        Fibers.Add(Enlist(Fibers.Count, steps));
        return this;
    }

    /// <summary>
    /// Adds the steps at the end: each closed subscriber gets a reply and subscribes again, each topic gets a last message, and a new
    /// subscriber gets a replay of all retained messages.
    /// </summary>
    public Program Ended()
    {
        var topics = Topics.ToList();
        var subscribers = Enumerable.Range(0, Subscribers);
        Enlist(
            Afterwards,
            [
                .. subscribers.Select(subscriber => Steps.Reply(subscriber)),
                .. subscribers.SelectMany(subscriber => topics.Select(topic => Steps.Subscribe(topic, subscriber))),
                .. topics.Select(topic => Steps.Publish(topic)),
                .. topics.Select(topic => Steps.Subscribe(topic, Subscribers, Steps.Everything)),
            ]);
        return this;
    }

    public override string ToString() =>
        $"{Name}: {Limits}, {Subscribers} subscribers{(Eager ? " that read eagerly" : "")}; first {string.Join(", ", Beginning)}; then\n"
        + string.Join('\n', Fibers.Select((steps, fiber) => $"  {fiber}: {string.Join(", ", steps)}"));

    private Step[] Enlist(int fiber, Step[] steps)
    {
        var enlisted = new List<Step>();
        foreach (var step in steps)
        {
            enlisted.Add(step with { Fiber = fiber, Mark = (byte)_steps.Count });
            _steps.AddRange(Enumerable.Repeat(enlisted[^1], enlisted[^1].Frames));
        }

        return [.. enlisted];
    }
}

internal enum Verb
{
    Create,
    Delete,
    Publish,
    Subscribe,
    Unsubscribe,

    /// <summary>Queues a reply.</summary>
    Reply,

    /// <summary>Waits for room for another reply.</summary>
    Room,
    Close,

    /// <summary>Sets the clock back, by a few steps.</summary>
    SetBack,

    /// <summary>Waits for frames, takes them, and releases them.</summary>
    Read,

    /// <summary>Waits for frames and takes them, but releases nothing: they stay outstanding.</summary>
    Keep,
}

/// <summary>One step of a fiber; it sends frames of its own.</summary>
/// <param name="Number">How many to replay, to take, or to publish in one batch; no batch, if 0.</param>
/// <param name="Disconnect">Whether a delete closes the subscribers.</param>
/// <param name="Later">Whether a later step of its fiber wakes the readers of this one.</param>
/// <param name="Since">The mark of the publish from whose (first) event a subscribe goes on; from none, if negative.</param>
internal sealed record Step(
    Verb Verb, string Topic = "", int Subscriber = -1, int Number = 0, bool Disconnect = false, bool Later = false, int Since = -1)
{
    /// <summary>The number of its fiber; -1 for a first step.</summary>
    public int Fiber { get; init; }

    /// <summary>The first byte of its frame, or of the first of them.</summary>
    public byte Mark { get; init; }

    /// <summary>How many frames it sends.</summary>
    public int Frames => Verb == Verb.Publish ? Math.Max(Number, 1) : 1;

    public override string ToString() =>
        $"{Verb}{(Later ? " later" : "")}{(Disconnect ? " disconnecting" : "")}{(Topic.Length > 0 ? $" {Topic}" : "")}"
        + $"{(Subscriber >= 0 ? $" #{Subscriber}" : "")}{(Since >= 0 ? $" since frame {Since}" : "")}"
        + $"{(Number == Steps.Everything ? " (all)" : Number > 0 ? $" ({Number})" : "")}";
}

/// <summary>Makes steps.</summary>
internal static class Steps
{
    /// <summary>Replays all messages, or takes all frames.</summary>
    public const int Everything = int.MaxValue;

    public static Step Create(string topic) => new(Verb.Create, topic);

    public static Step Delete(string topic, bool disconnect = false) => new(Verb.Delete, topic, Disconnect: disconnect);

    public static Step Publish(string topic, bool later = false) => new(Verb.Publish, topic, Later: later);

    public static Step PublishAll(string topic, int messages, bool later = false) =>
        new(Verb.Publish, topic, Number: messages, Later: later);

    public static Step Resume(string topic, int subscriber, int since) =>
        new(Verb.Subscribe, topic, subscriber, Everything, Since: since);

    public static Step SetBack() => new(Verb.SetBack);

    public static Step Subscribe(string topic, int subscriber = 0, int lastN = 0, bool later = false) =>
        new(Verb.Subscribe, topic, subscriber, lastN, Later: later);

    public static Step Unsubscribe(string topic, int subscriber = 0) => new(Verb.Unsubscribe, topic, subscriber);

    public static Step Reply(int subscriber = 0, bool later = false) => new(Verb.Reply, Subscriber: subscriber, Later: later);

    public static Step Room(int subscriber = 0) => new(Verb.Room, Subscriber: subscriber);

    public static Step Close(int subscriber = 0) => new(Verb.Close, Subscriber: subscriber);

    public static Step Read(int subscriber = 0, int atMost = Everything) => new(Verb.Read, Subscriber: subscriber, Number: atMost);

    public static Step Keep(int subscriber = 0, int atMost = Everything) => new(Verb.Keep, Subscriber: subscriber, Number: atMost);
}
