using NUnit.Framework;
using PubSub.Interleavings.Harness;

namespace PubSub.Interleavings;

/// <summary>The search misses no schedule within its bound, and always ends.</summary>
public sealed class SchedulerLaws
{
    private static readonly Scheduler Scheduler = new();

    [TestCase(1, 6)]
    [TestCase(2, 20)]
    [TestCase(3, 70)]
    public void Two_fibers_run_in_every_possible_order(int pauses, int orders)
    {
        var seen = new HashSet<string>();
        var schedules = 0;
        for (var schedule = Schedule.Straight; schedule is not null; schedule = schedule.Next(preemptions: 100))
        {
            var order = "";
            Play(schedule, () => Repeat("a"), () => Repeat("b"));
            seen.Add(order);
            schedules++;

            void Repeat(string own)
            {
                for (var pause = 0; pause < pauses; pause++)
                {
                    order += own;
                    Fiber.Current!.Pause();
                }

                order += own;
            }
        }

        Assert.That(seen, Has.Count.EqualTo(orders), "the number of ways to merge two sequences");
        Assert.That(schedules, Is.EqualTo(orders), "no order is run twice");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void No_schedule_has_more_preemptions_than_its_bound(int bound)
    {
        var most = 0;
        for (var schedule = Schedule.Straight; schedule is not null; schedule = schedule.Next(bound))
        {
            Play(schedule, Pauses, Pauses, Pauses);
            most = Math.Max(most, schedule.Preemptions);
        }

        Assert.That(most, Is.EqualTo(bound));

        static void Pauses()
        {
            Fiber.Current!.Pause();
            Fiber.Current!.Pause();
        }
    }

    [Test]
    public void A_lock_admits_one_fiber_at_a_time()
    {
        for (var schedule = Schedule.Straight; schedule is not null; schedule = schedule.Next(preemptions: 3))
        {
            var (latch, inside) = (new Lock("Subscriber"), 0);

            var stuck = Play(schedule, Enter, Enter, Enter);

            Assert.That(stuck, Is.Empty);
            Assert.That(Scheduler.Fault, Is.Null);

            void Enter()
            {
                lock (latch)
                {
                    inside++;
                    Fiber.Current!.Pause();
                    lock (latch)
                    {
                        Assert.That(inside, Is.EqualTo(1));
                        Assert.That(latch.IsHeldByCurrentThread);
                    }

                    inside--;
                }
            }
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_deadlock_is_found(bool crosswise)
    {
        var deadlocks = 0;
        for (var schedule = Schedule.Straight; schedule is not null; schedule = schedule.Next(preemptions: 1))
        {
            var (one, other) = (new Lock("one"), new Lock("other"));

            var stuck = Play(schedule, () => Enter(one, other), () => Enter(crosswise ? other : one, crosswise ? one : other));

            deadlocks += stuck.Count(fiber => fiber.Wants is not null) == 2 ? 1 : 0;
        }

        Assert.That(deadlocks, crosswise ? Is.GreaterThan(0) : Is.Zero);

        static void Enter(Lock outer, Lock inner)
        {
            lock (outer)
            {
                lock (inner)
                {
                    Fiber.Current!.Pause();
                }
            }
        }
    }

    [Test]
    public void A_program_that_never_ends_is_stopped()
    {
        Play(Schedule.Straight, () =>
        {
            while (true)
            {
                Fiber.Current!.Pause();
            }
        });

        Assert.That(Scheduler.Fault, Is.InstanceOf<TimeoutException>());
    }

    [Test]
    public void A_waiting_fiber_goes_on_only_when_its_condition_holds()
    {
        for (var schedule = Schedule.Straight; schedule is not null; schedule = schedule.Next(preemptions: 3))
        {
            var (open, order) = (false, "");

            var stuck = Play(
                schedule,
                () =>
                {
                    Fiber.Current!.Until(() => open, "the door");
                    order += "in";
                },
                () =>
                {
                    Fiber.Current!.Pause();
                    order += "open ";
                    open = true;
                },
                () => Fiber.Current!.Until(() => false, "what does not come"));

            Assert.That(order, Is.EqualTo("open in"));
            Assert.That(stuck.Single().WaitsFor, Is.EqualTo("what does not come"));
        }
    }

    [TestCase("")]
    [TestCase("0:1")]
    [TestCase("3:2 4:1 17:3")]
    public void A_schedule_is_read_as_it_was_written(string text)
    {
        var schedule = Schedule.Parse(text);
        for (var place = 0; place < 20; place++)
        {
            schedule.Choose(options: 4, canStay: true);
        }

        Assert.That(schedule.ToString(), Is.EqualTo(text));
    }

    private static List<Stuck> Play(Schedule schedule, params Action[] acts) =>
        Scheduler.Play([.. acts.Select((act, place) => new Part($"{place}", act))], schedule, () => { });
}
