using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Models;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>Two Hosts on one Redis do what the model of one broker does, whichever of them takes each command.</summary>
[TestFixture(Cluster.Garnet)]
[TestFixture(Cluster.Redis)]
[Category("Nodes")]
[Parallelizable(ParallelScope.All)]
public sealed class NodeModelLaws(string store)
{
    [Test]
    public async Task Two_nodes_agree_with_the_model([Values] bool disconnects)
    {
        await using var cluster = await Cluster.StartAsync(
            store,
            ("MAX_MESSAGES", Frames.Text(ModelLaws.Wide.MaxMessages)),
            ("MAX_QUEUE_SIZE", Frames.Text(ModelLaws.Wide.MaxQueueSize)),
            ("TOPIC_DELETION", disconnects ? "disconnect" : "unsubscribe"));
        Uri[] doors = [cluster.A.Origin, cluster.B.Origin];
        var played = 0;

        // Without shrinking: a difference may wait for a minute, and so might each shorter case.
        Law.Holds(
            from history in Histories.Under(ModelLaws.Wide, disconnects).Select(WithoutUnsubscribes)
            from seed in Gen.Choose(0, int.MaxValue)
            select (History: history, Seed: seed),
            one => ModelLaws.Agrees(one.History, new OverTheWire(doors, one.Seed, $"case-{played++}-", Threads.Patience)),
            times: 8);
    }

    /// <summary>
    /// An unsubscribe takes a stamp of the topic here, but none in the model: a position that another topic had before is then no longer
    /// one of the future. <see cref="PairLaws"/> has laws of unsubscribes.
    /// </summary>
    private static History WithoutUnsubscribes(History history) =>
        history with { Steps = [.. history.Steps.Where(step => step is not Command.Unsubscribe)] };
}
