using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.BrokerParts;

public sealed class RingTests
{
    [Test]
    public void The_last_items_of_a_ring_are_the_newest_it_retains()
    {
        var cases =
            from capacity in Gen.Choose(1, 20)
            from additions in Gen.Choose(0, 70)
            from n in Gen.Choose(0, 25)
            select (capacity, additions, n);

        Law.Holds(
            cases,
            given =>
            {
                var ring = new Ring<int>(given.capacity);
                for (var added = 0; added <= given.additions; added++)
                {
                    var everything = Enumerable.Range(0, added);
                    if (ring.Count != Math.Min(added, given.capacity)
                        || !ring.Last(given.n).SequenceEqual(everything.TakeLast(Math.Min(given.n, given.capacity))))
                    {
                        return false;
                    }

                    ring.Add(added);
                }

                return true;
            },
            times: 500);
    }

    [Test]
    public void The_oldest_of_a_ring_are_those_that_it_forgets_first()
    {
        var cases =
            from capacity in Gen.Choose(1, 20)
            from additions in Gen.Choose(0, 70)
            from n in Gen.Choose(0, 20)
            select (capacity, additions, n);

        Law.Holds(cases, given =>
        {
            var (ring, n) = (Filled(given.capacity, given.additions), Math.Min(given.n, Math.Min(given.capacity, given.additions)));
            var isFull = ring.TryPeekForgotten(out var forgotten);
            var retained = Enumerable.Range(0, given.additions).TakeLast(given.capacity).ToList();

            return ring.Capacity == given.capacity
                && ring.Oldest(n).SequenceEqual(retained.Take(n))
                && isFull == (retained.Count == given.capacity)
                && (!isFull || forgotten == retained[0]);
        });
    }

    [Test]
    public void The_items_of_a_ring_that_meet_a_condition_from_one_on_are_counted()
    {
        var cases =
            from capacity in Gen.Choose(1, 20)
            from additions in Gen.Choose(0, 70)
            from border in Gen.Choose(-1, 71)
            select (capacity, additions, border);

        Law.Holds(
            cases,
            given =>
                Filled(given.capacity, given.additions).CountNewest(item => item > given.border)
                == Enumerable.Range(0, given.additions).TakeLast(given.capacity).Count(item => item > given.border),
            times: 1000);
    }

    [Test]
    public void An_empty_ring_has_no_items()
    {
        var ring = new Ring<int>(3);

        Assert.That(ring.Count, Is.Zero);
        Assert.That(ring.Last(3), Is.Empty);
        Assert.That(ring.Last(int.MaxValue), Is.Empty);
    }

    [Test]
    public void A_ring_of_one_keeps_the_newest()
    {
        var ring = new Ring<string>(1);

        ring.Add("old");
        ring.Add("new");

        Assert.That(ring.Last(int.MaxValue), Is.EqualTo(new[] { "new" }));
        Assert.That(ring.Last(0), Is.Empty);
    }

    [Test]
    public void Reading_a_ring_does_not_change_it()
    {
        var ring = new Ring<int>(3);
        foreach (var item in Enumerable.Range(1, 5))
        {
            ring.Add(item);
        }

        var first = ring.Last(2).ToArray();
        var second = ring.Last(3).ToArray();

        Assert.That(first, Is.EqualTo(new[] { 4, 5 }));
        Assert.That(second, Is.EqualTo(new[] { 3, 4, 5 }));
    }

    [Test]
    public void Memory_grows_with_use_and_not_with_capacity()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var ring = new Ring<long>(100_000_000);
        ring.Add(1);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(allocated, Is.LessThan(10_000));
        Assert.That(ring.Last(1), Is.EqualTo(new[] { 1L }));
    }

    private static Ring<int> Filled(int capacity, int additions)
    {
        var ring = new Ring<int>(capacity);
        for (var added = 0; added < additions; added++)
        {
            ring.Add(added);
        }

        return ring;
    }
}
