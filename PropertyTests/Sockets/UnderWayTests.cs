using NUnit.Framework;
using PubSub.Hosting.Sockets;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Sockets;

public sealed class UnderWayTests
{
    private readonly Subscriber _subscriber = new Broker(new BrokerLimits()).Admit();

    [Test]
    public async Task Answers_keep_the_order_of_the_requests()
    {
        var underWay = new UnderWay(_subscriber);
        var outcomes = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource<Publication>()).ToList();
        foreach (var (i, outcome) in outcomes.Index())
        {
            await underWay.AddAsync(new(outcome.Task), 10, (_, failure) => Frames.Of(failure is null ? i : -i));
        }

        Assert.That((underWay.Bytes, underWay.SettleAsync().IsCompleted), Is.EqualTo((30, false)));
        outcomes[2].SetResult(default);
        outcomes[1].SetException(new IOException());
        outcomes[0].SetResult(default);
        await underWay.SettleAsync();

        Assert.That(underWay.Bytes, Is.Zero);
        Assert.That(
            _subscriber.TakeAll(),
            Is.EqualTo(new[] { "0", "-1", "2" }));
    }

    [TestCase(255, 1, ExpectedResult = true)]
    [TestCase(256, 1, ExpectedResult = false)]
    [TestCase(1, (1024 * 1024) - 1, ExpectedResult = true)]
    [TestCase(1, 1024 * 1024, ExpectedResult = false)]
    public bool There_is_room_for_so_many(int publishes, int bytes)
    {
        var underWay = new UnderWay(_subscriber);
        var never = new TaskCompletionSource<Publication>();
        ValueTask room = default;
        for (var i = 0; i < publishes; i++)
        {
            room = underWay.AddAsync(new(never.Task), bytes, (_, _) => Frames.Of(0));
        }

        return room.IsCompleted;
    }
}
