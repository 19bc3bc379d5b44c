using NUnit.Framework;
using PubSub.Interleavings.Twins;

namespace PubSub.Interleavings;

/// <summary>Each law refutes a broker that breaks it, and the schedule that it reports shows it again.</summary>
public sealed class TeethLaws
{
    private const string CreatedAndAnother = "a topic created again while its deleter still forgets it, and then another";
    private const string ToldInTheMiddle = "a topic created again while the subscribers of the last are still told";

    private static readonly (Func<BrokerLimits, IBroker> Build, string Program, Law Breaks)[] Wrong =
    [
        (limits => new SnapshotThenSend(limits), "two subscribers of two publishers", Laws.All_subscribers_see_one_order),
        (limits => new SnapshotThenSend(limits), "an unsubscribe among publishes", Laws.Nothing_of_a_topic_follows_the_last_word_about_it),
        (
            limits => new ReplaysThenJoins(limits),
            "a subscribe among publishes",
            Laws.A_replay_and_what_is_live_meet_without_gap_or_duplicate),
        (
            limits => new JoinsThenReplays(limits),
            "a subscribe among publishes",
            Laws.An_ack_comes_before_the_replay_and_the_replay_before_what_is_live),
        (
            limits => new JoinsThenReplays(limits),
            "a subscribe among publishes",
            Laws.A_replay_and_what_is_live_meet_without_gap_or_duplicate),
        (limits => new ChecksThenCreates(limits), "two creates of one name", Laws.Topics_are_the_created_without_the_deleted),
        (
            limits => new ChecksRoomThenCreates(limits),
            "the last free place for a topic",
            Laws.A_topic_is_refused_only_when_there_are_too_many),
        (limits => new CountsTheDeleted(limits), CreatedAndAnother, Laws.A_topic_is_refused_only_when_there_are_too_many),
        (
            limits => new ForgetsByName(limits),
            "a topic created again while its deleter still forgets it",
            Laws.Topics_are_the_created_without_the_deleted),
        (limits => new SaysDeletedTooSoon(limits), ToldInTheMiddle, Laws.Nothing_of_a_topic_follows_the_last_word_about_it),
        (limits => new SaysDeletedTooSoon(limits), ToldInTheMiddle, Laws.Some_order_of_the_verbs_explains_everything),
        (
            limits => new PublishesToTheDeleted(limits),
            "a delete against a subscribe and a publish",
            Laws.Some_order_of_the_verbs_explains_everything),
        (limits => new AcksThenLeaves(limits), "an unsubscribe among publishes", Laws.Nothing_of_a_topic_follows_the_last_word_about_it),
        (
            limits => new ChecksTheBoundThenQueues(limits),
            "a bound that two publishers reach at once",
            Laws.No_more_is_outstanding_than_the_bound),
        (limits => new CountsFromWhatItSaw(limits), "an overflow against a reader", Laws.Only_who_is_over_the_bound_is_slow),
        (
            limits => new ChecksClosedThenJoins(limits),
            "a close against a subscribe",
            Laws.Who_is_closed_gets_nothing_more_and_is_in_no_topic),
        (
            limits => new ChecksClosedThenReplies(limits),
            "a reader against a close",
            Laws.Who_is_closed_gets_nothing_more_and_is_in_no_topic),
        (limits => new LooksThenSleeps(limits), "a reader asleep while two publishers note it", Laws.No_wake_up_is_lost),
        (limits => new WakesTwice(limits), "a reader asleep while two publishers note it", Laws.No_verb_fails),
        (limits => new LooksThenWaitsForRoom(limits), "a close against who waits for room", Laws.Room_returns),
        (limits => new LetsPassWithoutRoom(limits), "two that reply to one who waits for room", Laws.Nobody_passes_without_room),
        (limits => new DepartsInsideTheGate(limits), "an overflow in one topic against another", Laws.Nobody_waits_for_a_lock_for_ever),
        (
            limits => new WakesInsideTheGate(limits),
            "a reader against an overflow",
            Laws.Nothing_inside_a_gate_waits_calls_out_or_enters_another),
    ];

    private static IEnumerable<TestCaseData> WrongTwins =>
        Wrong.Select(wrong => new TestCaseData(wrong.Build, wrong.Program, wrong.Breaks)
            .SetArgDisplayNames(wrong.Build(new BrokerLimits()).GetType().Name, wrong.Breaks.Method.Name));

    [TestCaseSource(nameof(WrongTwins))]
    public void A_wrong_twin_is_refuted_by_the_law_that_it_breaks(object build, string program, object breaks)
    {
        var (wrong, law) = ((Func<BrokerLimits, IBroker>)build, ((Law)breaks).Method.Name);
        var explored = new Exploration(Seams.Named(program), wrong) { Only = (Law)breaks }.Exhaustively(preemptions: 2);
        Assert.That(explored.Found, Is.Not.Null, $"in {explored.Schedules} schedules");

        var again = Enumerable.Range(0, 2)
            .Select(_ => new Exploration(Seams.Named(program), wrong).Replay(explored.Found!.Schedule))
            .ToList();

        TestContext.Out.WriteLine($"{explored.Schedules} schedules\n{again[0].Report}");
        Assert.That(again[0].Broken, Does.Contain(law));
        Assert.That(again[1].Report, Is.EqualTo(again[0].Report), "the same schedule shows the same");
    }

    [TestCaseSource(typeof(InterleavingLaws), nameof(InterleavingLaws.Programs))]
    public void The_twin_of_which_no_part_is_exchanged_breaks_no_law(object given) =>
        new Exploration((Program)given, limits => new Twin(limits)).Exhaustively(preemptions: 1).MustHold();

    [Test]
    public void What_is_found_at_random_is_found_again_by_its_schedule()
    {
        var program = Seams.Named("two subscribers of two publishers");
        var explored = new Exploration(program, limits => new SnapshotThenSend(limits)).AtRandom(seed: 1, schedules: 1_000);

        var (broken, _) = new Exploration(program, limits => new SnapshotThenSend(limits)).Replay(explored.Found!.Schedule);

        Assert.That(broken, Does.Contain(explored.Found.Law));
    }

    [Test]
    public void Every_law_has_a_wrong_twin() =>
        Assert.That(Laws.All.Except(Wrong.Select(wrong => wrong.Breaks)).Select(law => law.Method.Name), Is.Empty);

    /// <summary>
    /// The broker itself, with the locks of one file removed. This cannot show a latch: no other thread gets its turn inside one.
    /// </summary>
    [TestCase("Topic", "a subscribe among publishes")]
    [TestCase("Topic", "two subscribers of two publishers")]
    [TestCase("Broker", "two creates of one name")]
    [TestCase("Broker", "the last free place for a topic")]
    public void Without_a_lock_of_its_own_the_broker_breaks_a_law(string guards, string program)
    {
        var explored = new Exploration(Seams.Named(program), porous: guards).Exhaustively(preemptions: 2);

        Assert.That(explored.Found, Is.Not.Null);
        TestContext.Out.WriteLine($"{explored.Schedules} schedules, {explored.Found!.Law}");
    }
}
