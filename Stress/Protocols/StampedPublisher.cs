using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

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
        var message = $$"""{"id":"{{number}}","payload":"{{_payload}}"}""";
        Write(Text, Encoding.UTF8.GetBytes(
            $$"""{"type":"publish","topic":"{{topic}}","message":{{message}},"request_id":"{{request}}"}"""));
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
