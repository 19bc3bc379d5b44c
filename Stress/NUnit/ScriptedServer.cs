using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PubSub.Stress.Tests;

/// <summary>What a server does wrong; nothing, unless it is said.</summary>
internal enum Wrong
{
    Nothing,
    LosesOne,
    DoublesOne,
    SwapsTwo,
    DoublesTheLast,
    ChangesAPayload,
    LeaksAnotherTopic,
    SkipsAnAnswer,
    HangsUp,
    HangsUpOnJoiners,
    HasTwoOrders,
    ForgetsToReplayOne,
    PausesForASecond,
}

/// <summary>A server of the protocol in a few lines, right but for one thing, which it does to the message of this number or soon after.</summary>
internal sealed class ScriptedServer : IDisposable
{
    public const int WrongFrom = 100;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Topic> _topics = []; // guarded by _gate
    private readonly List<TcpClient> _clients = []; // guarded by _gate
    private readonly ManualResetEventSlim _never = new();
    private readonly Wrong _wrong;
    private int _published; // guarded by _gate
    private byte[]? _held; // guarded by _gate

    public ScriptedServer(Wrong wrong)
    {
        _wrong = wrong;
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
        Contender = new PubSubContender("scripted", wrong.ToString(), Url, Conformance.Dialect.V1, pid: null) { Retained = Topic.Retains };
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public PubSubContender Contender { get; }

    public string? LastMessageId { get; private set; }

    /// <summary>Of a request over REST.</summary>
    public string? LastPath { get; private set; }

    public void Dispose()
    {
        Contender.Dispose();
        _listener.Dispose();
        _never.Dispose();
        lock (_gate)
        {
            _clients.ForEach(client => client.Dispose());
        }
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var client = _listener.AcceptTcpClient();
                client.NoDelay = true;
                lock (_gate)
                {
                    _clients.Add(client);
                }

                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(TcpClient client)
    {
        var subscriber = new Subscriber(client.GetStream());
        try
        {
            while (Http(subscriber.Stream) is not { } key || !Upgrade(subscriber, key))
            {
            }

            while (Frame(subscriber.Stream) is { } request)
            {
                Obey(subscriber, request);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client hung up, or the test is over.
        }

        lock (_gate)
        {
            foreach (var topic in _topics.Values)
            {
                topic.Subscribers.Remove(subscriber);
            }
        }

        client.Dispose();
    }

    // The key of an upgrade; null when it was a request like any other, which is answered.
    private string? Http(Stream stream)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)Byte(stream));
        }

        var lines = head.ToString().Split("\r\n");
        string? Header(string name) => lines.FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
        if (Header("Sec-WebSocket-Key") is { } key)
        {
            return key;
        }

        var body = new byte[int.Parse(Header("Content-Length") ?? "0", System.Globalization.CultureInfo.InvariantCulture)];
        stream.ReadExactly(body);
        var path = LastPath = lines[0].Split(' ')[1];
        lock (_gate)
        {
            var answer = (lines[0].Split(' ')[0], path) switch
            {
                ("POST", _) when JsonDocument.Parse(body).RootElement.GetProperty("name").GetString() is { } name => _topics.TryAdd(name, new Topic(name)) ? (201, "{}") : (409, "{}"),
                ("DELETE", _) => _topics.Remove(path.Split('/')[^1], out var deleted) ? Gone(deleted) : (404, "{}"),
                ("GET", "/v1/topics") => (200, List(_topics.Select(t => $"{{\"name\":\"{t.Key}\",\"subscribers\":{t.Value.Subscribers.Count}}}"), '[', ']')),
                ("GET", "/v1/stats") => (200, List(_topics.Select(t => $"\"{t.Key}\":{{\"messages\":{t.Value.Messages}}}"), '{', '}')),
                _ => (404, "{}"),
            };
            stream.Write(Encoding.UTF8.GetBytes($"HTTP/1.1 {answer.Item1} X\r\nContent-Length: {answer.Item2.Length}\r\n\r\n{answer.Item2}"));
        }

        return null;
    }

    private static string List(IEnumerable<string> entries, char open, char close) => $"{{\"topics\":{open}{string.Join(',', entries)}{close}}}";

    private static (int, string) Gone(Topic topic)
    {
        topic.Subscribers.ToList().ForEach(subscriber => subscriber.Say($$"""{"type":"info","topic":"{{topic.Name}}","msg":"topic_deleted","timestamp":"t"}"""));
        return (200, "{}");
    }

    private static bool Upgrade(Subscriber subscriber, string key)
    {
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        subscriber.Stream.Write(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"));
        return true;
    }

    private void Obey(Subscriber subscriber, string text)
    {
        using var request = JsonDocument.Parse(text);
        var root = request.RootElement;
        var id = root.GetProperty("request_id").GetString();
        var type = root.GetProperty("type").GetString();
        lock (_gate)
        {
            if (type == "ping")
            {
                subscriber.Say($$"""{"type":"pong","request_id":"{{id}}","timestamp":"t"}""");
                return;
            }

            if (!_topics.TryGetValue(root.GetProperty("topic").GetString()!, out var topic))
            {
                subscriber.Say($$"""{"type":"error","request_id":"{{id}}","error":{"code":"TOPIC_NOT_FOUND","message":"-"},"timestamp":"t"}""");
                return;
            }

            var publish = type == "publish";
            if (publish)
            {
                Publish(topic, root.GetProperty("message"));
            }

            if (!(publish && _wrong == Wrong.SkipsAnAnswer && _published == WrongFrom))
            {
                subscriber.Say($$"""{"type":"ack","request_id":"{{id}}","topic":"{{topic.Name}}","status":"ok","timestamp":"t"}""");
            }

            if (type == "unsubscribe")
            {
                topic.Subscribers.Remove(subscriber);
            }
            else if (type == "subscribe" && !topic.Subscribers.Contains(subscriber))
            {
                var lastN = root.GetProperty("last_n").GetInt32();
                var replay = topic.Retained.TakeLast(lastN).ToList();
                if (_wrong == Wrong.ForgetsToReplayOne && replay.Count > 10)
                {
                    replay.RemoveAt(replay.Count - 2);
                }

                replay.ForEach(subscriber.Send);
                topic.Subscribers.Add(subscriber);
                if (_wrong == Wrong.HangsUpOnJoiners && topic.Messages > 0)
                {
                    topic.Subscribers.Remove(subscriber);
                    subscriber.Stream.Dispose();
                }
            }
        }
    }

    // Held by the gate.
    private void Publish(Topic topic, JsonElement message)
    {
        _published++;
        LastMessageId = message.GetProperty("id").GetString();
        topic.Messages++;
        var now = _published >= WrongFrom;
        var once = _published == WrongFrom;
        var text = $$"""{"type":"event","topic":"{{topic.Name}}","message":{{message.GetRawText()}},"timestamp":"2026-01-01T00:00:00.0000000Z"}""";
        var frame = Subscriber.Frame(text);
        topic.Retained.Enqueue(frame);
        if (topic.Retained.Count > Topic.Retains)
        {
            topic.Retained.Dequeue();
        }

        var others = topic.Subscribers.AsEnumerable();
        switch (_wrong)
        {
            case Wrong.LosesOne when once:
                others = topic.Subscribers.Skip(1);
                break;
            case Wrong.DoublesOne when once:
            case Wrong.DoublesTheLast when now && _published % 50 == 0:
                topic.Subscribers[0].Send(frame);
                break;
            case Wrong.ChangesAPayload when once:
                frame = Subscriber.Frame(text.Replace("xx\"}", "xy\"}", StringComparison.Ordinal));
                break;
            case Wrong.LeaksAnotherTopic when once:
                topic.Subscribers[0].Say(text.Replace(topic.Name, "another", StringComparison.Ordinal));
                break;
            case Wrong.HangsUp when once:
                topic.Subscribers[0].Stream.Dispose();
                others = topic.Subscribers.Skip(1);
                break;
            case Wrong.PausesForASecond when once:
                _never.Wait(1000); // with everybody else shut out
                break;
            case Wrong.SwapsTwo when once:
                _held = frame;
                return;
            case Wrong.HasTwoOrders when now && topic.Subscribers.Count > 1 && _held is null && _published % 5 == 0:
                topic.Subscribers.Skip(1).ToList().ForEach(subscriber => subscriber.Send(frame));
                _held = frame;
                return;
        }

        foreach (var subscriber in others)
        {
            subscriber.Send(frame);
        }

        if (_held is { } held)
        {
            _held = null;
            (_wrong == Wrong.SwapsTwo ? topic.Subscribers : topic.Subscribers.Take(1)).ToList().ForEach(subscriber => subscriber.Send(held));
        }
    }

    private static string? Frame(Stream stream)
    {
        var opcode = Byte(stream) & 0xF;
        var size = Byte(stream) & 0x7F;
        if (size == 126)
        {
            size = (Byte(stream) << 8) | Byte(stream);
        }

        var key = new byte[4];
        stream.ReadExactly(key);
        var payload = new byte[size];
        stream.ReadExactly(payload);
        for (var n = 0; n < size; n++)
        {
            payload[n] ^= key[n % 4];
        }

        return opcode == 1 ? Encoding.UTF8.GetString(payload) : null;
    }

    private static int Byte(Stream stream) => stream.ReadByte() is >= 0 and var read ? read : throw new IOException("end of stream");

    private sealed class Topic(string name)
    {
        public const int Retains = 100;

        public string Name => name;

        public List<Subscriber> Subscribers { get; } = [];

        public Queue<byte[]> Retained { get; } = [];

        public int Messages { get; set; }
    }

    private sealed class Subscriber(NetworkStream stream)
    {
        public NetworkStream Stream => stream;

        public static byte[] Frame(string text)
        {
            var payload = Encoding.UTF8.GetBytes(text);
            return payload.Length < 126
                ? [0x81, (byte)payload.Length, .. payload]
                : [0x81, 126, (byte)(payload.Length >> 8), (byte)payload.Length, .. payload];
        }

        public void Say(string text) => Send(Frame(text));

        public void Send(byte[] frame)
        {
            try
            {
                stream.Write(frame);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // It has hung up; its own thread finds out.
            }
        }
    }
}
