using System.Globalization;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Models;

/// <summary>The Broker, called as a session calls it.</summary>
internal sealed class InProcess(BrokerLimits limits, bool disconnects) : IBrokerUnderTest
{
    private readonly Broker _broker = new(limits);
    private readonly SortedDictionary<int, Client> _clients = [];

    public ValueTask<string> DoAsync(int step, Command command) => new(command switch
    {
        Command.Connect connect => Connect(connect.Who),
        Command.Leave leave => Leave(leave),
        Command.Create create => Create(create.Topic),
        Command.Delete delete =>
            _broker.TryDelete(delete.Topic, Frames.Of($"deleted {delete.Topic}"), disconnects) ? "deleted" : "not found",
        Command.Read read => _clients.TryGetValue(read.Who, out var client) ? client.Read(read.Count, read.Hold) : "no client",
        Command.Request request => Ask(request, step.ToString(CultureInfo.InvariantCulture)),
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    });

    public ValueTask<string> LookAsync()
    {
        var topics = _broker.List()
            .Select(topic => (topic.Name, Count: topic.Count()))
            .Select(topic => (topic.Name, topic.Count.Subscribers, topic.Count.Messages))
            .ToList();
        var snapshot = Snapshot.Of(
            topics, _clients.Select(entry => (entry.Key, entry.Value.Closed, entry.Value.State, entry.Value.HasRoom)));
        var counted = _broker.Count();
        return new(counted == (topics.Count, topics.Sum(topic => topic.Subscribers)) ? snapshot : $"{snapshot}, but it counts {counted}");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string Connect(int who)
    {
        if (_clients.TryGetValue(who, out var client) && client.Closed == CloseReason.None)
        {
            return "there already";
        }

        _clients[who] = new Client(_broker.Admit(eager: true));
        return "connected";
    }

    private string Leave(Command.Leave leave)
    {
        if (!_clients.TryGetValue(leave.Who, out var client))
        {
            return "no client";
        }

        client.Subscriber.Close(CloseReason.Left);
        if (leave.Abruptly)
        {
            _clients.Remove(leave.Who);
        }

        return "left";
    }

    private string Create(string name) => _broker.Create(name) switch
    {
        CreateResult.Created => "created",
        CreateResult.Exists => "exists",
        _ => "one too many",
    };

    private string Ask(Command.Request request, string id)
    {
        if (!_clients.TryGetValue(request.Who, out var client) || client.Closed != CloseReason.None)
        {
            return "no client";
        }

        if (!client.HasRoom)
        {
            return "has to wait";
        }

        var wakes = new Wakes();
        var reply = request switch
        {
            Command.Publish publish =>
                _broker.Find(publish.Topic)?.Publish(Frames.Of(publish.Topic + id, publish.Size), wakes).Result == PublishResult.Accepted
                    ? "ack"
                    : "not found",
            Command.Subscribe subscribe =>
                _broker.Find(subscribe.Topic)?.Subscribe(client.Subscriber, subscribe.LastN, Frames.Of($"ack {id}"), wakes) switch
                {
                    SubscribeResult.LimitReached => "refused",
                    SubscribeResult.Joined or SubscribeResult.Already => null,
                    null => "not found",
                    { } other => $"{other}",
                },
            Command.Unsubscribe unsubscribe =>
                _broker.Find(unsubscribe.Topic)?.TryUnsubscribe(client.Subscriber, Frames.Of($"ack {id}"), wakes) == true
                    ? null
                    : "not found",
            _ => throw new ArgumentOutOfRangeException(nameof(request)),
        };
        if (reply is not null)
        {
            client.Subscriber.Reply(Frames.Of($"{reply} {id}"), wakes);
        }

        wakes.Release();
        return "asked";
    }

    /// <summary>The two loops of a session, one turn at a time. It starts a wait only when the one before has ended.</summary>
    private sealed class Client(Subscriber subscriber)
    {
        private Task<bool>? _more;
        private ValueTask? _room;
        private bool _holds;

        public Subscriber Subscriber => subscriber;
        public CloseReason Closed => subscriber.Closed;

        public string State
        {
            get
            {
                if (_holds)
                {
                    return "busy";
                }

                _more ??= subscriber.WaitAsync().AsTask();
                if (!_more.IsCompleted)
                {
                    return "asleep";
                }

                var more = _more.Result;
                _more = null;
                return more ? "has more" : "over";
            }
        }

        public bool HasRoom
        {
            get
            {
                var room = _room ?? subscriber.WaitForRoomAsync();
                _room = room.IsCompleted ? null : room;
                return _room is null;
            }
        }

        public string Read(int count, bool hold)
        {
            Release();
            var texts = new List<string>();
            while (texts.Count < count && State == "has more")
            {
                texts.AddRange(subscriber.Take(1).Texts());
                _holds = true;
                if (!hold || texts.Count < count)
                {
                    Release();
                }
                else
                {
                    subscriber.Hold();
                }
            }

            return string.Join(", ", texts);
        }

        private void Release()
        {
            if (_holds)
            {
                subscriber.Release();
                _holds = false;
            }
        }
    }
}
