using System.Text;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;

namespace PubSub.Stress.Tests;

/// <summary>The correct server with room for every load, optionally with one fault, and a contender that connects to it.</summary>
internal sealed class ScriptedServer : IDisposable
{
    /// <summary>A load of a moment, long enough for every fault to happen.</summary>
    public static readonly ClosedLoad Short = new(
        PayloadBytes: 20,
        Outstanding: 20,
        Warmup: TimeSpan.FromMilliseconds(100),
        Window: TimeSpan.FromMilliseconds(300),
        Repetitions: 1,
        Loops: 1);

    private const int WrongFrom = 100;

    /// <summary>
    /// The faults by name. They affect the message with the number <see cref="WrongFrom"/> or a later one. Messages are numbered from 1
    /// across all topics.
    /// </summary>
    private static readonly Dictionary<string, Change> Wrong = new()
    {
        ["loses one"] = Once((topic, @event, _) => Offer(topic.Subscribers.Skip(1), @event)),
        ["doubles one"] = Once((topic, @event, deliver) =>
        {
            Offer(topic.Subscribers.Take(1), @event);
            deliver(@event);
        }),
        ["doubles the last"] = Each((topic, number, @event, deliver) =>
        {
            Offer(topic.Subscribers.Take(number >= WrongFrom && number % 50 == 0 ? 1 : 0), @event);
            deliver(@event);
        }),
        ["swaps two"] = server =>
        {
            byte[]? held = null;
            Each((_, number, @event, deliver) =>
            {
                if (number == WrongFrom)
                {
                    held = @event;
                    return;
                }

                deliver(@event);
                if (Interlocked.Exchange(ref held, null) is { } late)
                {
                    deliver(late);
                }
            })(server);
        },
        ["has two orders"] = server =>
        {
            byte[]? held = null;
            Each((topic, number, @event, deliver) =>
            {
                if (number >= WrongFrom && number % 5 == 0 && held is null && topic.Subscribers.Count > 1)
                {
                    Offer(topic.Subscribers.Skip(1), @event);
                    held = @event;
                    return;
                }

                deliver(@event);
                if (Interlocked.Exchange(ref held, null) is { } late)
                {
                    Offer(topic.Subscribers.Take(1), late);
                }
            })(server);
        },
        ["swaps two for one"] = server =>
        {
            byte[]? held = null;
            Each((topic, number, @event, deliver) =>
            {
                if (number == WrongFrom)
                {
                    Offer(topic.Subscribers.Skip(1), @event);
                    held = @event;
                    return;
                }

                deliver(@event);
                if (Interlocked.Exchange(ref held, null) is { } late)
                {
                    Offer(topic.Subscribers.Take(1), late);
                }
            })(server);
        },
        ["changes a payload"] = Once((_, @event, deliver) => deliver(Replaced(@event, "xx\"}", "xy\"}"))),
        ["leaks another topic"] = Once((topic, @event, deliver) =>
        {
            Offer(topic.Subscribers.Take(1), Replaced(@event, topic.Name, "another"));
            deliver(@event);
        }),
        ["hangs up"] = Once((topic, @event, deliver) =>
        {
            topic.Server.Sessions.Keys.Single(session => session.Queue == topic.Subscribers[0]).Connection.Reset();
            deliver(@event);
        }),
        ["pauses for a second"] = Once((_, @event, deliver) =>
        {
            // The topic is locked, so every other request for it waits too.
            using var never = new ManualResetEventSlim();
            never.Wait(1000);
            deliver(@event);
        }),
        ["hangs up on joiners"] = server => server.EachSession(session => session.Subscribe.Wrap(subscribe => (topic, request) =>
        {
            var done = subscribe(topic, request);
            if (topic.Count.Call().Messages > 0)
            {
                session.Connection.Reset();
            }

            return done;
        })),
        ["forgets to replay one"] = server => server.EachTopic(topic => topic.Replayed.Wrap(replayed => lastN =>
        {
            var replay = replayed(lastN).ToList();
            if (replay.Count > 10)
            {
                replay.RemoveAt(replay.Count - 2);
            }

            return replay;
        })),
        ["forgets one at a resume"] = Resumes(later => later.RemoveAt(later.Count / 2)),
        ["doubles one at a resume"] = Resumes(later => later.Insert(0, later[0])),
        ["swaps two at a resume"] = Resumes(later => later.Reverse(0, 2)),
        ["tells of a loss that is none"] = server => server.EachTopic(topic => topic.IsWhole.Wrap(_ => _ => false)),
        ["tells of no loss"] = server => server.EachTopic(topic => topic.IsWhole.Wrap(_ => _ => true)),
        ["skips an answer"] = server =>
        {
            var answers = 0;
            server.EachSession(session => session.Queue.Reply.Wrap(reply => text =>
            {
                if (Interlocked.Increment(ref answers) != WrongFrom)
                {
                    reply(text);
                }
            }));
        },
    };

    private readonly SmallServer _server;

    public ScriptedServer(string? wrong = null, Variation? variation = null)
    {
        Change[] wrongs = wrong is null ? [] : [Wrong[wrong]];
        _server = new SmallServer([Roomy, server => server.Variation = variation ?? server.Variation, .. wrongs]);
        Contender = new PubSubContender("scripted", wrong ?? "right", Url, Conformance.Targets.Dialect.V1, pid: null)
        {
            Retained = _server.Settings.Ring,
        };
    }

    /// <summary>Delivers one event. Called under the topic's lock.</summary>
    /// <param name="deliver">Offers an event to every subscriber of the topic.</param>
    private delegate void Delivery(Topic topic, int number, byte[] @event, Action<byte[]> deliver);

    public Uri Url => _server.Origin;

    public PubSubContender Contender { get; }

    public void Dispose()
    {
        Contender.Dispose();
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>No limit of queues, no connection ended with its topic, and a handshake timeout of an hour.</summary>
    private static void Roomy(SmallServer server) => server.Settings = server.Settings with
    {
        QueueSize = int.MaxValue,
        QueueBytes = int.MaxValue,
        TopicDeletion = TopicDeletion.Unsubscribe,
        HandshakeTimeout = TimeSpan.FromHours(1),
    };

    /// <summary>Faults of resumes that lose nothing: one that is told of a loss breaks other laws if it forgets or swaps events.</summary>
    private static Change Resumes(Action<List<byte[]>> wrong) => server => server.EachTopic(topic => topic.Later.Wrap(later => since =>
    {
        var events = later(since).ToList();
        if (events.Count > 2 && events.Count < topic.Retained.Count)
        {
            wrong(events);
        }

        return events;
    }));

    private static Change Each(Delivery delivery) => server =>
    {
        var number = 0;
        server.EachTopic(topic => topic.Deliver.Wrap(deliver => (@event, publisher) =>
            delivery(topic, Interlocked.Increment(ref number), @event, other => deliver(other, publisher))));
    };

    private static Change Once(Action<Topic, byte[], Action<byte[]>> wrong) => Each((topic, number, @event, deliver) =>
    {
        if (number == WrongFrom)
        {
            wrong(topic, @event, deliver);
        }
        else
        {
            deliver(@event);
        }
    });

    private static void Offer(IEnumerable<SendQueue> subscribers, byte[] @event)
    {
        foreach (var subscriber in subscribers)
        {
            subscriber.TryDeliver.Call(@event);
        }
    }

    private static byte[] Replaced(byte[] @event, string part, string by) =>
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(@event).Replace(part, by, StringComparison.Ordinal));
}
