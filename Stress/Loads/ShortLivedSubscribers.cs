using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// Subscribers that come with replay, stay a moment, and leave, half of them with a reset; and topics that are created and deleted.
/// What the subscribers receive must have no gap.
/// </summary>
internal sealed class ShortLivedSubscribers(Loop loop, PubSubContender server, string topic, int payloadBytes) : IDisposable
{
    private const int AtATime = 10;
    private const int LastN = 50;

    private readonly Queue<PubSubConnection> _here = [];
    private Task _topic = Task.CompletedTask;

    /// <summary>Subscribers started so far.</summary>
    public long Count { get; private set; }

    public long TopicsUsed { get; private set; }

    public bool IsIdle
    {
        get
        {
            if (_topic.IsCompleted)
            {
                _topic.GetAwaiter().GetResult(); // throws if a request failed
            }

            return _topic.IsCompleted;
        }
    }

    /// <summary>Starts a subscriber, or uses a topic, if fewer than this many were started or used.</summary>
    public void Keep(double visitors, double topics)
    {
        if (Count < visitors)
        {
            Count++;
            var visitor = server.Begin(loop, payloadBytes);
            visitor.Inbox = new TailInbox();
            visitor.Subscribe(topic, LastN);
            _here.Enqueue(visitor);
            if (_here.Count > AtATime)
            {
                var leaving = _here.Dequeue();
                if (Count % 2 == 0)
                {
                    leaving.Reset();
                }
                else
                {
                    leaving.Dispose();
                }
            }
        }

        if (TopicsUsed < topics && IsIdle)
        {
            TopicsUsed++;
            _topic = Use($"{topic}-{TopicsUsed}");
        }
    }

    public void Dispose()
    {
        while (_here.TryDequeue(out var visitor))
        {
            visitor.Dispose();
        }
    }

    private async Task Use(string name)
    {
        if (!await server.ChangeTopic(name, create: true).ConfigureAwait(false)
            || !await server.ChangeTopic(name, create: false).ConfigureAwait(false))
        {
            throw new RunFailed($"{name} could not be created or deleted");
        }
    }
}
