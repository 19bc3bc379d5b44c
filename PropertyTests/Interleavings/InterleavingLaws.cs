using System.Globalization;
using NUnit.Framework;
using PubSub.Interleavings.Harness;

namespace PubSub.Interleavings;

/// <summary>Runs the broker's own code in every order of its steps, up to a bound that each test names.</summary>
/// <remarks>
/// To explore more, set <c>PUBSUB_PREEMPTIONS</c> (3 takes minutes) to the number of times that a schedule of the exhaustive search may
/// interrupt a fiber. <c>PUBSUB_SCHEDULES</c> is the number of random programs, and of random schedules of each program of
/// <see cref="Seams"/>.
/// </remarks>
[Parallelizable(ParallelScope.Children)] // each exploration has a scheduler of its own
public sealed class InterleavingLaws
{
    private static readonly int Preemptions = Asked("PUBSUB_PREEMPTIONS", otherwise: 2);

    internal static IEnumerable<TestCaseData> Programs =>
        Seams.All.Select(program => new TestCaseData(program).SetArgDisplayNames(program.Name));

    /// <summary>Races that some schedules must win and others must lose; otherwise the programs test nothing.</summary>
    private static IEnumerable<TestCaseData> Moments =>
    [
        Moment("a subscribe falls between two publishes", "a subscribe among publishes", history =>
            history.Subscribers[0].Taken.Count(got => got.Live && history.Of(got).Fiber == 0) is 1),
        Moment("a resume loses an event that the ring forgets", "a resume among publishes to a small ring", history =>
            history.Subscribers[0].Taken.Exists(got => got.Whole == false)),
        Moment("a resume finds the topic created again", "a resume against a topic created again by a clock set back", history =>
            history.Subscribers[0].Taken.Exists(got => got.Whole == false)),
        Moment("a subscriber is here already when it resumes", "a resume of a subscriber that may be here already", history =>
            history.Deeds.Exists(deed => deed is { Position: not null, Answer: Answer.Already })),
        Moment("a publish with an earlier time comes later", "two subscribers of two publishers", history =>
            history.Deeds.Exists(deed => deed.Step.Fiber == 0 && deed.Stamps is [var stamp] && history.Deeds.Exists(other =>
                other.Step.Fiber == 1 && other.Began < deed.Began && other.Stamps is [var later] && later > stamp))),
        Moment("a batch over the bound is delivered whole", "a batch over the bound against a publish", history =>
            history.Subscribers[0].Taken.Count(got => got.Live && history.Of(got).Frames == 2) == 2),
        Moment("two publishers overtake each other", "two subscribers of two publishers", history =>
            history.Of(history.Subscribers[0].Taken.Find(got => got.Live)).Fiber == 1),
        Moment("an unsubscribe falls between two publishes", "an unsubscribe among publishes", history =>
            history.Subscribers[0].Taken.Count(got => got.Live && history.Of(got).Fiber == 0) is 1),
        Moment("a subscribe comes before the delete", "a delete against a subscribe and a publish", history =>
            Answered(history, Verb.Subscribe, Answer.Joined)),
        Moment("a create meets the topic before its deletion", "a topic created again while its deleter still forgets it", history =>
            Answered(history, Verb.Create, Answer.Exists)),
        Moment("an overflow comes before the close", "an overflow against a close and an unsubscribe", history =>
            history.Subscribers[0].Closed == CloseReason.SlowConsumer),
        Moment("an overflow comes before the reader", "an overflow against a reader", history =>
            history.Subscribers[0].Closed == CloseReason.SlowConsumer),
        Moment("the reader takes no frame before the close", "a reader against a close", history =>
            history.Subscribers[0].Taken.Count == 0),
        Moment("a reader takes all at once", "a reader asleep while two publishers note it", history =>
            history.Deeds.Count(deed => deed.Step.Verb == Verb.Read && deed.Answer == Answer.Yes) == 1),
        Moment("a create is over the limit", "the last free place for a topic", history =>
            Answered(history, Verb.Create, Answer.LimitReached)),
    ];

    [TestCaseSource(nameof(Programs))]
    public void Every_law_holds_in_all_schedules_with_few_preemptions(object given)
    {
        using var explored = new Exploration((Program)given);

        explored.Exhaustively(Preemptions).MustHold();

        TestContext.Out.WriteLine($"{explored.Schedules} schedules, {explored.Outcomes} outcomes");
        Assert.That(explored.Outcomes, Is.GreaterThan(1), "the fibers of the program must race");
    }

    [TestCaseSource(nameof(Programs))]
    public void Every_law_holds_in_schedules_with_any_number_of_preemptions(object given)
    {
        using var explored = new Exploration((Program)given);

        explored.AtRandom(seed: 1, Asked("PUBSUB_SCHEDULES", otherwise: 500)).MustHold();
    }

    [Test]
    public void Every_law_holds_in_random_programs()
    {
        var (schedules, slow, deleted, waited, outcomes) = (0, 0, 0, 0, 0);
        var programs = Asked("PUBSUB_SCHEDULES", otherwise: 500);
        for (var seed = 1; seed <= programs; seed++)
        {
            using var explored = new Exploration(RandomPrograms.Of(seed)) { Seen = Count };
            explored.AtRandom(seed, schedules: 50).MustHold();
            schedules += explored.Schedules;
            outcomes += explored.Outcomes;
        }

        TestContext.Out.WriteLine($"{schedules} schedules of {programs} programs, {outcomes} outcomes; {slow} with a slow consumer, "
            + $"{deleted} with a subscriber disconnected by a delete, {waited} with a fiber that waits in the end");
        Assert.That(new[] { slow, deleted, waited }, Is.All.GreaterThan(schedules / 100), "each happens in more than one of a hundred");
        Assert.That(outcomes, Is.GreaterThan(3 * programs));

        void Count(History history)
        {
            slow += history.Subscribers.Exists(subscriber => subscriber.Closed == CloseReason.SlowConsumer) ? 1 : 0;
            deleted += history.Subscribers.Exists(subscriber => subscriber.Closed == CloseReason.TopicDeleted) ? 1 : 0;
            waited += history.Deeds.Exists(deed => deed.Answer == Answer.None) ? 1 : 0;
        }
    }

    [TestCaseSource(nameof(Programs))]
    public void A_random_schedule_is_the_same_again_by_its_text(object given)
    {
        using var scheduler = new Scheduler();
        for (var seed = 1; seed <= 50; seed++)
        {
            var schedule = Schedule.Random(seed);

            var once = Execution.Of(scheduler, (Program)given, schedule);
            var again = Execution.Of(scheduler, (Program)given, Schedule.Parse($"{schedule}"));

            Assert.That($"{again}", Is.EqualTo($"{once}"));
        }
    }

    [TestCaseSource(nameof(Moments))]
    public void Some_schedules_win_the_race_and_some_do_not(string program, object moment)
    {
        var met = 0;
        using var explored = new Exploration(Seams.Named(program))
        {
            Seen = history => met += ((Func<History, bool>)moment)(history) ? 1 : 0,
        };

        explored.AtRandom(seed: 1, schedules: 500);

        TestContext.Out.WriteLine($"{met} of {explored.Schedules}");
        Assert.That(met, Is.InRange(5, explored.Schedules - 5));
    }

    /// <summary>The broker's sources must be compiled against the types in Shims, and not against those of the runtime.</summary>
    [Test]
    public void The_broker_uses_the_locks_of_the_scheduler()
    {
        var types = typeof(Broker).Assembly.GetTypes().Where(type => type.Namespace == "PubSub");
        const System.Reflection.BindingFlags own = System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance;

        var locks = types.SelectMany(type => type.GetFields(own)).Where(field => field.FieldType.Name == "Lock").ToList();

        Assert.That(locks, Has.Count.EqualTo(4));
        Assert.That(locks.Select(field => field.FieldType), Is.All.EqualTo(typeof(Lock)));
        Assert.That(typeof(Lock).Assembly, Is.EqualTo(typeof(InterleavingLaws).Assembly));
    }

    private static int Asked(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static TestCaseData Moment(string name, string program, Func<History, bool> met) =>
        new TestCaseData(program, met).SetArgDisplayNames(name);

    private static bool Answered(History history, Verb verb, Answer answer) =>
        history.Deeds.Exists(deed => deed.Step.Fiber >= 0 && deed.Step.Verb == verb && deed.Answer == answer);
}
