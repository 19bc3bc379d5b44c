using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Models;

/// <summary>
/// The Host, used as clients use it: REST for topics, a WebSocket for each client. A pong comes after everything that was queued before its
/// ping, so a client has received all of that when the pong has come.
/// </summary>
/// <param name="doors">The server, or the nodes of one server; each command goes to one of them.</param>
/// <param name="seed">Chooses the node of each command.</param>
/// <param name="prefix">Begins the name of every topic; no other user of the server uses it.</param>
/// <param name="patience">How long to wait for the server to notice an abrupt disconnect.</param>
internal sealed class OverTheWire(Uri[] doors, int seed, string prefix, TimeSpan patience) : IBrokerUnderTest
{
    /// <summary>Begins the request id of an unsubscribe, whose ack is no position.</summary>
    private const string Unsubscribed = "unsubscribe-";

    private static readonly HttpClient Http = new();

    private readonly SortedDictionary<int, Client> _clients = [];
    private readonly Positions _positions = new();
    private readonly Random _choices = new(seed);
    private readonly HashSet<string> _published = []; // topics with messages that a node may not have yet

    public OverTheWire(Uri origin, string prefix, TimeSpan patience)
        : this([origin], 0, prefix, patience)
    {
    }

    public TimeSpan Patience => patience;

    public async ValueTask<string> DoAsync(int step, Command command) => command switch
    {
        Command.Connect connect => await ConnectAsync(connect.Who),
        Command.Leave leave => await LeaveAsync(leave),
        Command.Create create => await CreateAsync(create.Topic),
        Command.Delete delete => await DeleteAsync(delete.Topic),
        Command.Read read =>
            _clients.TryGetValue(read.Who, out var client) ? string.Join(", ", await client.ReadAsync(read.Count)) : "no client",
        Command.Request request => await AskAsync(request, step.ToString(CultureInfo.InvariantCulture)),
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    };

    /// <summary>What all nodes say; if they disagree, what each says.</summary>
    public async ValueTask<string> LookAsync()
    {
        await CatchUpAsync();
        if (doors.Length > 1 && _published.Count > 0)
        {
            await SettleAsync();
            await CatchUpAsync();
        }

        var clients = _clients.Select(entry => (entry.Key, entry.Value.Closed, entry.Value.State, HasRoom: true)).ToList();
        var seen = new HashSet<string>();
        foreach (var door in doors)
        {
            seen.Add(Snapshot.Of(await TopicsAsync(door), clients));
        }

        return string.Join("\nor\n  ", seen);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }

        foreach (var (name, _, _) in await TopicsAsync(doors[0]))
        {
            await Http.DeleteAsync(TopicAt(doors[0], name));
        }
    }

    private Uri Door() => doors[_choices.Next(doors.Length)];

    private async Task CatchUpAsync()
    {
        foreach (var client in _clients.Values)
        {
            await client.CatchUpAsync();
        }
    }

    /// <summary>Waits until every node has what was published: the ack of a subscribe comes behind it.</summary>
    private async Task SettleAsync()
    {
        foreach (var topic in _published)
        {
            foreach (var witness in await WitnessesAsync(topic))
            {
                await witness.AskAsync(Line.Unsubscribe(prefix + topic));
                witness.Dispose();
            }
        }

        _published.Clear();
    }

    /// <summary>A new subscriber of a topic at each node; none if there is no such topic.</summary>
    private async Task<List<Line>> WitnessesAsync(string topic)
    {
        var witnesses = new List<Line>();
        foreach (var door in doors)
        {
            var witness = await Line.ToAsync(door);
            if ((await witness.AskAsync(Line.Subscribe(prefix + topic))).Type == "ack")
            {
                witnesses.Add(witness);
            }
            else
            {
                witness.Dispose();
            }
        }

        return witnesses;
    }

    /// <summary>Deletes a topic and waits until every node has told its subscribers: those that came last are told last.</summary>
    private async Task<string> DeleteAsync(string topic)
    {
        var witnesses = doors.Length > 1 ? await WitnessesAsync(topic) : [];
        using var answer = await Http.DeleteAsync(TopicAt(Door(), topic));
        foreach (var witness in witnesses)
        {
            await witness.HearAsync();
            witness.Dispose();
        }

        return answer.StatusCode == HttpStatusCode.OK ? "deleted" : "not found";
    }

    private async Task<string> ConnectAsync(int who)
    {
        if (_clients.TryGetValue(who, out var client) && client.Closed == CloseReason.None)
        {
            return "there already";
        }

        client?.Dispose();
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(Door()) { Scheme = "ws", Path = "/v1/ws" }.Uri, CancellationToken.None);
        _clients[who] = new Client(socket, prefix, _positions);
        return "connected";
    }

    private async Task<string> LeaveAsync(Command.Leave leave)
    {
        if (!_clients.TryGetValue(leave.Who, out var client))
        {
            return "no client";
        }

        if (leave.Abruptly)
        {
            client.Dispose();
            _clients.Remove(leave.Who);
        }
        else
        {
            await client.LeaveAsync();
        }

        return "left";
    }

    private async Task<string> CreateAsync(string name)
    {
        using var answer = await Http.PostAsJsonAsync(new Uri(Door(), "/v1/topics"), new { name = prefix + name });
        return answer.StatusCode switch
        {
            HttpStatusCode.Created => "created",
            HttpStatusCode.Conflict => "exists",
            _ => $"{answer.StatusCode}",
        };
    }

    private async Task<string> AskAsync(Command.Request request, string id)
    {
        if (!_clients.TryGetValue(request.Who, out var client) || client.Closed != CloseReason.None)
        {
            return "no client";
        }

        if (request is Command.Publish { Topic: var topic })
        {
            _published.Add(topic);
        }

        await client.SendAsync(request switch
        {
            Command.Publish publish => new
            {
                type = "publish",
                topic = prefix + publish.Topic,
                message = new { id = publish.Topic + id, payload = new string('x', publish.Size) },
                request_id = id,
            },
            Command.Subscribe subscribe => new
            {
                type = "subscribe",
                topic = prefix + subscribe.Topic,
                client_id = $"client-{subscribe.Who}",
                last_n = subscribe.LastN,
                request_id = id,
            },
            Command.Resume resume => new
            {
                type = "subscribe",
                topic = prefix + resume.Topic,
                client_id = $"client-{resume.Who}",
                since = Frames.Time(_positions.Of(resume.Since).Since),
                request_id = id,
            },
            Command.Unsubscribe unsubscribe => new
            {
                type = "unsubscribe",
                topic = prefix + unsubscribe.Topic,
                client_id = $"client-{unsubscribe.Who}",
                request_id = Unsubscribed + id,
            },
            _ => (object)request,
        });
        return "asked";
    }

    private async Task<List<(string Name, int Subscribers, long Messages)>> TopicsAsync(Uri door)
    {
        using var answer = JsonDocument.Parse(await Http.GetByteArrayAsync(new Uri(door, "/v1/stats")));
        return
        [
            .. answer.RootElement.GetProperty("topics").EnumerateObject()
                .Where(topic => topic.Name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(topic => (
                    topic.Name[prefix.Length..],
                    topic.Value.GetProperty("subscribers").GetInt32(),
                    topic.Value.GetProperty("messages").GetInt64()))
                .OrderBy(topic => topic.Item1, StringComparer.Ordinal),
        ];
    }

    private Uri TopicAt(Uri door, string name) => new(door, $"/v1/topics/{prefix}{name}");

    /// <param name="socket">Connected.</param>
    /// <param name="prefix">Begins the name of every topic.</param>
    /// <param name="positions">Gets those that the client sees.</param>
    private sealed class Client(ClientWebSocket socket, string prefix, Positions positions) : IDisposable
    {
        private readonly List<string> _unread = [];
        private readonly byte[] _buffer = new byte[4096];

        public CloseReason Closed { get; private set; }

        public string State => _unread.Count > 0 ? "has more" : Closed == CloseReason.None ? "asleep" : "over";

        public async Task SendAsync(object request) => await socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(request),
            WebSocketMessageType.Text,
            endOfMessage: true,
            CancellationToken.None);

        /// <summary>Receives all that has been queued for it so far.</summary>
        public async Task CatchUpAsync()
        {
            if (Closed != CloseReason.None)
            {
                return;
            }

            try
            {
                await SendAsync(new { type = "ping", request_id = "here" });
            }
            catch (WebSocketException)
            {
                // The server has closed the connection; the Close frame is read below.
            }

            while (Closed == CloseReason.None && await ReceiveAsync() is { } text && text != "here")
            {
                _unread.Add(text);
            }
        }

        /// <summary>Closes the connection and receives what the server still sends, up to its Close frame.</summary>
        public async Task LeaveAsync()
        {
            if (Closed != CloseReason.None)
            {
                return;
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            while (await ReceiveAsync() is { } text)
            {
                _unread.Add(text);
            }

            Closed = CloseReason.Left;
        }

        public async Task<IReadOnlyList<string>> ReadAsync(int count)
        {
            await CatchUpAsync();
            var texts = _unread.Take(count).ToList();
            _unread.RemoveRange(0, texts.Count);
            return texts;
        }

        public void Dispose() => socket.Dispose();

        private async Task<string?> ReceiveAsync()
        {
            using var limit = new CancellationTokenSource(Threads.Patience);
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(_buffer.AsMemory(length), limit.Token);
                length += part.Count;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                Closed = socket.CloseStatusDescription == "topic deleted" ? CloseReason.TopicDeleted : CloseReason.Left;
                if (socket.State == WebSocketState.CloseReceived)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                }

                return null;
            }

            return Told(Encoding.UTF8.GetString(_buffer, 0, length));
        }

        /// <summary>A message of the server in the notation of the model.</summary>
        private string Told(string message)
        {
            using var json = JsonDocument.Parse(message);
            var (type, topic, id) = (Text("type"), Text("topic"), Text("request_id"));
            return type switch
            {
                "event" => json.RootElement.GetProperty("message").GetProperty("id").GetString()!,
                "ack" when id.StartsWith(Unsubscribed, StringComparison.Ordinal) => $"ack {id[Unsubscribed.Length..]}",
                "ack" => Acked(),
                "pong" => id,
                "info" when Text("msg") == "topic_deleted" => $"deleted {topic[prefix.Length..]}",
                "error" when json.RootElement.GetProperty("error").GetProperty("code").GetString() == "TOPIC_NOT_FOUND" =>
                    $"not found {id.Replace(Unsubscribed, "", StringComparison.Ordinal)}",
                _ => message,
            };

            // The ack of a publish or a subscribe is a position.
            string Acked()
            {
                positions.Add(Frames.StampOf(Text("timestamp")), epoch: null);
                var isWhole = json.RootElement.TryGetProperty("complete", out var complete) ? complete.GetBoolean() : (bool?)null;
                return $"ack {id}{isWhole switch { true => " whole", false => " torn", _ => "" }}";
            }

            string Text(string name) => json.RootElement.TryGetProperty(name, out var value) ? value.GetString()! : "";
        }
    }
}
