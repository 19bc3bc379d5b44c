using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>What a subscription that may go on from a position receives, by whatever door. Spans are valid only during the call.</summary>
internal interface IResumable
{
    /// <summary>The subscribe was acked.</summary>
    /// <param name="epoch">Of the topic; empty if it was not told.</param>
    /// <param name="timestamp">Of the ack, or the position that a stream begins with; empty if it was not told.</param>
    /// <param name="isWhole">Whether the server says that nothing is missing; a stream says the contrary by <see cref="Gap"/>.</param>
    void Subscribed(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, bool isWhole);

    /// <summary>The server says that events are missing.</summary>
    void Gap();

    void Received(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, long id);
}

/// <summary>Subscribes to one topic over a WebSocket, from a position if it has one.</summary>
internal sealed class ResumingSocket : Connection
{
    private const byte Text = 0x1;

    private readonly IResumable _reader;
    private readonly string _topic;
    private byte[] _epoch = [];

    public ResumingSocket(Loop loop, Endpoint endpoint, IResumable reader, string topic, string? since, string? epoch)
        : base(loop, endpoint, 0)
    {
        (_reader, _topic) = (reader, topic);
        var position = since is null ? "" : $",\"since\":\"{since}\",\"epoch\":\"{epoch}\"";
        Write(Text, Encoding.UTF8.GetBytes(
            $$"""{"type":"subscribe","topic":"{{topic}}","client_id":"stress-{{Key}}"{{position}},"request_id":"{{Digits.Text(1)}}"}"""));
    }

    protected override void Receive(ReadOnlySpan<byte> message)
    {
        var parsed = new ServerMessage(message);
        switch (parsed.Type)
        {
            case "event" when parsed.Topic == _topic:
                _reader.Received(_epoch, message[parsed.Timestamp], ResumingStream.Number(message, parsed));
                break;
            case "ack":
                _epoch = Encoding.ASCII.GetBytes(parsed.Epoch ?? "");
                _reader.Subscribed(_epoch, message[parsed.Timestamp], parsed.Complete ?? true);
                break;
            default:
                throw new RunFailed($"unexpected: {ServerMessage.Excerpt(message)}");
        }
    }
}

/// <summary>Follows one topic by Server-Sent Events, from a position if it has one.</summary>
internal sealed class ResumingStream(Loop loop, StreamAddress address, IResumable reader, string? lastEventId)
    : EventStreamConnection(loop, address, lastEventId, 0)
{
    /// <summary>The number that the id of an event's message is.</summary>
    public static long Number(ReadOnlySpan<byte> message, ServerMessage parsed) =>
        parsed.MessageIdAt >= 0 && Digits.TryRead(message[parsed.MessageIdAt..], out var number)
            ? number
            : throw new RunFailed($"an id that was never sent: {ServerMessage.Excerpt(message)}");

    protected override void Take(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isFirst)
    {
        var slash = id.LastIndexOf((byte)'/');
        var epoch = slash < 0 ? default : id[..slash];
        var timestamp = slash < 0 ? default : id[(slash + 1)..];
        if (isFirst)
        {
            reader.Subscribed(data.IsEmpty ? epoch : default, data.IsEmpty ? timestamp : default, isWhole: true);
        }

        if (name.SequenceEqual("gap"u8))
        {
            reader.Gap();
        }
        else if (!name.IsEmpty)
        {
            throw new RunFailed($"unexpected in a stream: {ServerMessage.Excerpt(data)}");
        }
        else if (!data.IsEmpty)
        {
            reader.Received(epoch, timestamp, Number(data, new ServerMessage(data)));
        }
    }
}

/// <summary>Publishes numbered messages to several topics over a WebSocket.</summary>
/// <param name="loop">Drives the connection.</param>
/// <param name="endpoint">The server's.</param>
/// <param name="payloadBytes">The length of each payload.</param>
internal sealed class StampedPublisher(Loop loop, Endpoint endpoint, int payloadBytes) : Connection(loop, endpoint, 0)
{
    private const byte Text = 0x1;

    private readonly Queue<Action<long>> _unanswered = [];
    private readonly string _payload = new('x', payloadBytes);
    private long _requests;

    public int Unanswered => _unanswered.Count;

    /// <summary>Queues a publish; <see cref="Connection.Flush"/> sends it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="id">The number of the message within it.</param>
    /// <param name="acked">Called with the timestamp of the ack, in ticks.</param>
    public void Publish(string topic, long id, Action<long> acked)
    {
        var (number, request) = (Digits.Text(id), Digits.Text(++_requests));
        Write(Text, Encoding.UTF8.GetBytes(
            $$$"""{"type":"publish","topic":"{{{topic}}}","message":{"id":"{{{number}}}","payload":"{{{_payload}}}"},"request_id":"{{{request}}}"}"""));
        _unanswered.Enqueue(acked);
    }

    protected override void Receive(ReadOnlySpan<byte> message)
    {
        var parsed = new ServerMessage(message);
        if (parsed.Type != "ack" || _unanswered.Count == 0)
        {
            throw new RunFailed($"unexpected: {ServerMessage.Excerpt(message)}");
        }

        _unanswered.Dequeue()(Timestamp.Ticks(message[parsed.Timestamp]));
    }
}
