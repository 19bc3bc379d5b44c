using NUnit.Framework;
using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>For each thing that can be wrong: the smallest history that shows it, and the nearest one that does not.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class HistoryCheckerTests
{
    [Test]
    public void An_empty_history_is_right() => new Recording().IsRight();

    [Test]
    public void A_message_published_after_the_ack_and_before_the_unsubscribe_is_owed()
    {
        var told = new Recording();
        told.Subscribed("reader-2");
        told.Published("m7");
        told.Unsubscribed("reader-2");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader-2 never received m7 of orders, although it was published (3..4) after its subscribe was acked (2) and before it unsubscribed (5)");
    }

    [Test]
    public void A_message_is_owed_to_whoever_stays()
    {
        var told = new Recording();
        told.Subscribed("reader-2");
        told.Published("m7");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader-2 never received m7 of orders, although it was published (3..4) after its subscribe was acked (2) and it stayed subscribed");
    }

    [Test]
    public void A_message_whose_publish_overlaps_the_subscribe_is_not_owed()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader");
        told.Published("m1");
        subscribe.Acked();

        told.IsRight();
    }

    [Test]
    public void A_message_whose_publish_overlaps_the_unsubscribe_is_not_owed()
    {
        var told = new Recording();
        told.Subscribed("reader");
        var publish = told.Publish("m1");
        var unsubscribe = told.Unsubscribe("reader");
        publish.Acked();
        unsubscribe.Acked();

        told.IsRight();
    }

    [Test]
    public void A_message_whose_publish_was_never_answered_or_refused_is_not_owed()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Publish("m1");
        told.Publish("m2").Refused();

        told.IsRight();
    }

    [Test]
    public void A_message_whose_publish_was_never_answered_is_owed_to_all_when_one_received_it()
    {
        var told = new Recording();
        told.Subscribed("reader-1");
        told.Subscribed("reader-2");
        told.Publish("m1");
        told.Received("reader-1", "m1");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader-2 never received m1 of orders, although it was published (5..) after its subscribe was acked (4) and it stayed subscribed");
    }

    [Test]
    public void Who_has_left_is_owed_what_was_acked_before()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        var overlapping = told.Publish("m2");
        told.Left("reader");
        overlapping.Acked();
        told.Published("m3");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader never received m1 of orders, although it was published (3..4) after its subscribe was acked (2) and before it left (6)");
    }

    [Test]
    public void Who_was_cut_may_lack_what_came_last()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Published("m2");
        told.Published("m3");
        told.Received("reader", "m1");
        told.Cut("reader");

        told.IsRight();
    }

    [Test]
    public void Who_was_cut_lacks_nothing_in_the_middle()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Published("m2");
        told.Published("m3");
        told.Received("reader", "m1 m3");
        told.Cut("reader");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader never received m2 of orders, although it was published (5..6) after its subscribe was acked (2) and before m3 (7..8), which it received");
    }

    [Test]
    public void Who_was_cut_lacks_nothing_in_the_middle_of_one_publisher_s_messages_that_all_overlapped()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader");
        Invocation[] publishes = [told.Publish("m1"), told.Publish("m2"), told.Publish("m3")];
        Array.ForEach(publishes, publish => publish.Acked());
        subscribe.Acked();
        told.Received("reader", "m1 m3");
        told.Cut("reader");

        told.IsWrong(
            AnomalyKind.Gap,
            "reader never received m2 of orders, although it was published (3..6) after m1 (2..5), which it received, and before m3 (4..7), which it received");
    }

    [Test]
    public void Who_was_cut_lacks_nothing_that_another_received_in_the_middle()
    {
        var told = new Recording();
        told.Subscribed("reader-1");
        told.Subscribed("reader-2");
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        told.Received("reader-1", "m1 m2 m3");
        told.Received("reader-2", "m1 m3");
        told.Cut("reader-2");

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "reader-2 never received m2 of orders, although it was published (6..9) after its subscribe was acked (4) "
            + "and before m3 (7..10), which it received, in the order that reader-1 shows");
    }

    [Test]
    public void Who_was_cut_may_lack_what_another_received_last()
    {
        var told = new Recording();
        told.Subscribed("reader-1");
        told.Subscribed("reader-2");
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        told.Received("reader-1", "m1 m3 m2");
        told.Received("reader-2", "m1 m3");
        told.Cut("reader-2");

        told.IsRight();
    }

    [Test]
    public void Any_message_received_later_shows_what_is_missing_before()
    {
        var told = new Recording();
        told.Subscribed("reader");
        var overlapping = told.Publish("m1", "alice");
        told.Published("m2", "bob");
        told.Published("m3", "carol");
        overlapping.Acked();
        told.Received("reader", "m3 m1");
        told.Cut("reader");

        told.IsWrong(
            AnomalyKind.Lost,
            "reader never received m2 of orders, although it was published (4..5) after its subscribe was acked (2) and before m3 (6..7), which it received");
    }

    [Test]
    public void Any_message_received_earlier_shows_what_is_missing_after()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader");
        told.Published("m1", "alice");
        var overlapping = told.Publish("m3", "carol");
        told.Published("m2", "bob");
        overlapping.Acked();
        subscribe.Acked();
        told.Received("reader", "m1 m3");

        told.IsWrong(
            AnomalyKind.Gap,
            "reader never received m2 of orders, although it was published (5..6) after m1 (2..3), which it received, and it stayed subscribed");
    }

    [Test]
    public void A_message_received_twice_in_one_subscription_is_a_duplicate()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Published("m2");
        told.Received("reader", "m1 m2 m1");

        told.IsWrong(AnomalyKind.Duplicated, "reader received m1 of orders twice in one subscription (7 and 9)");
    }

    [Test]
    public void A_message_replayed_and_then_received_live_is_a_duplicate()
    {
        var told = new Recording();
        var publish = told.Publish("m1");
        told.Subscribed("reader", lastN: 5);
        told.Received("reader", "m1 m1");
        publish.Acked();

        told.IsWrong(AnomalyKind.Duplicated, "reader received m1 of orders twice in one subscription (4 and 5)");
    }

    [Test]
    public void A_message_received_live_and_replayed_to_the_next_subscription_is_none()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Received("reader", "m1");
        told.Unsubscribed("reader");
        told.Subscribed("reader", lastN: 1);
        told.Received("reader", "m1");

        told.IsRight();
        told.IsRight(retained: 1);
    }

    [Test]
    public void A_subscribe_by_who_is_subscribed_begins_nothing_new()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Received("reader", "m1");
        told.Subscribed("reader", lastN: 1);
        told.IsRight(retained: 1);

        told.Received("reader", "m1");
        told.IsWrong(AnomalyKind.Duplicated, "reader received m1 of orders twice in one subscription (5 and 8)", retained: 1);
    }

    [Test]
    public void What_nobody_published_is_a_phantom()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Phantom, "reader received m1 of orders (3), which nobody published");
    }

    [Test]
    public void What_was_refused_is_a_phantom()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Publish("m1").Refused();
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Phantom, "reader received m1 of orders (5), although its publish (3..4) was refused");
    }

    [Test]
    public void What_is_received_before_it_was_published_is_a_phantom()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Received("reader", "m1");
        told.Publish("m1");

        told.IsWrong(AnomalyKind.Phantom, "reader received m1 of orders (3) before it was published (4..)");
    }

    [Test]
    public void What_was_published_without_an_answer_is_none()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Publish("m1");
        told.Received("reader", "m1");

        told.IsRight();
    }

    [Test]
    public void What_was_published_to_another_topic_is_leaked()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1", topic: "payments");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Leaked, "reader received m1 of orders (5), although it was published to payments (3..4)");
    }

    [Test]
    public void What_is_received_without_a_subscription_is_leaked()
    {
        var told = new Recording();
        told.Subscribed("reader", topic: "payments");
        told.Published("m1");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Leaked, "reader received m1 of orders (5), but had not subscribed to it");
    }

    [Test]
    public void What_is_received_after_the_unsubscribe_was_acked_is_leaked()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Unsubscribed("reader");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Leaked, "reader received m1 of orders (7), but its unsubscribe had been acked (6)");
    }

    [Test]
    public void What_is_received_before_the_unsubscribe_is_acked_is_none()
    {
        var told = new Recording();
        told.Subscribed("reader");
        var unsubscribe = told.Unsubscribe("reader");
        told.Published("m1");
        told.Received("reader", "m1");
        unsubscribe.Acked();

        told.IsRight();
    }

    [Test]
    public void What_is_received_after_a_subscribe_was_refused_is_leaked()
    {
        var told = new Recording();
        told.Subscribe("reader").Refused();
        told.Published("m1");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.Leaked, "reader received m1 of orders (5), but had not subscribed to it");
    }

    [Test]
    public void One_topic_s_messages_may_have_the_ids_of_another_s()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Published("m1", topic: "payments");
        told.Received("reader", "m1");

        told.IsRight();
    }

    [Test]
    public void What_is_received_before_the_ack_of_the_subscribe_is_early()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader");
        told.Published("m1");
        told.Published("m2");
        told.Received("reader", "m1 m2");
        subscribe.Acked();

        told.IsWrong(AnomalyKind.Early, "reader received m1 of orders (6) before its subscribe (1..8) was acked");
    }

    [Test]
    public void A_subscribe_that_is_never_answered_may_have_succeeded()
    {
        var told = new Recording();
        told.Subscribe("reader");
        told.Published("m1");
        told.Published("m2");
        told.Received("reader", "m1 m2");

        told.IsRight();
    }

    [Test]
    public void A_publisher_s_messages_out_of_its_order_are_reordered()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Published("m2");
        told.Received("reader", "m2 m1");

        told.IsWrong(AnomalyKind.Reordered, "reader received m1 of orders (8) after m2, although alice published m1 (3..4) before m2 (5..6)");
    }

    [Test]
    public void A_publisher_s_messages_have_its_order_even_when_it_did_not_wait_for_acks()
    {
        var told = new Recording();
        told.Subscribed("reader");
        var (first, second) = (told.Publish("m1"), told.Publish("m2"));
        first.Acked();
        second.Acked();
        told.Received("reader", "m2 m1");

        told.IsWrong(AnomalyKind.Reordered, "reader received m1 of orders (8) after m2, although alice published m1 (3..5) before m2 (4..6)");
    }

    [Test]
    public void A_message_that_was_acked_before_another_was_published_is_not_overtaken()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1", "alice");
        told.Published("m2", "bob");
        told.Received("reader", "m2 m1");

        told.IsWrong(
            AnomalyKind.Overtaken,
            "reader received m1 of orders (8) after m2, although alice's m1 (3..4) was acked before bob published m2 (5..6)");
    }

    [Test]
    public void Messages_of_two_publishers_that_overlapped_may_come_in_either_order()
    {
        foreach (var order in (string[])["m1 m2", "m2 m1"])
        {
            var told = new Recording();
            told.Subscribed("reader");
            var first = told.Publish("m1", "alice");
            told.Published("m2", "bob");
            first.Acked();
            told.Received("reader", order);

            told.IsRight();
        }
    }

    [Test]
    public void A_message_of_unknown_outcome_comes_before_what_its_publisher_published_next()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Publish("a1", "alice");
        told.Published("a2", "alice");
        told.Published("b1", "bob");
        told.Received("reader", "b1 a1 a2");

        var witnesses = HistoryChecker.Check(told.History).Select(anomaly => $"{anomaly.Kind} {anomaly.Witness}");

        Assert.That(witnesses, Is.EqualTo((string[])
        [
            "Overtaken no one order of orders agrees with all of this: alice published a1 (3..) before a2 (4..5), "
            + "a2 was acked (4..5) before b1 was published (6..7), reader received b1 (8) before a1 (9)",
            "Overtaken reader received a2 of orders (10) after b1, although alice's a2 (4..5) was acked before bob published b1 (6..7)",
        ]));
    }

    [Test]
    public void Two_subscribers_that_saw_two_messages_in_opposite_orders_have_two_orders()
    {
        var told = new Recording();
        told.Subscribed("reader-1");
        told.Subscribed("reader-2");
        var first = told.Publish("m1", "alice");
        told.Published("m2", "bob");
        first.Acked();
        told.Received("reader-1", "m1 m2");
        told.Received("reader-2", "m2 m1");

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "no one order of orders agrees with all of this: reader-1 received m1 (9) before m2 (10), reader-2 received m2 (11) before m1 (12)");
    }

    [Test]
    public void Two_orders_are_found_however_far_apart_the_messages_are()
    {
        var told = new Recording();
        told.Subscribed("reader-1");
        told.Subscribed("reader-2");
        var publishes = Enumerable.Range(1, 9).Select(n => told.Publish($"m{n}", $"publisher-{n}")).ToList();
        publishes.ForEach(publish => publish.Acked());
        told.Received("reader-1", "m1 m2 m3 m4 m5 m6 m7 m8 m9");
        told.Received("reader-2", "m8 m3 m4 m5 m6 m7 m1 m2 m9");

        var anomaly = HistoryChecker.Check(told.History).Single();
        const string received = @"reader-. received m. \([0-9]+\) before m. \([0-9]+\)";

        Assert.That(anomaly.Kind, Is.EqualTo(AnomalyKind.TwoOrders));
        Assert.That(anomaly.Witness, Does.Match($"^no one order of orders agrees with all of this: {received}, {received}$"));
    }

    [Test]
    public void Three_subscribers_can_disagree_where_no_two_do()
    {
        var told = new Recording();
        string[] readers = ["reader-1", "reader-2", "reader-3"];
        var subscribes = readers.Select(reader => told.Subscribe(reader)).ToList();
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        subscribes.ForEach(subscribe => subscribe.Acked());
        told.Received("reader-1", "m1 m2");
        told.Received("reader-2", "m2 m3");
        told.Received("reader-3", "m3 m1");
        Array.ForEach(readers, told.Cut);

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "no one order of orders agrees with all of this: reader-1 received m1 (13) before m2 (14), reader-2 received m2 (15) before m3 "
            + "(16), reader-3 received m3 (17) before m1 (18)");
    }

    [Test]
    public void Where_three_disagree_and_two_of_them_do_only_these_are_named()
    {
        var told = new Recording();
        string[] readers = ["reader-1", "reader-2", "reader-3"];
        var subscribes = readers.Select(reader => told.Subscribe(reader)).ToList();
        var publishes = Enumerable.Range(1, 6).Select(n => told.Publish($"m{n}", $"publisher-{n}")).ToList();
        publishes.ForEach(publish => publish.Acked());
        subscribes.ForEach(subscribe => subscribe.Acked());
        told.Received("reader-1", "m1 m2");
        told.Received("reader-2", "m2 m3 m4 m5 m6 m1");
        told.Received("reader-3", "m3 m1");
        Array.ForEach(readers, told.Cut);

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "no one order of orders agrees with all of this: reader-1 received m1 (19) before m2 (20), reader-2 received m2 (21) before m1 (26)");
    }

    [Test]
    public void Two_subscribers_have_two_orders_when_different_messages_come_next_after_one()
    {
        var told = new Recording();
        var (one, two) = (told.Subscribe("reader-1"), told.Subscribe("reader-2"));
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        one.Acked();
        two.Acked();
        told.Received("reader-1", "m1 m2");
        told.Received("reader-2", "m1");
        told.Cut("reader-1");
        told.IsRight();

        told.Received("reader-2", "m3");
        told.Cut("reader-2");
        told.IsWrong(AnomalyKind.TwoOrders, "next after m1 of orders reader-1 received m2 (4..7), but reader-2 m3 (5..8)");
    }

    [Test]
    public void Two_subscribers_have_two_orders_when_different_messages_come_next_before_one()
    {
        var told = new Recording();
        var (one, two) = (told.Subscribe("reader-1"), told.Subscribe("reader-2"));
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        one.Acked();
        two.Acked();
        told.Received("reader-1", "m1 m3");
        told.Received("reader-2", "m2 m3");

        told.IsWrong(AnomalyKind.TwoOrders, "next before m3 of orders reader-1 received m1 (3..6), but reader-2 m2 (4..7)");
    }

    [Test]
    public void Two_subscribers_can_disagree_with_time_where_neither_does()
    {
        var told = new Recording();
        var (one, two) = (told.Subscribe("reader-1"), told.Subscribe("reader-2"));
        var between = told.Publish("m2", "bob");
        told.Published("m1", "alice");
        told.Published("m3", "carol");
        between.Acked();
        one.Acked();
        two.Acked();
        told.Received("reader-1", "m2 m1");
        told.Received("reader-2", "m3 m2");
        told.Cut("reader-1");
        told.Cut("reader-2");

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "no one order of orders agrees with all of this: reader-1 received m2 (11) before m1 (12), m1 was acked (4..5) before m3 was "
            + "published (6..7), reader-2 received m3 (13) before m2 (14)");
    }

    [Test]
    public void Orders_of_two_topics_have_nothing_to_do_with_each_other()
    {
        var told = new Recording();
        foreach (var reader in (string[])["reader-1", "reader-2"])
        {
            told.Subscribed(reader);
            told.Subscribed(reader, topic: "payments");
        }

        told.Published("m1");
        told.Published("m2", topic: "payments");
        told.Received("reader-1", "m1");
        told.Received("reader-1", "m2", "payments");
        told.Received("reader-2", "m2", "payments");
        told.Received("reader-2", "m1");

        told.IsRight();
    }

    [Test]
    public void A_message_missing_between_the_replayed_and_the_live_is_a_gap()
    {
        var told = new Recording();
        told.Published("m5");
        told.Published("m6");
        told.Subscribed("reader", lastN: 5);
        told.Published("m7");
        told.Received("reader", "m5 m7");

        told.IsWrong(
            AnomalyKind.Gap,
            "reader never received m6 of orders, although it was published (3..4) after m5 (1..2), which it received, and before m7 (7..8), which it received");
    }

    [Test]
    public void A_message_that_overlaps_the_subscribe_is_a_gap_when_what_was_before_is_replayed()
    {
        var told = new Recording();
        told.Published("m1");
        var subscribe = told.Subscribe("reader", lastN: 5);
        told.Published("m2");
        subscribe.Acked();
        told.Received("reader", "m1");

        told.IsWrong(
            AnomalyKind.Gap,
            "reader never received m2 of orders, although it was published (4..5) after m1 (1..2), which it received, and it stayed subscribed");
    }

    [Test]
    public void A_message_that_another_received_in_the_middle_has_no_place_in_one_order()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader-1");
        told.Subscribed("reader-2");
        Invocation[] publishes = [told.Publish("m1", "alice"), told.Publish("m2", "bob"), told.Publish("m3", "carol")];
        Array.ForEach(publishes, publish => publish.Acked());
        subscribe.Acked();
        told.Received("reader-1", "m1 m3");
        told.Received("reader-2", "m1 m2 m3");
        told.Cut("reader-1");

        told.IsWrong(
            AnomalyKind.TwoOrders,
            "reader-1 never received m2 of orders, although it was published (5..8) after m1 (4..7), which it received, in the order that reader-2 shows, "
            + "and before m3 (6..9), which it received, in the order that reader-2 shows");
    }

    [Test]
    public void A_message_at_the_edge_of_the_window_is_no_gap()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader", lastN: 1);
        told.Published("m1");
        told.Published("m2");
        subscribe.Acked();
        told.Received("reader", "m2");

        told.IsRight();
        told.IsRight(retained: 1);
    }

    [Test]
    public void More_than_last_n_is_a_wrong_replay()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m2");
        told.Subscribed("reader", lastN: 1);
        told.Received("reader", "m1 m2");

        told.IsWrong(
            AnomalyKind.WrongReplay,
            "reader received m1 (1..2), m2 (3..4) of orders, although they were published before its subscribe (5..6) with last_n 1");
    }

    [Test]
    public void A_replay_that_was_not_asked_for_is_wrong()
    {
        var told = new Recording();
        told.Published("m1");
        told.Subscribed("reader");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.WrongReplay, "reader received m1 (1..2) of orders, although they were published before its subscribe (3..4) with last_n 0");
    }

    [Test]
    public void A_message_received_by_an_earlier_subscription_is_replayed_even_when_its_publish_was_never_acked()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Publish("m1");
        told.Received("reader", "m1");
        told.Unsubscribed("reader");
        told.Subscribed("reader");
        told.Received("reader", "m1");

        told.IsWrong(AnomalyKind.WrongReplay, "reader received m1 (3..) of orders, although they were published before its subscribe (7..8) with last_n 0");
    }

    [Test]
    public void More_than_is_retained_is_a_wrong_replay_where_that_is_known()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m2");
        told.Subscribed("reader", lastN: 5);
        told.Received("reader", "m1 m2");

        told.IsRight();
        told.IsRight(retained: 2);
        told.IsWrong(
            AnomalyKind.WrongReplay,
            "reader received m1 (1..2), m2 (3..4) of orders, although they were published before its subscribe (5..6) with last_n 5 and "
            + "although the topic retains 1",
            retained: 1);
    }

    [Test]
    public void A_publish_that_overlaps_the_subscribe_counts_as_live()
    {
        var told = new Recording();
        told.Published("m1");
        var overlapping = told.Publish("m2");
        told.Subscribed("reader", lastN: 1);
        overlapping.Acked();
        told.Received("reader", "m1 m2");

        told.IsRight(retained: 10);
    }

    [Test]
    public void What_is_replayed_is_the_newest()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m2");
        told.Subscribed("reader", lastN: 1);
        told.Received("reader", "m1");

        told.IsWrong(
            AnomalyKind.WrongReplay,
            "reader never received m2 of orders, although it was published (3..4) after m1 (1..2), which it received, and it stayed subscribed");
    }

    [Test]
    public void What_is_replayed_has_no_hole()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m2");
        told.Published("m3");
        told.Subscribed("reader", lastN: 5);
        told.Received("reader", "m1 m3");

        told.IsWrong(
            AnomalyKind.WrongReplay,
            "reader never received m2 of orders, although it was published (3..4) after m1 (1..2), which it received, and before m3 (5..6), which it received");
    }

    [Test]
    public void Less_than_last_n_is_a_wrong_replay_where_it_is_known_what_is_retained()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m2");
        told.Published("m3");
        told.Subscribed("reader", lastN: 2);
        told.Received("reader", "m3");

        told.IsRight();
        told.IsRight(retained: 1);
        told.IsWrong(
            AnomalyKind.WrongReplay,
            "reader never received m2 of orders, although it was published (3..4) among the last before its subscribe (7..8) with last_n 2 was acked and "
            + "before m3 (5..6), which it received",
            retained: 2);
    }

    [Test]
    public void A_message_that_overlaps_the_subscribe_is_owed_when_it_would_have_been_replayed_as_well()
    {
        var told = new Recording();
        var subscribe = told.Subscribe("reader", lastN: 1);
        told.Published("m1");
        subscribe.Acked();

        told.IsRight();
        told.IsWrong(
            AnomalyKind.Gap,
            "reader never received m1 of orders, although it was published (2..3) among the last before its subscribe (1..4) with last_n 1 was acked "
            + "and it stayed subscribed",
            retained: 1);
    }

    [Test]
    public void A_message_is_not_owed_when_those_that_overlapped_the_subscribe_may_have_displaced_it()
    {
        var told = new Recording();
        told.Published("m1");
        var subscribe = told.Subscribe("reader", lastN: 1);
        told.Published("m2");
        subscribe.Acked();
        told.Received("reader", "m2");

        told.IsRight(retained: 1);
        told.IsRight(retained: 100);
    }

    [Test]
    public void What_was_acked_before_the_deletion_is_received_before_the_notice()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Deleted();
        told.Noticed("reader");

        told.IsWrong(
            AnomalyKind.Dropped,
            "reader never received m1 of orders, although it was published (3..4) after its subscribe was acked (2) and before the topic was deleted (5)");
    }

    [Test]
    public void What_overlapped_the_deletion_may_be_missing()
    {
        var told = new Recording();
        told.Subscribed("reader");
        var publish = told.Publish("m1");
        var delete = told.Delete();
        publish.Acked();
        delete.Acked();
        told.Noticed("reader");

        told.IsRight();
    }

    [Test]
    public void A_notice_of_a_deletion_that_nobody_recorded_ends_a_subscription_at_an_unknown_time()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Published("m1");
        told.Noticed("reader");
        told.IsRight();

        told.Received("reader", "m1");
        told.IsWrong(AnomalyKind.Leaked, "reader received m1 of orders (6), but the notice of its deletion had arrived (5)");
    }

    [Test]
    public void A_topic_created_again_owes_nothing_to_the_subscribers_of_the_one_before()
    {
        var told = new Recording();
        told.Created();
        told.Subscribed("reader");
        told.Deleted();
        told.Created();
        told.Published("m1");

        told.IsRight();
    }

    [Test]
    public void A_topic_created_again_replays_nothing_of_the_one_before()
    {
        var told = new Recording();
        told.Created();
        told.Published("m1");
        told.Deleted();
        told.Created();
        told.Subscribed("reader", lastN: 5);
        told.IsRight(retained: 5);

        told.Received("reader", "m1");
        told.IsWrong(
            AnomalyKind.Leaked,
            "reader received m1 of orders (11), published (3..4) and subscribed to (9..10), but the topic was deleted in between",
            retained: 5);
    }

    [Test]
    public void After_a_deletion_of_unknown_outcome_nothing_is_certain()
    {
        var told = new Recording();
        told.Subscribed("reader");
        told.Delete();
        told.Published("m1");

        told.IsRight();
    }

    [Test]
    public void Two_messages_of_one_topic_with_one_id_cannot_be_told_apart()
    {
        var told = new Recording();
        told.Published("m1");
        told.Published("m1", "bob");

        Assert.That(() => HistoryChecker.Check(told.History), Throws.ArgumentException.With.Message.StartsWith("two messages of orders have the id m1"));
    }

    [Test]
    public void Of_each_kind_the_earliest_are_reported_and_no_more()
    {
        var told = new Recording();
        told.Subscribed("reader");
        for (var n = 1; n <= 50; n++)
        {
            told.Published($"m{n}");
            told.Received("reader", $"x{n}");
        }

        var anomalies = HistoryChecker.Check(told.History);

        Assert.That(anomalies.Count(anomaly => anomaly.Kind == AnomalyKind.Lost), Is.EqualTo(HistoryChecker.MostPerKind));
        Assert.That(anomalies.Count(anomaly => anomaly.Kind == AnomalyKind.Phantom), Is.EqualTo(HistoryChecker.MostPerKind));
        var named = anomalies.Take(4).Select(anomaly => anomaly.Witness.Split(' ').First(word => word[0] is 'm' or 'x'));
        Assert.That(named, Is.EqualTo((string[])["m1", "x1", "m2", "x2"]));
    }

    [TestCaseSource(nameof(Kinds))]
    public void Every_kind_of_anomaly_violates_a_requirement(AnomalyKind kind)
    {
        var anomaly = new Anomaly(kind, "orders", "witness");

        Assert.That(Catalogue.Embedded.Find(anomaly.Requirement), Is.Not.Null);
        Assert.That(anomaly.ToString(), Is.EqualTo($"{kind}: witness ({anomaly.Law}: {anomaly.Requirement})"));
    }

    private static AnomalyKind[] Kinds() => Enum.GetValues<AnomalyKind>();
}
