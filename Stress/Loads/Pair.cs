using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// One publisher and one subscriber with their own topic. Whenever something arrives for either of them, the publisher publishes
/// as much as it has room for, independent of other pairs.
/// </summary>
internal sealed class Pair
{
    private readonly BrokerConnection _publisher;
    private readonly BrokerConnection _subscriber;
    private readonly int _outstanding;
    private bool _stopped = true;

    /// <summary>Begins to subscribe; <see cref="IsReady"/> is true once the server has answered.</summary>
    public Pair(Loop loop, IContender contender, string topic, int number, int payloadBytes, int outstanding)
    {
        _outstanding = outstanding;
        _subscriber = contender.BeginSubscriber(loop, payloadBytes);
        _subscriber.Inbox = new OrderedInbox($"subscriber {number}");
        _subscriber.Subscribe(topic, lastN: 0);
        _subscriber.Flush();
        _publisher = contender.Open(loop, payloadBytes);
        _publisher.PublishTo(topic);
        _publisher.Settled = _subscriber.Settled = Fill;
    }

    public bool IsReady => _subscriber.Unanswered == 0;

    public long Published { get; private set; }

    public long Received => _subscriber.Inbox!.Count;

    public bool IsDrained => Received == Published && _publisher.Unanswered == 0;

    public void Start()
    {
        _stopped = false;
        Fill();
    }

    /// <summary>Publishes one last message, which proves that nothing came twice.</summary>
    public void Stop()
    {
        _stopped = true;
        _publisher.Publish(++Published);
        _publisher.Flush();
    }

    private void Fill()
    {
        var room = _stopped ? 0 : _outstanding - Math.Max(Published - Received, _publisher.Unanswered);
        if (room > 0)
        {
            for (; room > 0; room--)
            {
                _publisher.Publish(++Published);
            }

            _publisher.Flush();
        }
    }
}
