using System.Globalization;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Models;

/// <summary>An executable specification of the broker, made of plain lists. It takes one step at a time, and is slow.</summary>
/// <param name="limits">The bounds.</param>
/// <param name="disconnects">Whether the deletion of a topic closes its subscribers.</param>
/// <param name="isStamped">Whether results show stamps and epochs.</param>
internal class Model(BrokerLimits limits, bool disconnects, bool isStamped = true) : IBrokerUnderTest
{
    /// <summary>The time at the first step, in ticks.</summary>
    public const long Start = 1_000_000;

    private readonly Positions _positions = new();
    private int _shift; // what the clock was set forward, or back

    protected BrokerLimits Limits => limits;
    protected SortedDictionary<string, Stream> Topics { get; } = new(StringComparer.Ordinal);
    protected SortedDictionary<int, Client> Clients { get; } = [];

    protected long Now { get; private set; }

    public ValueTask<string> DoAsync(int step, Command command)
    {
        Now = Start + step + _shift;
        var id = step.ToString(CultureInfo.InvariantCulture);
        return new(command switch
        {
            Command.Connect connect => Connect(connect.Who),
            Command.Leave leave => Leave(leave),
            Command.Create create => Create(create.Topic, epoch: id),
            Command.Delete delete => Delete(delete.Topic),
            Command.SetClock set => $"{_shift += set.Ticks}",
            Command.Fetch fetch => Fetch(fetch),
            Command.Read read => Read(read),
            Command.Request request => Ask(request, id),
            _ => throw new ArgumentOutOfRangeException(nameof(command)),
        });
    }

    public ValueTask<string> LookAsync() => new(Snapshot.Of(
        Topics.Values.Select(topic => (topic.Name, topic.Subscribers.Count, topic.Messages)),
        Clients.Select(entry => (entry.Key, entry.Value.Closed, Reader(entry.Value), HasRoom(entry.Value)))));

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private string Connect(int who)
    {
        if (Clients.TryGetValue(who, out var client) && client.Closed == CloseReason.None)
        {
            return "there already";
        }

        Clients[who] = new Client();
        return "connected";
    }

    private string Leave(Command.Leave leave)
    {
        if (!Clients.TryGetValue(leave.Who, out var client))
        {
            return "no client";
        }

        Close(client, CloseReason.Left);
        if (leave.Abruptly)
        {
            Clients.Remove(leave.Who);
        }

        return "left";
    }

    private string Create(string name, string epoch)
    {
        if (Topics.ContainsKey(name))
        {
            return "exists";
        }

        if (Topics.Count >= limits.MaxTopics)
        {
            return "one too many";
        }

        var topic = New(name);
        (topic.Epoch, topic.Created, topic.Last) = (epoch, Now, Now);
        Topics.Add(name, topic);
        return "created";
    }

    private string Delete(string name)
    {
        if (!Topics.TryGetValue(name, out var topic))
        {
            return "not found";
        }

        foreach (var subscriber in topic.Subscribers.ToList())
        {
            Notify(subscriber, $"deleted {name}");
            if (disconnects)
            {
                Close(subscriber, CloseReason.TopicDeleted);
            }
        }

        Topics.Remove(name);
        return "deleted";
    }

    private string Fetch(Command.Fetch fetch)
    {
        if (Find(fetch.Topic) is not { } topic)
        {
            return "not found";
        }

        List<Entry> newest = [.. Replay(topic, fetch.LastN ?? 0)];
        var (whole, later) = Later(topic, _positions.Of(fetch.Since), isHere: false);
        return Told(fetch.LastN is { } lastN ? IsWhole(topic, lastN) : whole, fetch.LastN is null ? later : newest);

        static string Told(bool complete, List<Entry> events) => $"{complete}: {string.Join(", ", events.Select(entry => entry.Text))}";
    }

    private string Ask(Command.Request request, string id)
    {
        if (!Clients.TryGetValue(request.Who, out var client) || client.Closed != CloseReason.None)
        {
            return "no client";
        }

        if (!HasRoom(client))
        {
            return "has to wait";
        }

        switch (request)
        {
            case Command.Publish publish when Find(publish.Topic) is { } topic:
                var live = Accept(topic, id, publish.Size);
                Publish(topic, live);
                Reply(client, $"ack {id}{Shown(live.Stamp)}");
                break;
            case Command.PublishAll publish when Find(publish.Topic) is { } topic:
                List<Entry> batch = [.. Enumerable.Range(0, publish.Count).Select(place => Accept(topic, $"{id}.{place}", publish.Size))];
                PublishAll(topic, batch);
                Reply(client, $"ack {id}{string.Concat(batch.Select(entry => Shown(entry.Stamp)))}");
                break;
            case Command.Subscribe subscribe when Find(subscribe.Topic) is { } topic:
                Subscribe(topic, client, [.. Replay(topic, subscribe.LastN)], $"ack {id}", $"refused {id}");
                break;
            case Command.Resume resume when Find(resume.Topic) is { } topic:
                var (whole, later) = Later(topic, _positions.Of(resume.Since), topic.Subscribers.Contains(client));
                Subscribe(topic, client, later, $"ack {id} {(whole ? "whole" : "torn")}", $"refused {id}");
                break;
            case Command.Unsubscribe unsubscribe when Find(unsubscribe.Topic) is { } topic:
                Unsubscribe(topic, client);
                Reply(client, $"ack {id}");
                break;
            default:
                Reply(client, $"not found {id}");
                break;
        }

        return "asked";
    }

    private string Read(Command.Read read)
    {
        if (!Clients.TryGetValue(read.Who, out var client))
        {
            return "no client";
        }

        client.Held = null;
        var texts = new List<string>();
        while (texts.Count < read.Count && Reader(client) == "has more")
        {
            var first = client.Queue[0];
            client.Queue.RemoveAt(0);
            texts.Add(first.Text);
            client.Held = read.Hold && texts.Count == read.Count ? first : null;
        }

        return string.Join(", ", texts);
    }

    private Entry Accept(Stream topic, string id, int size)
    {
        var stamp = Stamp(topic);
        topic.Accepted.Add(stamp);
        _positions.Add(stamp, topic.Epoch);
        return new(topic.Name + id + Shown(stamp), size, Live: true, stamp);
    }

    private (bool Whole, List<Entry> Later) Later(Stream topic, Position position, bool isHere)
    {
        List<Entry> later = [.. Replay(topic, position)];
        var follow = isHere ? 0 : later.Count;
        return (IsWhole(topic, position, topic.Accepted.Count(stamp => stamp > position.Since) - follow), later);
    }

    private string Shown(long stamp) => isStamped ? $" {Frames.Time(stamp)}" : "";

    // The laws ---------------------------------------------------------------------------------------------------------

    protected virtual Stream New(string name) => new(name);

    /// <summary>Names are compared ordinally and have no meaning.</summary>
    protected virtual Stream? Find(string name) => Topics.GetValueOrDefault(name);

    /// <summary>The next stamp of a topic is later than the last, also if the clock stands still or was set back.</summary>
    protected virtual long Stamp(Stream topic) => topic.Last = Math.Max(Now, topic.Last + 1);

    /// <summary>An ack of a subscribe has a stamp of the same sequence.</summary>
    protected virtual long StampOfAck(Stream topic) => Stamp(topic);

    /// <summary>
    /// Whether nothing is missing behind a position: no event that was ever accepted, and the position is one of this life of the topic.
    /// </summary>
    protected virtual bool IsWhole(Stream topic, Position position, int missing) =>
        missing == 0
        && position.Since >= topic.Created
        && position.Since <= topic.Last
        && (position.Epoch is null || position.Epoch == topic.Epoch);

    /// <summary>Whether so many are retained, or none was ever forgotten.</summary>
    protected virtual bool IsWhole(Stream topic, int lastN) =>
        lastN <= topic.Retained.Count || topic.Retained.Count == topic.Accepted.Count;

    /// <summary>All of a batch are neighbours; a subscriber with room for the first gets all.</summary>
    protected virtual void PublishAll(Stream topic, IReadOnlyList<Entry> batch)
    {
        foreach (var live in batch)
        {
            topic.Messages++;
            Retain(topic, live);
        }

        foreach (var subscriber in topic.Subscribers.ToList())
        {
            Deliver(subscriber, batch[0]);
            if (subscriber.Closed == CloseReason.None)
            {
                subscriber.Queue.AddRange(batch.Skip(1));
            }
        }
    }

    protected virtual void Publish(Stream topic, Entry live)
    {
        topic.Messages++;
        Retain(topic, live);
        foreach (var subscriber in topic.Subscribers.ToList())
        {
            Deliver(subscriber, live);
        }
    }

    /// <summary>A topic keeps the newest MAX_MESSAGES.</summary>
    protected virtual void Retain(Stream topic, Entry live)
    {
        topic.Retained.Add(live);
        if (topic.Retained.Count > limits.MaxMessages)
        {
            topic.Retained.RemoveAt(0);
        }
    }

    /// <summary>
    /// One event too many closes a subscriber as a slow consumer; until then no publisher waits for it, and it misses no event.
    /// </summary>
    protected virtual void Deliver(Client subscriber, Entry live)
    {
        if (IsFull(subscriber, live))
        {
            Close(subscriber, CloseReason.SlowConsumer);
        }
        else
        {
            subscriber.Queue.Add(live);
        }
    }

    /// <summary>Events count until they have been sent; one alone may be larger than MAX_QUEUE_BYTES.</summary>
    protected virtual bool IsFull(Client subscriber, Entry live)
    {
        var outstanding = subscriber.Unsent.Where(entry => entry.Live).ToList();
        return outstanding.Count >= limits.MaxQueueSize
            || (outstanding.Count > 0 && outstanding.Sum(entry => entry.Size) + live.Size > limits.MaxQueueBytes);
    }

    /// <summary>Queues the ack, then the replay, then live events; a second subscribe only gets the ack.</summary>
    protected virtual void Subscribe(Stream topic, Client client, List<Entry> replay, string ack, string refusal)
    {
        var isNew = !topic.Subscribers.Contains(client);
        var stamp = StampOfAck(topic); // a refusal uses one up, too
        if (isNew && Topics.Values.Count(other => other.Subscribers.Contains(client)) >= limits.MaxSubscriptions)
        {
            Reply(client, refusal);
            return;
        }

        _positions.Add(stamp, topic.Epoch);
        Reply(client, ack + (isStamped ? $" in {topic.Epoch}" : "") + Shown(stamp));
        if (isNew)
        {
            client.Queue.AddRange(replay);
            topic.Subscribers.Add(client);
        }
    }

    /// <summary>The newest retained, oldest first; they count against no bound on events.</summary>
    protected virtual IEnumerable<Entry> Replay(Stream topic, int lastN) =>
        topic.Retained.TakeLast(lastN).Select(entry => entry with { Live = false });

    /// <summary>The retained that are later than a position, oldest first.</summary>
    protected virtual IEnumerable<Entry> Replay(Stream topic, Position position) =>
        topic.Retained.Where(entry => entry.Stamp > position.Since).Select(entry => entry with { Live = false });

    protected virtual void Unsubscribe(Stream topic, Client client) => topic.Subscribers.Remove(client);

    protected virtual void Reply(Client client, string text) => Notify(client, text);

    /// <summary>Queues a frame at the end, if the client is open.</summary>
    protected virtual void Notify(Client client, string text)
    {
        if (client.Closed == CloseReason.None)
        {
            client.Queue.Add(new Entry(text, text.Length, Live: false, Stamp: 0));
        }
    }

    /// <summary>
    /// Only the first reason counts. A slow consumer gets nothing more; any other client gets what was queued. It leaves all topics.
    /// </summary>
    protected virtual void Close(Client client, CloseReason reason)
    {
        if (client.Closed != CloseReason.None)
        {
            return;
        }

        client.Closed = reason;
        if (reason == CloseReason.SlowConsumer)
        {
            client.Queue.Clear();
        }

        foreach (var topic in Topics.Values)
        {
            topic.Subscribers.Remove(client);
        }
    }

    /// <summary>Requests wait while MAX_REPLIES answers and replayed events are unread.</summary>
    protected virtual bool HasRoom(Client client) =>
        client.Closed != CloseReason.None || client.Unsent.Count(entry => !entry.Live) < limits.MaxReplies;

    /// <summary>A reader sleeps exactly while there is nothing to read and more may come.</summary>
    protected virtual string Reader(Client client) => client switch
    {
        { Held: not null } => "busy",
        { Queue.Count: > 0 } => "has more",
        { Closed: not CloseReason.None } => "over",
        _ => "asleep",
    };

    /// <param name="Size">In bytes.</param>
    protected readonly record struct Entry(string Text, int Size, bool Live, long Stamp);

    protected sealed class Stream(string name)
    {
        public string Name => name;
        public string Epoch { get; set; } = "";
        public long Created { get; set; }

        /// <summary>The newest stamp.</summary>
        public long Last { get; set; }

        /// <summary>The stamps of all events since the creation.</summary>
        public List<long> Accepted { get; } = [];
        public List<Entry> Retained { get; } = [];
        public List<Client> Subscribers { get; } = [];
        public long Messages { get; set; }
    }

    protected sealed class Client
    {
        public List<Entry> Queue { get; } = [];
        public Entry? Held { get; set; }
        public CloseReason Closed { get; set; }
        public IEnumerable<Entry> Unsent => Held is { } held ? Queue.Prepend(held) : Queue;
    }
}
