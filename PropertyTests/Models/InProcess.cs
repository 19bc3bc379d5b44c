using System.Globalization;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Models;

/// <summary>The Broker, called as a session calls it.</summary>
internal sealed class InProcess(BrokerLimits limits, bool disconnects) : IBrokerUnderTest
{
    private readonly Broker _broker = new(limits);
    private readonly SortedDictionary<int, Client> _clients = [];
    private readonly Positions _positions = new();
    private int _shift;
    private long _now;

    public ValueTask<string> DoAsync(int step, Command command)
    {
        _now = Model.Start + step + _shift;
        var id = step.ToString(CultureInfo.InvariantCulture);
        return new(command switch
        {
            Command.Connect connect => Connect(connect.Who),
            Command.Leave leave => Leave(leave),
            Command.Create create => Create(create.Topic, epoch: id),
            Command.Delete delete =>
                _broker.TryDelete(delete.Topic, Frames.Of($"deleted {delete.Topic}"), disconnects) ? "deleted" : "not found",
            Command.SetClock set => $"{_shift += set.Ticks}",
            Command.Fetch fetch => _broker.Find(fetch.Topic) is { } topic ? Fetch(topic, fetch) : "not found",
            Command.Read read => _clients.TryGetValue(read.Who, out var client) ? client.Read(read.Count, read.Hold) : "no client",
            Command.Request request => Ask(request, id),
            _ => throw new ArgumentOutOfRangeException(nameof(command)),
        });
    }

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

    private string Create(string name, string epoch) => _broker.Create(name, new Origin(_now, epoch)) switch
    {
        CreateResult.Created => "created",
        CreateResult.Exists => "exists",
        _ => "one too many",
    };

    private string Fetch(Topic topic, Command.Fetch fetch)
    {
        var (reader, wakes) = (_broker.Admit(), new Wakes());
        var complete = fetch.LastN is { } lastN
            ? topic.Read(reader, lastN, wakes)
            : topic.Read(reader, _positions.Of(fetch.Since), wakes);
        return $"{complete}: {string.Join(", ", reader.TakeAll())}";
    }

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
            Command.Publish publish => Publish(_broker.Find(publish.Topic), publish.Size, id, wakes),
            Command.PublishAll all => PublishAll(_broker.Find(all.Topic), all, id, wakes),
            Command.Subscribe subscribe => Subscribe(subscribe.Topic, id, (topic, ack) =>
                topic.Subscribe(client.Subscriber, subscribe.LastN, ack(""), wakes)),
            Command.Resume resume => Subscribe(resume.Topic, id, (topic, ack) =>
                topic.Resume(client.Subscriber, _positions.Of(resume.Since), ack(" whole"), ack(" torn"), wakes)),
            Command.Unsubscribe unsubscribe =>
                _broker.Find(unsubscribe.Topic)?.TryUnsubscribe(client.Subscriber, Frames.Of($"ack {id}"), wakes) == true
                    ? null
                    : $"not found {id}",
            _ => throw new ArgumentOutOfRangeException(nameof(request)),
        };
        if (reply is not null)
        {
            client.Subscriber.Reply(Frames.Of(reply), wakes);
        }

        wakes.Release();
        return "asked";
    }

    private string Publish(Topic? topic, int size, string id, Wakes wakes)
    {
        if (topic is null)
        {
            return $"not found {id}";
        }

        var (result, stamp) = topic.Publish(Frames.At(_now, topic.Name + id, size), wakes);
        _positions.Add(stamp, topic.Epoch);
        return result == PublishResult.Accepted ? $"ack {id} {Frames.Time(stamp)}" : $"{result}";
    }

    private string PublishAll(Topic? topic, Command.PublishAll all, string id, Wakes wakes)
    {
        if (topic is null)
        {
            return $"not found {id}";
        }

        var stamps = new long[all.Count];
        Draft[] messages = [.. stamps.Select((_, place) => Frames.At(_now, $"{topic.Name}{id}.{place}", all.Size))];
        var result = topic.PublishAll(messages, wakes, stamps);
        Array.ForEach(stamps, stamp => _positions.Add(stamp, topic.Epoch));
        var told = string.Concat(stamps.Select(stamp => $" {Frames.Time(stamp)}"));
        return result == PublishResult.Accepted ? $"ack {id}{told}" : $"{result}";
    }

    /// <returns>What is still to be replied.</returns>
    private string? Subscribe(string name, string id, Func<Topic, Func<string, Draft>, SubscribeResult> subscribe)
    {
        if (_broker.Find(name) is not { } topic)
        {
            return $"not found {id}";
        }

        var acks = new List<Draft>();
        var result = subscribe(topic, complete =>
        {
            acks.Add(Frames.At(_now, $"ack {id}{complete} in {topic.Epoch}"));
            return acks[^1];
        });
        if (result is not (SubscribeResult.Joined or SubscribeResult.Already))
        {
            return result == SubscribeResult.LimitReached ? $"refused {id}" : $"{result}";
        }

        _positions.Add(acks.Max(ack => Frames.StampOf(ack.Frame.Text())), topic.Epoch); // only the one that was queued may be later
        return null;
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
