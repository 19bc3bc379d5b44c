namespace PubSub.PropertyTests;

/// <summary>Whatever claims to be the broker: <see cref="Model"/>, which is right by definition, and those that are held against it.</summary>
internal interface IBrokerUnderTest : IAsyncDisposable
{
    /// <summary>How long it may take until everybody can see what was done.</summary>
    TimeSpan Patience => TimeSpan.Zero;

    /// <summary>Takes one step and says what came of it.</summary>
    /// <param name="step">Its number, from 0; what is published or answered in it is named after it.</param>
    /// <param name="command">The step.</param>
    ValueTask<string> DoAsync(int step, Command command);

    /// <summary>What can be seen now: see <see cref="Sight"/>.</summary>
    ValueTask<string> LookAsync();
}

/// <summary>What can be seen after a step, in words: the topics, and every client as its session sees it.</summary>
internal static class Sight
{
    public static string Of(
        IEnumerable<(string Name, int Subscribers, long Messages)> topics,
        IEnumerable<(int Who, CloseReason Closed, string Reader, bool HasRoom)> clients)
    {
        var seen = topics.Select(topic => $"topic {topic.Name}: {topic.Subscribers} subscribers, {topic.Messages} messages").Concat(clients.Select(client =>
            $"client {client.Who}: {(client.Closed == CloseReason.None ? "open" : client.Closed)}, {client.Reader}{(client.HasRoom ? "" : ", no room")}"));
        return string.Join("\n  ", seen);
    }
}
