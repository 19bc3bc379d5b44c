using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about their health and their statistics.</summary>
internal static class Status
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("obs-topics-as-text", "Health writes the number of topics as a string.")
            .Does(server => server.RespellHealth((name, json) => name == "topics" ? $"\"{json}\"" : json))
            .KilledBy("PS-OBS-001", "Health has the number topics")
            .MayBreak("PS-OBS-004"),
        new Mutant("obs-no-subscribers", "Health leaves the subscribers out.")
            .Does(server => server.RespellHealth((name, json) => name == "subscribers" ? null : json))
            .KilledBy("PS-OBS-001", "Health has the number subscribers")
            .KilledBy("PS-OBS-005", "Three subscriptions of two connections are counted as three"),
        new Mutant("obs-snapshot", "Health says for ever what was so when the server started.")
            .Does(server =>
            {
                var first = server.Rest.Health.Call();
                server.Rest.Health.Wrap(_ => () => first);
            })
            .KilledBy("PS-OBS-002", "uptime_seconds grows with time")
            .KilledBy("PS-OBS-004", "The five topics that exist are counted")
            .KilledBy("PS-OBS-005", "Three subscriptions of two connections are counted as three"),
        new Mutant("obs-topics-never-fall", "Health counts the topics that were ever created.")
            .Does(server =>
            {
                var deleted = 0;
                server.Topics.TryDelete.Wrap(next => name =>
                {
                    var isDeleted = next(name);
                    if (isDeleted)
                    {
                        Interlocked.Increment(ref deleted);
                    }

                    return isDeleted;
                });
                server.RespellHealth((name, json) =>
                    name == "topics" ? $"{int.Parse(json, CultureInfo.InvariantCulture) + deleted}" : json);
            })
            .KilledBy("PS-OBS-004", "A deleted topic is not counted"),
        new Mutant("obs-connections-counted", "Health counts connections for subscribers.")
            .Does(server => server.RespellHealth((name, json) => name == "subscribers" ? $"{server.Sessions.Count}" : json))
            .KilledBy("PS-OBS-005", "Subscriptions are counted, not connections"),
        new Mutant("obs-cut-stay-counted", "Health goes on counting a subscriber that was cut.") { UnderLoad = true }
            .Does(server =>
            {
                var cut = 0;
                server.EachSession(session => session.Queue.Overflow.Wrap(next => () =>
                {
                    Interlocked.Increment(ref cut);
                    next();
                }));
                server.RespellHealth((name, json) =>
                    name == "subscribers" ? $"{int.Parse(json, CultureInfo.InvariantCulture) + cut}" : json);
            })
            .KilledBy("PS-OBS-005", "A subscriber that was cut is not counted"),
        new Mutant("obs-uptime-negative", "Uptime is the difference of a local time and one in UTC.")
            .Does(server => server.RespellHealth((name, json) =>
                name == "uptime_seconds" ? $"-{7200 - int.Parse(json, CultureInfo.InvariantCulture)}" : json))
            .KilledBy("PS-OBS-002", "uptime_seconds is a non-negative number"),
        new Mutant("obs-uptime-fractional", "Uptime is a fraction of seconds.")
            .Does(server => server.RespellHealth((name, json) => name == "uptime_seconds" ? $"{json}.25" : json))
            .KilledBy("PS-OBS-003", "uptime_seconds is an integer"),
        new Mutant("obs-names-encoded", "Statistics spell the names of topics as a path does.")
            .Does(server => server.Rest.Statistics.Wrap(next => () =>
            {
                var topics = Member.Of(Member.Of(next()).Single().Json);
                var encoded = Member.Spell(topics.Select(topic => topic with { Name = TopicName.Encode(topic.Name) }));
                return Member.Spell([new Member("topics", encoded)]);
            }))
            .KilledBy("PS-OBS-006", "Every topic has a member of its name with two integers"),
        new Mutant("obs-deliveries", "Deliveries are counted instead of messages.")
            .EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
            {
                topic.Accepted += topic.Subscribers.Count - 1;
                next(@event, publisher);
            }))
            .KilledBy("PS-OBS-007", "Each accepted message counts as one, however many receive it")
            .MayBreak("PS-OBS-008", "PS-PUB-012", "PS-REST-014"),
        new Mutant("obs-distinct-ids", "A message whose id was there before is not counted.")
            .EachTopic(topic =>
            {
                var ids = new HashSet<string>(); // guarded by the gate
                topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var id = Member.Of(request.RawMessage).First(member => member.Name == "id").Json;
                        topic.Accepted -= ids.Add(id) ? 0 : 1;
                        return next(@event, publisher, request, ack);
                    }
                });
            })
            .KilledBy("PS-OBS-007", "Messages are counted, not ids"),
        new Mutant("obs-replays", "Replayed events are counted as messages.")
            .EachTopic(topic => topic.Replayed.Wrap(next => lastN =>
            {
                var replayed = next(lastN).ToList();
                topic.Accepted += replayed.Count;
                return replayed;
            }))
            .KilledBy("PS-OBS-007", "Replayed events are not counted"),
        new Mutant("obs-refused", "A publish that is refused for its message is counted.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
                }
                catch (BadRequest bad) when (bad.Message.StartsWith("message", StringComparison.Ordinal))
                {
                    var name = Member.Of(Encoding.UTF8.GetString(text.Span)).First(member => member.Name == "topic").Text!;
                    if (session.Server.Topics.Find.Call(name) is { } topic)
                    {
                        lock (topic.Gate)
                        {
                            topic.Accepted++;
                        }
                    }

                    throw;
                }
            }))
            .KilledBy("PS-OBS-007", "Of refused and accepted publishes the accepted one is counted"),
        new Mutant("obs-by-publisher", "The messages of a topic are counted by its last publisher, over all topics.")
            .Does(server =>
            {
                var sent = new ConcurrentDictionary<SendQueue, long>();
                server.EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    topic.Accepted = sent.AddOrUpdate(publisher, 1, (_, count) => count + 1);
                    next(@event, publisher);
                }));
            })
            .KilledBy("PS-OBS-007", "The messages of payments are counted there")
            .MayBreak("PS-OBS-008"),
        new Mutant("obs-lost-increments", "Of two messages that are counted at once, one may be lost.")
            .EachSession(session => session.Publish.Wrap(next => (topic, request) =>
            {
                var read = topic.Count.Call().Messages;
                if (read % 8 == 4)
                {
                    SpinWait.SpinUntil(() => topic.Count.Call().Messages != read, TimeSpan.FromMilliseconds(3));
                }

                lock (topic.Gate)
                {
                    topic.Accepted = read;
                    return next(topic, request);
                }
            }))
            .KilledBy("PS-OBS-007", "Each message of concurrent publishers is counted"),
        new Mutant("obs-retained-only", "What is counted is the messages that are retained.")
            .EachTopic(topic => topic.Count.Wrap(_ => () =>
            {
                lock (topic.Gate)
                {
                    return (topic.Subscribers.Count, topic.Retained.Count);
                }
            }))
            .KilledBy("PS-OBS-008", "Messages are counted beyond what is retained"),
        new Mutant("obs-count-survives", "A topic that is created again goes on counting where its namesake ended.")
            .Does(server =>
            {
                var counts = new ConcurrentDictionary<string, long>();
                server.EachTopic(topic =>
                {
                    topic.Accepted = counts.GetValueOrDefault(topic.Name);
                    topic.Delete.Wrap(next => notice =>
                    {
                        counts[topic.Name] = topic.Count.Call().Messages;
                        next(notice);
                    });
                });
            })
            .KilledBy("PS-OBS-008", "A topic created again counts from its own creation"),
        new Mutant("obs-never-shrinks", "An unsubscribe is not counted.")
            .EachTopic(Miscount("unsubscribe", wasSubscribed => wasSubscribed ? 1 : 0))
            .KilledBy("PS-OBS-009", "An unsubscribe takes one away")
            .MayBreak("PS-REST-005")
            .MayBreak("PS-OBS-005"),
        new Mutant("obs-counts-again", "A second subscribe is counted again.")
            .EachTopic(Miscount("subscribe", wasSubscribed => wasSubscribed ? 1 : 0))
            .KilledBy("PS-OBS-009", "One unsubscribe ends what two subscribes made")
            .MayBreak("PS-REST-005", "PS-SUB-006"),
        new Mutant("obs-shrinks-for-strangers", "An unsubscribe that ends nothing is counted.")
            .EachTopic(Miscount("unsubscribe", wasSubscribed => wasSubscribed ? 0 : -1))
            .KilledBy("PS-OBS-009", "An unsubscribe that ends nothing takes nothing away"),
        new Mutant("obs-closed-stays", "A connection that closes cleanly is counted until there is something to send to it.")
            .EachSession(session => session.LeaveAll.Wrap(next => () =>
            {
                if (session.IsLost || session.Queue.Closing?.Code != 1000)
                {
                    next();
                }
            }))
            .KilledBy("PS-OBS-010", "Of the leaver and the stayer, the stayer is counted")
            .MayBreak("PS-REST-005", "PS-SUB-009")
            .MayBreak("PS-OBS-005"),
        new Mutant("obs-reset-stays", "A connection that is reset is counted until there is something to send to it.")
            .EachSession(session => session.LeaveAll.Wrap(next => () =>
            {
                if (!session.IsLost)
                {
                    next();
                }
            }))
            .KilledBy("PS-OBS-011", "one is counted")
            .MayBreak("PS-ROB-007")
            .MayBreak("PS-OBS-005"),
        new Mutant("obs-one-topic-left", "A connection that ends leaves the topic that it subscribed to last.")
            .EachSession(session =>
            {
                Topic? last = null;
                session.Subscribe.Wrap(next => (topic, request) =>
                {
                    last = topic;
                    return next(topic, request);
                });
                session.LeaveAll.Wrap(_ => () => last?.Leave.Call(session.Queue));
            })
            .KilledBy("PS-OBS-010", "the stayer is counted")
            .KilledBy("PS-OBS-011", "the stayer is counted"),
        new Mutant("obs-not-live", "There is nothing at /livez.")
            .Does(AnswerWith("/livez", 404))
            .KilledBy("PS-OBS-012", "GET /livez is answered with 200"),
        new Mutant("obs-ready-without-content", "GET /readyz is answered with 204.")
            .Does(AnswerWith("/readyz", 204))
            .KilledBy("PS-OBS-012", "GET /readyz is answered with 200"),
    ];

    /// <summary>Miscounts subscriptions at requests of one type.</summary>
    /// <param name="type">Subscribe or unsubscribe.</param>
    /// <param name="add">Gets whether the connection is already subscribed, and returns the error to add to the count.</param>
    private static Action<Topic> Miscount(string type, Func<bool, int> add) => topic =>
    {
        var off = 0; // guarded by the gate
        topic.TrySubscribe.Wrap(Counted);
        topic.TryUnsubscribe.Wrap(Counted);
        topic.Count.Wrap(next => () =>
        {
            lock (topic.Gate)
            {
                var (subscribers, messages) = next();
                return (subscribers + off, messages);
            }
        });

        Func<SendQueue, ClientRequest, byte[], bool> Counted(Func<SendQueue, ClientRequest, byte[], bool> next) =>
            (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    off += request.Type == type ? add(topic.Subscribers.Contains(subscriber)) : 0;
                    return next(subscriber, request, ack);
                }
            };
    };

    /// <summary>Answers every request for this path with this status.</summary>
    private static Change AnswerWith(string path, int status) => server =>
        server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
        {
            var answer = await next(request, stopping);
            return request.Path == path ? answer with { Status = status } : answer;
        });
}
