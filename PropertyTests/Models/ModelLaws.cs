using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Models;

public sealed class ModelLaws
{
    /// <summary>Bounds that no history reaches, except three retained messages: these clients read as fast as they can.</summary>
    internal static readonly BrokerLimits Wide = new(MaxQueueSize: 10_000, MaxMessages: 3, MaxReplies: int.MaxValue);

    private static IEnumerable<string> WrongModelNames => WrongModels.All.Keys;

    [Test]
    public void The_broker_agrees_with_the_model() =>
        Law.Holds(
            Histories.All,
            Histories.Shorter,
            history => Agrees(history, new InProcess(history.Limits, history.Disconnects)),
            times: 2000);

    [TestCaseSource(nameof(WrongModelNames))]
    public void Every_wrong_model_is_found(string fault)
    {
        var wrong = WrongModels.All[fault];

        Assert.That(
            () => Law.Holds(
                Histories.All,
                Histories.Shorter,
                history => Agrees(history, wrong(history.Limits, history.Disconnects)),
                times: 2000),
            Throws.Exception.With.Message.Contains("Falsifiable").And.Message.Contains("expected"));
    }

    [TestCase("SlowConsumer", 8)]
    [TestCase("TopicDeleted", 3)]
    [TestCase("Left", 10)]
    [TestCase("no room", 10)]
    [TestCase("has to wait", 5)]
    [TestCase("refused", 1)]
    [TestCase("one too many", 3)]
    [TestCase("not found", 10)]
    [TestCase("exists", 10)]
    [TestCase("busy", 10)]
    [TestCase("over", 10)]
    [TestCase("no client", 10)]
    [TestCase("there already", 10)]
    [TestCase("2 subscribers", 10)]
    [TestCase(" whole in ", 10)]
    [TestCase(" torn in ", 10)]
    [TestCase("True: ", 10)]
    [TestCase("False: ", 10)]
    public void Enough_histories_reach_each_result(string sight, int atLeastPercent)
    {
        const int histories = 1000;
        var seen = Histories.All.Sample(histories, histories)
            .Count(history => history.Expected().Any(step => step.Contains(sight, StringComparison.Ordinal)));

        Assert.That(seen * 100.0 / histories, Is.AtLeast(atLeastPercent));
    }

    [Test]
    public void The_Host_agrees_with_the_model([Values] bool disconnects)
    {
        using var host = Start(disconnects, retained: 3);
        var played = 0;

        Law.Holds(
            Histories.Under(Wide, disconnects),
            Histories.Shorter,
            history => Agrees(history, new OverTheWire(host.Origin, $"case-{played++}-", Threads.Patience)),
            times: 60);
    }

    [TestCase(true, 4)]
    [TestCase(false, 3)]
    public async Task A_Host_that_differs_from_the_model_is_found(bool disconnects, int retained)
    {
        using var host = Start(disconnects, retained);
        var histories = Histories.Under(Wide, disconnects: true).Sample(100, 40);
        var differences = 0;

        for (var played = 0; played < histories.Length; played++)
        {
            var broker = new OverTheWire(host.Origin, $"case-{played}-", TimeSpan.FromSeconds(0.3));
            differences += await DifferenceAsync(histories[played], broker) is null ? 0 : 1;
        }

        Assert.That(differences, Is.GreaterThan(0));
    }

    private static RunningHost Start(bool disconnects, int retained) => new(
        ("MAX_MESSAGES", Frames.Text(retained)),
        ("MAX_QUEUE_SIZE", "10000"),
        ("TOPIC_DELETION", disconnects ? "disconnect" : "unsubscribe"));

    /// <summary>Throws a difference, so that the report shows it.</summary>
    internal static bool Agrees(History history, IBrokerUnderTest broker) =>
        DifferenceAsync(history, broker).GetAwaiter().GetResult() is { } difference
            ? throw new InvalidOperationException(difference)
            : true;

    private static async Task<string?> DifferenceAsync(History history, IBrokerUnderTest broker)
    {
        await using (broker)
        {
            return await history.DifferenceAsync(broker);
        }
    }
}
