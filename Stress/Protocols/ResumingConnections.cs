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
                _reader.Received(_epoch, message[parsed.Timestamp], parsed.Number(message));
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
internal sealed class ResumingStream : EventStreamConnection
{
    private readonly IResumable _reader;

    public ResumingStream(Loop loop, StreamAddress address, IResumable reader, string? lastEventId)
        : base(loop, address.Address, 0)
    {
        _reader = reader;
        Ask(address, lastEventId);
    }

    public override void Subscribe(string topic, int lastN) => throw new NotSupportedException("It has asked already.");

    protected override void Take(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isFirst)
    {
        var slash = id.LastIndexOf((byte)'/');
        var epoch = slash < 0 ? default : id[..slash];
        var timestamp = slash < 0 ? default : id[(slash + 1)..];
        if (isFirst)
        {
            _reader.Subscribed(data.IsEmpty ? epoch : default, data.IsEmpty ? timestamp : default, isWhole: true);
        }

        if (name.SequenceEqual("gap"u8))
        {
            _reader.Gap();
        }
        else if (!name.IsEmpty)
        {
            throw new RunFailed($"unexpected in a stream: {ServerMessage.Excerpt(data)}");
        }
        else if (!data.IsEmpty)
        {
            _reader.Received(epoch, timestamp, new ServerMessage(data).Number(data));
        }
    }
}
