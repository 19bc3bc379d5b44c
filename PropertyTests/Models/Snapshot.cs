namespace PubSub.PropertyTests.Models;

/// <summary>Describes the state after a step: the topics, and every client as its session sees it.</summary>
internal static class Snapshot
{
    public static string Of(
        IEnumerable<(string Name, int Subscribers, long Messages)> topics,
        IEnumerable<(int Who, CloseReason Closed, string Reader, bool HasRoom)> clients)
    {
        var seenTopics = topics.Select(topic => $"topic {topic.Name}: {topic.Subscribers} subscribers, {topic.Messages} messages");
        var seenClients = clients.Select(client =>
            $"client {client.Who}: {(client.Closed == CloseReason.None ? "open" : client.Closed)}, "
            + $"{client.Reader}{(client.HasRoom ? "" : ", no room")}");
        return string.Join("\n  ", seenTopics.Concat(seenClients));
    }
}
