using NUnit.Framework;
using PubSub.Hosting.Redis;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Redis;

public sealed class TurnTests
{
    private readonly Topic _topic = Shorthand.Create(new Broker(new BrokerLimits()), "a");

    [Test]
    public async Task A_turn_is_taken_once()
    {
        var taken = 0;
        var turn = new Turn("1", (_, _, _) => (SubscribeResult)(taken++ * 0));

        turn.Take(_topic, 1, new Wakes());
        turn.Take(_topic, 2, new Wakes());
        turn.Miss();

        Assert.That((taken, turn.TryWithdraw(), turn.IsOver), Is.EqualTo((1, false, true)));
        Assert.That(await turn.Outcome, Is.Not.Null);
    }

    [Test]
    public void A_turn_that_was_withdrawn_is_not_taken()
    {
        var taken = 0;
        var turn = new Turn("1", (_, _, _) => (SubscribeResult)taken++);

        Assert.That(turn.TryWithdraw(), Is.True);
        turn.Take(_topic, 1, new Wakes());

        Assert.That((taken, turn.Outcome.IsCompleted), Is.EqualTo((0, false)));
    }

    [Test]
    public async Task A_turn_that_was_missed_has_no_result()
    {
        var turn = new Turn("1", (_, _, _) => throw new InvalidOperationException());

        turn.Miss();

        Assert.That(await turn.Outcome, Is.Null);
    }

    [Test]
    public void A_failure_is_the_failure_of_the_one_that_waits()
    {
        var turn = new Turn("1", (_, _, _) => throw new InvalidOperationException());

        turn.Take(_topic, 1, new Wakes());

        Assert.That(async () => await turn.Outcome, Throws.TypeOf<InvalidOperationException>());
    }
}
