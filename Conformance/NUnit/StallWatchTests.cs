using NUnit.Framework;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>A wait during which this process did not run decides nothing.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class StallWatchTests
{
    [Test]
    public void Punctual_ticks_count_as_no_lost_time()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);
        for (var tick = 0; tick < 100; tick++)
        {
            clock.Pass(TimeSpan.FromMilliseconds(220));
            clock.Tick();
        }

        Assert.That(watch.Lost, Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void A_late_tick_counts_as_lost_time_before_and_after_it_comes()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);

        clock.Pass(TimeSpan.FromSeconds(6));

        Assert.That(watch.Lost, Is.EqualTo(TimeSpan.FromSeconds(5.8)));
        clock.Tick();
        Assert.That(watch.Lost, Is.EqualTo(TimeSpan.FromSeconds(5.8)), "it is not counted twice");
    }

    [TestCase(60)]
    [TestCase(-60)]
    public void A_jump_of_the_wall_clock_counts_as_lost_time(int seconds)
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);

        clock.Wall += TimeSpan.FromSeconds(seconds);
        clock.Tick();

        Assert.That(watch.Lost, Is.EqualTo(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task A_stalled_wait_is_repeated_whether_it_returned_or_threw()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);
        var begun = 0;

        var result = await watch.UnstalledAsync(() => ++begun switch
        {
            1 => StallAsync(clock, throws: true),
            2 => StallAsync(clock, throws: false),
            _ => Task.FromResult(begun),
        }, CancellationToken.None);

        Assert.That(result, Is.EqualTo(3));
    }

    [Test]
    public void A_wait_that_is_always_stalled_ends_after_the_last_repeat()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);
        var begun = 0;

        Assert.ThrowsAsync<TimeoutException>(() => watch.UnstalledAsync(() =>
        {
            begun++;
            return StallAsync(clock, throws: true);
        }, CancellationToken.None));
        Assert.That(begun, Is.EqualTo(StallWatch.MostRepeats + 1));
    }

    [Test]
    public async Task A_scenario_that_fails_during_a_stall_is_run_again()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);
        var begun = 0;
        await using var server = new MortalServer();
        var runner = new Runner(Script.Catalogue, server.Target()) { Stalls = watch };

        var outcome = await runner.RunAsync(Script.Scene("stalled", stage =>
        {
            clock.Pass(begun++ == 0 ? TimeSpan.FromSeconds(6) : TimeSpan.Zero);
            stage.Expect.Equal(2, begun, "it runs for the second time");
            return Task.CompletedTask;
        }));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass));
    }

    [Test]
    public async Task A_scenario_that_always_fails_during_a_stall_is_inconclusive()
    {
        var clock = new Clock();
        using var watch = new StallWatch(clock);
        await using var server = new MortalServer();
        var runner = new Runner(Script.Catalogue, server.Target()) { Stalls = watch };

        var outcome = await runner.RunAsync(Script.Scene("stalled", stage =>
        {
            clock.Tick();
            clock.Pass(TimeSpan.FromSeconds(6));
            stage.Expect.True(false, "the server is perfect");
            return Task.CompletedTask;
        }));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Inconclusive));
        Assert.That(outcome.Message, Does.Contain("did not run for 5.8 s"));
    }

    private static Task<int> StallAsync(Clock clock, bool throws)
    {
        clock.Pass(TimeSpan.FromSeconds(6));
        return throws ? throw new TimeoutException() : Task.FromResult(0);
    }

    /// <summary>A clock that only the test advances. Its timers tick when the test calls <see cref="Tick"/>.</summary>
    private sealed class Clock : TimeProvider
    {
        private long _now;
        private Action _ticks = () => { };

        public DateTimeOffset Wall { get; set; } = DateTimeOffset.UnixEpoch;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override DateTimeOffset GetUtcNow() => Wall;

        public void Pass(TimeSpan time)
        {
            _now += time.Ticks;
            Wall += time;
        }

        public void Tick() => _ticks();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _ticks += () => callback(state);
            return new Still();
        }

        private sealed class Still : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                // There is nothing to end.
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
