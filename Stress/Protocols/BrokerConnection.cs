using PubSub.Stress.Measure;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>A connection that publishes and subscribes, in the protocol of one kind of server.</summary>
internal abstract class BrokerConnection(Loop loop, Endpoint endpoint, int receiveBuffer) : Connection(loop, endpoint, receiveBuffer)
{
    /// <summary>Receives the events of this connection's subscription.</summary>
    public Inbox? Inbox { get; set; }

    /// <summary>Collects the round trip of every answered publish, if set.</summary>
    public Latencies? RoundTrips { get; set; }

    /// <summary>Requests sent that the server must answer and has not.</summary>
    public abstract int Unanswered { get; }

    /// <summary>Queues the request; <see cref="Connection.Flush"/> sends it.</summary>
    public abstract void Subscribe(string topic, int lastN);

    /// <summary>Sets the topic for <see cref="Publish"/>.</summary>
    public abstract void PublishTo(string topic);

    /// <summary>Queues one message; <see cref="Connection.Flush"/> sends it.</summary>
    public abstract void Publish(long id);

    protected override void Settle() => Inbox?.Settle();
}
