using System.Globalization;
using NUnit.Framework;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>
/// All at once, for some seconds: publishers at two nodes, subscribers that join with <c>last_n</c> and <c>since</c>, topics that are
/// deleted and created again, nodes that are killed and started again, and lost channels. <c>ci/nodes SECONDS --seed N</c> runs it longer.
/// </summary>
[Category("Nodes")]
[Parallelizable(ParallelScope.All)]
public sealed class StormLaws
{
    private const int Retained = 5_000;

    private static readonly int Seconds = Number("PUBSUB_STORM_SECONDS") ?? 8;
    private static readonly int Seed = Number("PUBSUB_STORM_SEED") ?? Random.Shared.Next(1, 1_000_000);
    private static readonly int Topics = Seconds < 60 ? 10 : 100;

    private readonly HistoryRecorder _history = new();

    [Test]
    public async Task Nothing_is_lost_doubled_reordered_or_leaked_in_a_storm()
    {
        TestContext.Out.WriteLine($"seed {Seed}, {Seconds} s, {Topics} topics");
        await using var redis = await RedisServer.StartAsync();
        (string, string)[] settings =
            [("MAX_MESSAGES", Frames.Text(Retained)), ("MAX_QUEUE_SIZE", "100000"), ("REDIS_TIMEOUT", "1")];
        await using var first = await NodeProcess.StartAsync(redis, settings);
        await using var second = await NodeProcess.StartAsync(redis, settings);
        Door[] doors = [first.Door, second.Door];
        string[] topics = [.. Enumerable.Range(0, Topics).Select(number => $"topic-{number}")];
        foreach (var topic in topics)
        {
            await CreateAsync(doors, topic, new Random(Seed));
        }

        await using var traffic = new Traffic(_history, doors, topics, publishersEach: 3, followersEach: 1, mostMilliseconds: 20, Seed);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(Seconds));
        await Task.WhenAll(
            Again(1, 300, random => traffic.JoinAsync(random.Next(2), random)),
            Again(2, 700, random => redis.TellAsync("CLIENT KILL TYPE pubsub")),
            Again(3, 1_000, random => CreateAgainAsync(doors, topics[random.Next(topics.Length)], random)),
            Again(4, 4_000, random => StartAgainAsync(random.Next(2) == 0 ? first : second)));

        await traffic.EndAsync(Retained);
        Assert.That(traffic.Acked, Is.GreaterThan(100));

        // Acts again and again, with pauses of up to this length.
        async Task Again(int part, int mostMilliseconds, Func<Random, Task> act)
        {
            var random = new Random(Seed + part);
            while (!stop.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(mostMilliseconds)));
                await act(random);
            }
        }
    }

    private static async Task StartAgainAsync(NodeProcess node)
    {
        await node.KillAsync();
        await node.RunAsync();
        await node.Door.ReadyAsync();
    }

    /// <summary>Deletes a topic and creates it again; the outcome of the deletion is unknown if no answer comes.</summary>
    private async Task CreateAgainAsync(Door[] doors, string topic, Random random)
    {
        var deletion = _history.Delete(topic);
        if (await StatusAsync(() => doors[random.Next(doors.Length)].DeleteAsync(topic)) is var status and (200 or 404))
        {
            Answer(deletion, status == 200);
        }

        await CreateAsync(doors, topic, random);
    }

    /// <summary>Creates a topic, and tries again while a node is down.</summary>
    private async Task CreateAsync(Door[] doors, string topic, Random random)
    {
        int? status = null;
        while (status is not (201 or 409))
        {
            var creation = _history.Create(topic);
            status = await StatusAsync(() => doors[random.Next(doors.Length)].CreateAsync(topic));
            if (status is 201 or 409)
            {
                Answer(creation, status == 201);
            }
        }
    }

    private static void Answer(Invocation invocation, bool accepted)
    {
        if (accepted)
        {
            invocation.Acked();
        }
        else
        {
            invocation.Refused();
        }
    }

    /// <summary>The status of the answer; null if none comes.</summary>
    private static async Task<int?> StatusAsync(Func<Task<(int Status, System.Text.Json.JsonElement Body)>> ask)
    {
        try
        {
            return (await ask()).Status;
        }
        catch (HttpRequestException)
        {
            return null; // the node is dead
        }
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
