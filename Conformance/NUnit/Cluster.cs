using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Tests;

/// <summary>
/// Two small servers that are the nodes of one server, because the second uses the topics of the first. A fault makes the cluster wrong.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    public Cluster(Func<Cluster, (Change First, Change Second)>? fault = null)
    {
        var (first, second) = (fault ?? (_ => (_ => { }, UsesTopicsOf(() => First!))))(this);
        First = new SmallServer(first);
        Second = new SmallServer(second);
    }

    public SmallServer First { get; }
    public SmallServer Second { get; }

    /// <summary>The cluster with both of its doors.</summary>
    public Target Target => Target.From(First.Origin) with { Others = [Second.Origin], Lacks = [Capability.Access] };

    /// <summary>Starts the same as a launched server.</summary>
    public static Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation)
    {
        SmallServer? first = null;
        return LaunchedNodes.StartAsync(
            2,
            node => Task.FromResult<LaunchedServer>(new InProcessServer(
                node == 1 ? server => first = server : UsesTopicsOf(() => first!), settings)),
            new Timeouts());
    }

    /// <summary>A node without topics of its own.</summary>
    public static Change UsesTopicsOf(Func<SmallServer> other) => server =>
    {
        server.Topics.All.Wrap(_ => () => other().Topics.All.Call());
        server.Topics.Count.Wrap(_ => () => other().Topics.Count.Call());
        server.Topics.RetainedBytes.Wrap(_ => () => other().Topics.RetainedBytes.Call());
        server.Topics.Find.Wrap(_ => name => other().Topics.Find.Call(name));
        server.Topics.TryCreate.Wrap(_ => name => other().Topics.TryCreate.Call(name));
        server.Topics.TryDelete.Wrap(_ => name => other().Topics.TryDelete.Call(name));
    };

    /// <summary>Nodes that share the names of topics, and nothing else.</summary>
    public static (Change First, Change Second) SharesOnlyNames(Cluster cluster)
    {
        return (Tells(() => cluster.Second), Tells(() => cluster.First));

        static Change Tells(Func<SmallServer> other) => server =>
        {
            server.Topics.TryCreate.Wrap(next => name =>
            {
                other().Topics.ByName.TryAdd(name, other().NewTopic.Call(name));
                return next(name);
            });
            server.Topics.TryDelete.Wrap(next => name =>
            {
                if (other().Topics.ByName.TryRemove(name, out var topic))
                {
                    topic.Delete.Call(other().Messages.Deleted.Call(name));
                }

                return next(name);
            });
        };
    }

    /// <summary>Nodes that deliver an event at once to their own subscribers, and later to those of the other node.</summary>
    public static (Change First, Change Second) DeliversLocallyFirst(Cluster cluster) => cluster.Faulty(topic =>
    {
        var last = Task.CompletedTask;
        topic.Deliver.Wrap(_ => (@event, publisher) =>
        {
            var home = cluster.HomeOf(publisher);
            topic.Subscribers.RemoveAll(subscriber => cluster.HomeOf(subscriber) == home && !subscriber.TryDeliver.Call(@event));
            last = LaterAsync(last, Task.Delay(TimeSpan.FromMilliseconds(20)), @event, home);
        });

        async Task LaterAsync(Task before, Task due, byte[] @event, SmallServer home)
        {
            await Task.WhenAll(before, due);
            lock (topic.Gate)
            {
                topic.Subscribers.RemoveAll(subscriber => cluster.HomeOf(subscriber) != home && !subscriber.TryDeliver.Call(@event));
            }
        }
    });

    /// <summary>Nodes that deliver an event twice to the subscribers of the other node.</summary>
    public static (Change First, Change Second) DoublesEvents(Cluster cluster) => cluster.Faulty(topic =>
        topic.Deliver.Wrap(next => (@event, publisher) =>
        {
            next(@event, publisher);
            var home = cluster.HomeOf(publisher);
            topic.Subscribers.RemoveAll(subscriber => cluster.HomeOf(subscriber) != home && !subscriber.TryDeliver.Call(@event));
        }));

    /// <summary>Nodes of which only the first tells its subscribers that a topic is deleted.</summary>
    public static (Change First, Change Second) TellsDeletionsAtOneDoor(Cluster cluster) => cluster.Faulty(topic =>
        topic.Dismiss.Wrap(next => (subscriber, notice) =>
        {
            if (cluster.HomeOf(subscriber) == cluster.First)
            {
                next(subscriber, notice);
            }
        }));

    /// <summary>Nodes that count their own subscriptions only.</summary>
    public static (Change First, Change Second) CountsOfOneNode(Cluster cluster)
    {
        var asked = new AsyncLocal<SmallServer?>();
        var (first, second) = cluster.Faulty(topic => topic.Count.Wrap(next => () =>
        {
            lock (topic.Gate)
            {
                return (topic.Subscribers.Count(subscriber => cluster.HomeOf(subscriber) == asked.Value), next().Messages);
            }
        }));
        return (first + IsAsked, second + IsAsked);

        void IsAsked(SmallServer server) => server.AnswerAsync.Wrap(next => (request, stopping) =>
        {
            asked.Value = server;
            return next(request, stopping);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
    }

    private (Change First, Change Second) Faulty(Action<Gallery.Servers.Topic> fault) =>
        (server => server.EachTopic(fault), UsesTopicsOf(() => First));

    private SmallServer HomeOf(SendQueue queue) =>
        First.Streams.ContainsKey(queue) || First.Sessions.Keys.Any(session => session.Queue == queue) ? First : Second;
}
