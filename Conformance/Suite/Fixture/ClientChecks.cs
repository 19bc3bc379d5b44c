using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Fixture;

/// <summary>Decisive checks of what one client receives; those of single values are in <see cref="Expect"/>.</summary>
public static class ClientChecks
{
    /// <summary>
    /// These events and no others, in this order, ahead of a sentinel. A missing sentinel is a violation too: it is one more lost
    /// message.
    /// </summary>
    public static async Task ReceivesExactlyAsync(
        this Receiver client, IEnumerable<string> ids, Client behind, string topic, string expectation)
    {
        var events = await client.EventsAheadOfSentinelAsync(behind, topic).For(expectation);
        client.Stage.Expect.Sequence(ids, events.Ids(), expectation);
    }

    /// <summary>As <see cref="ReceivesExactlyAsync"/>, in any order.</summary>
    public static async Task ReceivesEachOnceAsync(
        this Receiver client, IEnumerable<string> ids, Client behind, string topic, string expectation)
    {
        var events = await client.EventsAheadOfSentinelAsync(behind, topic).For(expectation);
        client.Stage.Expect.SameItems(ids, events.Ids(), expectation);
    }

    /// <summary>These events come in this order. That each comes once is another requirement and a precondition here.</summary>
    public static async Task ReceivesInOrderAsync(this Receiver client, string[] ids, Client behind, string topic, string expectation)
    {
        var events = await client.EventsAheadOfSentinelAsync(behind, topic).Given($"the sentinel reaches {client.Name}");
        client.Stage.Require(!ids.Except(events.Ids()).Any(), "every message is delivered", "PS-FAN-001");
        client.Stage.Expect.Sequence(ids.Intersect(events.Ids()), events.Ids().Intersect(ids), expectation);
    }

    /// <summary>
    /// No event at all ahead of a sentinel on the topic. A missing sentinel is inconclusive: the connection may receive nothing at all.
    /// </summary>
    public static async Task ReceivesNothingAsync(this Receiver client, Client behind, string topic, string expectation)
    {
        var events = await client.EventsAheadOfSentinelAsync(behind, topic).Given($"the sentinel reaches {client.Name}");
        client.Stage.Expect.Sequence([], events.Ids(), expectation);
    }

    /// <summary>
    /// No message that fits arrived before the answer to a ping sent now; every message already queued arrives ahead of that answer.
    /// A missing answer is inconclusive.
    /// </summary>
    public static async Task HasReceivedNoneAsync(this Client client, Func<ServerMessage, bool> which, string expectation)
    {
        await client.PingAsync().Given($"{client.Name} is answered");
        var received = client.Unread.Where(which).ToList();
        client.Stage.Expect.True(received.Count == 0, expectation, string.Join(" | ", received.Take(3)));
    }
}
