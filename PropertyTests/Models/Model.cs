using System.Globalization;

namespace PubSub.PropertyTests.Models;

/// <summary>An executable specification of the broker, made of plain lists. It takes one step at a time, and is slow.</summary>
/// <param name="limits">The bounds.</param>
/// <param name="disconnects">Whether the deletion of a topic closes its subscribers.</param>
internal class Model(BrokerLimits limits, bool disconnects) : IBrokerUnderTest
{
    protected BrokerLimits Limits => limits;
    protected SortedDictionary<string, Stream> Topics { get; } = new(StringComparer.Ordinal);
    protected SortedDictionary<int, Client> Clients { get; } = [];

    public ValueTask<string> DoAsync(int step, Command command) => new(command switch
    {
        Command.Connect connect => Connect(connect.Who),
        Command.Leave leave => Leave(leave),
        Command.Create create => Create(create.Topic),
        Command.Delete delete => Delete(delete.Topic),
        Command.Read read => Read(read),
        Command.Request request => Ask(request, step.ToString(CultureInfo.InvariantCulture)),
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    });

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

    private string Create(string name)
    {
        if (Topics.ContainsKey(name))
        {
            return "exists";
        }

        if (Topics.Count >= limits.MaxTopics)
        {
            return "one too many";
        }

        Topics.Add(name, New(name));
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
                Publish(topic, new Entry(topic.Name + id, publish.Size, Live: true));
                Reply(client, $"ack {id}");
                break;
            case Command.Subscribe subscribe when Find(subscribe.Topic) is { } topic:
                Subscribe(topic, client, subscribe.LastN, id);
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

    // The laws ---------------------------------------------------------------------------------------------------------

    protected virtual Stream New(string name) => new(name);

    /// <summary>Names are compared ordinally and have no meaning.</summary>
    protected virtual Stream? Find(string name) => Topics.GetValueOrDefault(name);

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
    protected virtual void Subscribe(Stream topic, Client client, int lastN, string id)
    {
        var isNew = !topic.Subscribers.Contains(client);
        if (isNew && Topics.Values.Count(other => other.Subscribers.Contains(client)) >= limits.MaxSubscriptions)
        {
            Reply(client, $"refused {id}");
            return;
        }

        Reply(client, $"ack {id}");
        if (isNew)
        {
            client.Queue.AddRange(Replay(topic, lastN));
            topic.Subscribers.Add(client);
        }
    }

    /// <summary>The newest retained, oldest first; they count against no bound on events.</summary>
    protected virtual IEnumerable<Entry> Replay(Stream topic, int lastN) =>
        topic.Retained.TakeLast(lastN).Select(entry => entry with { Live = false });

    protected virtual void Unsubscribe(Stream topic, Client client) => topic.Subscribers.Remove(client);

    protected virtual void Reply(Client client, string text) => Notify(client, text);

    /// <summary>Queues a frame at the end, if the client is open.</summary>
    protected virtual void Notify(Client client, string text)
    {
        if (client.Closed == CloseReason.None)
        {
            client.Queue.Add(new Entry(text, text.Length, Live: false));
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
    protected readonly record struct Entry(string Text, int Size, bool Live);

    protected sealed class Stream(string name)
    {
        public string Name => name;
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
