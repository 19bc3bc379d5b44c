using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Models;

/// <summary>A sequence of steps, and the bounds of the broker that takes them.</summary>
/// <param name="Disconnects">Whether the deletion of a topic closes its subscribers.</param>
internal sealed record History(BrokerLimits Limits, bool Disconnects, Command[] Steps)
{
    /// <summary>Whether stamps are compared; not with a broker whose clock is its own.</summary>
    public bool IsStamped { get; init; } = true;

    /// <summary>The results of these steps in the model.</summary>
    public IReadOnlyList<string> Expected()
    {
        var model = new Model(Limits, Disconnects, IsStamped);
        return [.. Steps.Select((command, step) => $"{model.DoAsync(step, command).Result}\n  {model.LookAsync().Result}")];
    }

    /// <summary>Takes the same steps with another broker, up to the first result that differs.</summary>
    /// <returns>The difference, or null.</returns>
    public async Task<string?> DifferenceAsync(IBrokerUnderTest broker)
    {
        var expected = Expected();
        for (var step = 0; step < Steps.Length; step++)
        {
            var answer = await broker.DoAsync(step, Steps[step]);
            var clock = TimeProvider.System.GetTimestamp();
            var seen = $"{answer}\n  {await broker.LookAsync()}";
            while (seen != expected[step] && TimeProvider.System.GetElapsedTime(clock) < broker.Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5));
                seen = $"{answer}\n  {await broker.LookAsync()}";
            }

            if (seen != expected[step])
            {
                return $"step {step}, {Steps[step]}:\nexpected {expected[step]}\nseen {seen}";
            }
        }

        return null;
    }

    public override string ToString() =>
        new StringBuilder()
            .AppendLine($"{Limits}, Disconnects = {Disconnects}")
            .AppendJoin('\n', Steps.Select((command, step) => $"{step,3}  {command}"))
            .ToString();
}

/// <summary>Generates histories. Bounds are small, so that they are reached; names look alike; many clients do not read.</summary>
internal static class Histories
{
    private const int MostSteps = 70;

    private static readonly Gen<int> Who = Gen.Elements(0, 0, 1, 1, 2);
    private static readonly Gen<string> Topic = Gen.Elements("a", "a", "a", "A", "b", "b");
    private static readonly Gen<int> LastN =
        Gen.Frequency((3, Gen.Constant(0)), (6, Gen.Choose(1, 6)), (1, Gen.Constant(int.MaxValue)));
    private static readonly Gen<int> Size = Gen.Frequency((8, Gen.Choose(36, 40)), (2, Gen.Choose(41, 200)));
    private static readonly Gen<int> Back = Gen.Frequency((2, Gen.Choose(0, 4)), (1, Gen.Choose(0, 40)));
    private static readonly Gen<bool> Any = Gen.Elements(true, false);

    private static readonly Gen<BrokerLimits> Limits =
        from queue in Gen.Choose(1, 6)
        from messages in Gen.Choose(1, 5)
        from bytes in Gen.Frequency((3, Gen.Constant(3000)), (2, Gen.Choose(80, 180)))
        from topics in Gen.Choose(1, 3)
        from subscriptions in Gen.Elements(1, 2, 100)
        from replies in Gen.Frequency((3, Gen.Constant(100)), (2, Gen.Choose(1, 6)))
        select new BrokerLimits(queue, messages, bytes, topics, subscriptions, replies);

    /// <summary>Histories under any bounds.</summary>
    public static readonly Gen<History> All =
        from limits in Limits
        from disconnects in Any
        from steps in Law.RowsOf(Steps(inProcess: true), MostSteps)
        select new History(limits, disconnects, [.. Beginning, .. steps]);

    /// <summary>
    /// Histories under the bounds of a running server; no client holds a frame back, and only the server has a clock and knows epochs.
    /// </summary>
    public static Gen<History> Under(BrokerLimits limits, bool disconnects) =>
        from steps in Law.RowsOf(Steps(inProcess: false), MostSteps)
        select new History(limits, disconnects, [.. Beginning, .. steps]) { IsStamped = false };

    /// <summary>The same history with fewer steps.</summary>
    public static IEnumerable<History> Shorter(History history) =>
        Law.Shorter(history.Steps).Select(steps => history with { Steps = steps });

    // Most steps need a client and a topic.
    private static IEnumerable<Command> Beginning =>
        [new Command.Connect(0), new Command.Connect(1), new Command.Create("a"), new Command.Create("b")];

    private static Gen<Command> Steps(bool inProcess) =>
        Gen.Frequency([.. Everywhere(inProcess), .. inProcess ? OnlyInProcess : []]);

    private static (int, Gen<Command>)[] Everywhere(bool inProcess) =>
    [
        (2, from who in Who select (Command)new Command.Connect(who)),
        (1, from who in Who from abruptly in Any select (Command)new Command.Leave(who, abruptly)),
        (2, from topic in Topic select (Command)new Command.Create(topic)),
        (1, from topic in Topic select (Command)new Command.Delete(topic)),
        (6,
            from who in Who
            from topic in Topic
            from lastN in LastN
            select (Command)new Command.Subscribe(who, topic, lastN)),
        (5,
            from who in Who
            from topic in Topic
            from since in Position(inProcess)
            select (Command)new Command.Resume(who, topic, since)),
        (2, from who in Who from topic in Topic select (Command)new Command.Unsubscribe(who, topic)),
        (14,
            from who in Who
            from topic in Topic
            from size in Size
            select (Command)new Command.Publish(who, topic, size)),
        (8,
            from who in Who
            from count in Gen.Choose(1, 12)
            from hold in Any
            select (Command)new Command.Read(who, count, hold && inProcess)),
    ];

    private static (int, Gen<Command>)[] OnlyInProcess =>
    [
        (3,
            from who in Who
            from topic in Topic
            from size in Size
            from count in Gen.Choose(1, 7)
            select (Command)new Command.PublishAll(who, topic, size, count)),
        (2,
            from topic in Topic
            from lastN in LastN
            from isNewest in Any
            from since in Position(withEpochs: true)
            select (Command)new Command.Fetch(topic, isNewest ? lastN : null, since)),
        (2, from ticks in Gen.Choose(-30, 10) select (Command)new Command.SetClock(ticks)),
    ];

    private static Gen<Seen> Position(bool withEpochs) =>
        from back in Back
        from named in Any
        select new Seen(back, named && withEpochs);
}
