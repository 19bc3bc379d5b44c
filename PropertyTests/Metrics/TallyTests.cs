using NUnit.Framework;
using PubSub.Hosting.Metrics;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Metrics;

public sealed class TallyTests
{
    [Test]
    public void Nothing_that_threads_add_at_once_is_lost_and_no_sum_is_less_than_one_before()
    {
        var tally = new Tally();
        var sums = new List<long>();

        Threads.Together([.. Enumerable.Repeat<Action>(Add, 8), Read]);

        Assert.That(tally.Sum(), Is.EqualTo(8 * 30_000));
        Assert.That(sums, Is.Ordered);

        void Add()
        {
            for (var i = 0; i < 10_000; i++)
            {
                tally.Add(3);
            }
        }

        void Read()
        {
            for (var i = 0; i < 10_000; i++)
            {
                sums.Add(tally.Sum());
            }
        }
    }
}
