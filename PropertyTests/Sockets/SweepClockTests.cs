using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using PubSub.Hosting.Sockets;

namespace PubSub.PropertyTests.Sockets;

/// <summary>The clock of the deadlines advances with the sweeps, and not while the process is stalled.</summary>
public sealed class SweepClockTests
{
    private const double Interval = 0.25;

    private readonly FakeTimeProvider _time = new();

    [Test]
    public void Time_passes_with_the_sweeps()
    {
        var clock = Clock();

        Assert.That(After(clock, Interval, Interval, 0.3), Is.EqualTo(TimeSpan.FromSeconds(0.8)));
    }

    [Test]
    public void A_sweep_that_is_a_little_late_counts_for_two_at_most() =>
        Assert.That(After(Clock(), 0.74), Is.EqualTo(TimeSpan.FromSeconds(2 * Interval)));

    [TestCase(0.76)]
    [TestCase(4)]
    [TestCase(86_400)]
    public void A_stall_does_not_count_and_neither_does_the_next_sweep(double stall)
    {
        var clock = Clock();
        After(clock, Interval);

        Assert.That(
            After(clock, stall, Interval),
            Is.EqualTo(TimeSpan.FromSeconds(Interval)),
            "the server first reads what arrived meanwhile");
        Assert.That(After(clock, Interval), Is.EqualTo(TimeSpan.FromSeconds(2 * Interval)));
    }

    [Test]
    public void A_stall_after_a_stall_does_not_count_either() =>
        Assert.That(After(Clock(), 4, Interval, 4, Interval, Interval), Is.EqualTo(TimeSpan.FromSeconds(Interval)));

    private SweepClock Clock() => new(_time, TimeSpan.FromSeconds(Interval));

    private TimeSpan After(SweepClock clock, params double[] seconds)
    {
        foreach (var second in seconds)
        {
            _time.Advance(TimeSpan.FromSeconds(second));
            clock.Tick();
        }

        return clock.Now;
    }
}
