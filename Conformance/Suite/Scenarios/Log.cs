using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

/// <summary>
/// A topic with a publisher, and what it has published: the id and the position of each message, as a witness received them. A position is
/// sent back as the server wrote it, and compared by the time that it means.
/// </summary>
internal sealed class Log
{
    private const int MostPublished = 6_000;

    private readonly Stage _stage;
    private readonly Client _witness;
    private readonly List<ServerMessage> _sent = [];
    private int _number;

    private Log(Stage stage, string topic, Client publisher, Client witness) =>
        (_stage, Topic, Publisher, _witness) = (stage, topic, publisher, witness);

    public string Topic { get; }

    public Client Publisher { get; }

    /// <summary>The events in the order of the topic.</summary>
    public IReadOnlyList<ServerMessage> Sent => _sent;

    /// <summary>The position of the newest message.</summary>
    public string Newest => PositionOf(_sent.Count - 1);

    public static async Task<Log> BeginAsync(Stage stage, int count = 0)
    {
        var topic = await stage.TopicAsync("orders");
        var log = new Log(stage, topic, await stage.ConnectAsync("publisher"), await stage.SubscriberAsync("witness", topic));
        await log.PublishAsync(count);
        return log;
    }

    public string PositionOf(int place) => _sent[place].Timestamp ?? "(no timestamp)";

    /// <summary>The ids of the messages later than the message at this place; of all messages for -1.</summary>
    public IReadOnlyList<string> After(int place) => _sent.Skip(place + 1).Ids();

    /// <summary>Publishes over the WebSocket, a window at a time.</summary>
    public async Task PublishAsync(int count)
    {
        foreach (var some in Ids(count).Chunk(_stage.Burst(32)))
        {
            foreach (var request in await Publisher.SendTogetherAsync(some.Select(id => Request.Publish(Topic, id))))
            {
                await Publisher.ReplyAsync(request).Acked();
            }

            await LearnAsync(some);
        }
    }

    /// <summary>Publishes over HTTP in one request, as many as one subscriber may have outstanding.</summary>
    public async Task PostAsync(int count)
    {
        var ids = Ids(_stage.Burst(count));
        await _stage.Rest.PublishAsync(Topic, [.. ids.Select(id => (id, Request.PlainPayload))]).Succeeded();
        await LearnAsync(ids);
    }

    /// <summary>Publishes until the first message is no longer retained. False if it still is after thousands.</summary>
    public async Task<bool> OverflowAsync()
    {
        for (var more = _stage.Limits.Ring + 3; _sent.Count <= MostPublished; more *= 2)
        {
            await PublishAsync(more);
            var reader = await _stage.ConnectAsync("prober");
            await reader.SubscribeAsync(Topic, _sent.Count).Given("the subscribe is answered");
            var replayed = await reader.EventsUntilAsync(_sent[^1].MessageId!).Given("the newest message is replayed", "PS-RPL-001");
            await reader.DisposeAsync();
            if (replayed.Count < _sent.Count)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The places from which a resume is worth asking for, once something is no longer retained.</summary>
    public IEnumerable<int> Edges()
    {
        var edge = _sent.Count - _stage.Limits.Ring - 1; // after it exactly as many are retained as the ring holds
        return ((int[])[0, edge - 2, edge - 1, edge, edge + 1, _sent.Count - 1])
            .Where(place => place >= 0 && place < _sent.Count)
            .Distinct();
    }

    /// <summary>A subscriber from a position on, and the ack.</summary>
    public async Task<(Client Reader, ServerMessage Ack)> ResumeAsync(string name, string since, string? epoch = null)
    {
        var reader = await _stage.ConnectAsync(name);
        return (reader, await reader.RequestAsync(Request.Resume(Topic, reader.ClientId, since, epoch)).Acked());
    }

    private string[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => $"m{++_number}")];

    private async Task LearnAsync(string[] ids)
    {
        var arrived = (await _witness.EventsUntilAsync(ids[^1]).Given("every message is delivered")).OwnEvents();
        _stage.Require(arrived.Ids().SequenceEqual(ids), "every message is delivered once and in order", "PS-FAN-001");
        _sent.AddRange(arrived);
    }
}
