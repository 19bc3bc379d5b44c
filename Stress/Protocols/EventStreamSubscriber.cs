using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>Subscribes to one topic by Server-Sent Events. Every event must carry the topic and the payload published.</summary>
/// <param name="loop">Drives the connection.</param>
/// <param name="endpoint">The server's, for HTTP.</param>
/// <param name="address">Where a topic's stream is.</param>
/// <param name="spelling">As for a WebSocket.</param>
/// <param name="receiveBuffer">As for any connection.</param>
internal sealed class EventStreamSubscriber(
    Loop loop, Endpoint endpoint, Func<string, StreamAddress> address, PubSubSpelling spelling, int receiveBuffer)
    : EventStreamConnection(loop, endpoint, receiveBuffer)
{
    private string? _topic;
    private FrameShape? _events;

    public override void Subscribe(string topic, int lastN)
    {
        _topic = topic;
        Ask(address(topic), lastEventId: null);
    }

    protected override void Take(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isFirst)
    {
        if (_events is not null && name.IsEmpty && _events.TryRead(data, out var number))
        {
            Inbox?.Take(number);
        }
        else if (!data.IsEmpty)
        {
            Parse(data);
        }
    }

    private void Parse(ReadOnlySpan<byte> data)
    {
        var message = new ServerMessage(data);
        if (message.Type != "event" || message.Topic != _topic || !data[message.Payload].SequenceEqual(spelling.Payload)
            || message.MessageIdAt < 0 || !Digits.TryRead(data[(message.MessageIdAt + spelling.IdPrefix.Length)..], out var number))
        {
            throw new RunFailed($"unexpected: {ServerMessage.Excerpt(data)}");
        }

        _events = FrameShape.Learn(data, message.MessageIdAt + spelling.IdPrefix.Length, message.Timestamp);
        Inbox?.Take(number);
    }
}
