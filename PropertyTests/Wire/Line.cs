using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Wire;

/// <summary>A WebSocket to any server, message by message. It receives only when a test asks it to.</summary>
internal sealed class Line : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[4096];

    private Line()
    {
    }

    /// <summary>How the server ended the connection: the code and the reason of its Close frame; null if there was none yet.</summary>
    public string? Closing => _socket.CloseStatus is { } code ? $"{(int)code} {_socket.CloseStatusDescription}" : null;

    /// <param name="origin">The server.</param>
    /// <param name="query">Of the request for the handshake.</param>
    /// <param name="headers">Of the same.</param>
    public static async Task<Line> ToAsync(Uri origin, string query = "", params (string Name, string Value)[] headers)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        var line = new Line();
        foreach (var (name, value) in headers)
        {
            line._socket.Options.SetRequestHeader(name, value);
        }

        try
        {
            await line._socket.ConnectAsync(new UriBuilder(origin) { Scheme = "ws", Path = "/v1/ws", Query = query }.Uri, limit.Token);
            return line;
        }
        catch
        {
            line.Dispose();
            throw;
        }
    }

    public static string Subscribe(string topic, int lastN = 0) =>
        $$"""{"type":"subscribe","topic":"{{topic}}","client_id":"c","last_n":{{lastN}},"request_id":"subscribe"}""";

    public static string Resume(string topic, string since, string epoch) =>
        $$"""{"type":"subscribe","topic":"{{topic}}","client_id":"c","since":"{{since}}","epoch":"{{epoch}}","request_id":"subscribe"}""";

    public static string Unsubscribe(string topic) =>
        $$"""{"type":"unsubscribe","topic":"{{topic}}","client_id":"c","request_id":"unsubscribe"}""";

    /// <summary>A publish; its request has the id of the message.</summary>
    public static string Publish(string topic, string id, string payload = "0") =>
        $$$"""{"type":"publish","topic":"{{{topic}}}","message":{"id":"{{{id}}}","payload":{{{payload}}}},"request_id":"{{{id}}}"}""";

    public static string Ping { get; } = """{"type":"ping","request_id":"ping"}""";

    public async Task SayAsync(params string[] texts)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        foreach (var text in texts)
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        }
    }

    /// <summary>Sends a request and receives the next message, which must be its answer.</summary>
    public async Task<Heard> AskAsync(string text)
    {
        await SayAsync(text);
        return await HearAsync();
    }

    /// <summary>Receives the next message.</summary>
    /// <exception cref="EndOfStreamException">The server has closed the connection.</exception>
    public async Task<Heard> HearAsync(CancellationToken stop = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (!stop.CanBeCanceled)
        {
            limit.CancelAfter(Threads.Patience);
        }

        var length = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(_buffer.AsMemory(length), limit.Token);
            length += part.Count;
        }
        while (!part.EndOfMessage);

        return part.MessageType == WebSocketMessageType.Text
            ? new Heard(Encoding.UTF8.GetString(_buffer, 0, length))
            : throw new EndOfStreamException(Closing);
    }

    /// <summary>Receives this many messages.</summary>
    public async Task<Heard[]> HearAsync(int count)
    {
        var heard = new Heard[count];
        for (var place = 0; place < count; place++)
        {
            heard[place] = await HearAsync();
        }

        return heard;
    }

    /// <summary>The id of an event's message.</summary>
    public static string IdOf(JsonElement message) => message.GetProperty("message").GetProperty("id").GetString()!;

    public void Dispose() => _socket.Dispose();
}

/// <summary>A message of the server.</summary>
internal sealed record Heard(string Text)
{
    private readonly JsonElement _json = JsonElement.Parse(Text);

    public string Type => Member("type");

    /// <summary>Of the message of an event.</summary>
    public string Id => Line.IdOf(_json);

    public string RequestId => Member("request_id");

    public string Timestamp => Member("timestamp");

    /// <summary>The timestamp in ticks.</summary>
    public long Stamp => Frames.StampOf(Timestamp);

    public string Epoch => Member("epoch");

    /// <summary>Whether it says that events are missing.</summary>
    public bool IsTorn => _json.TryGetProperty("complete", out var complete) && !complete.GetBoolean();

    /// <summary>The code of an error; empty if it is none.</summary>
    public string Error => _json.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString()! : "";

    /// <summary>What it is in one word or two: the id of an event, the code of an error, the type and the request of an answer.</summary>
    public string Short => Type switch
    {
        "event" => Id,
        "error" => Error,
        "info" => Member("msg"),
        _ => $"{Type} {RequestId}",
    };

    public override string ToString() => Text;

    private string Member(string name) => _json.TryGetProperty(name, out var value) ? value.GetString()! : "";
}
