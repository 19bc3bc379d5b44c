using NUnit.Framework;
using PubSub.Conformance.Histories;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>For each kind of anomaly, the smallest history that has it and the most similar one that does not.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class HistoryCheckerTests
{
    private const string Nothing = "";

    private static readonly TestCaseData[] Owed =
    [
        Row("An empty history is right", "", Nothing),
        Row("A message published after the ack and before the unsubscribe is owed",
            "sub r | pub m7 | unsub r",
            "Lost: r never received m7 of orders, although it was published (3..4) after its subscribe was acked (2) "
            + "and before it unsubscribed (5)"),
        Row("A message is owed to a subscriber that stays",
            "sub r | pub m7",
            "Lost: r never received m7 of orders, although it was published (3..4) after its subscribe was acked (2) "
            + "and it stayed subscribed"),
        Row("A message whose publish overlaps the subscribe is not owed", "sub r .. | pub m1 | .. sub r", Nothing),
        Row("A message whose publish overlaps the unsubscribe is not owed",
            "sub r | pub m1 .. | unsub r .. | .. pub m1 | .. unsub r", Nothing),
        Row("A message published after an unsubscribe that was never answered is not owed",
            "sub r | unsub r .. | pub m1 | leave r", Nothing),
        Row("A message whose publish was refused or never answered is not owed", "sub r | pub m1 .. | pub m2 refused", Nothing),
        Row("A message whose publish was never answered is owed to all when one received it",
            "sub r1 r2 | pub m1 .. | recv r1 m1",
            "Lost: r2 never received m1 of orders, although it was published (5..) after its subscribe was acked (4) "
            + "and it stayed subscribed"),
        Row("A subscriber that left is owed what was acked before",
            "sub r | pub m1 | pub m2 .. | leave r | .. pub m2 | pub m3",
            "Lost: r never received m1 of orders, although it was published (3..4) after its subscribe was acked (2) "
            + "and before it left (6)"),
    ];

    private static readonly TestCaseData[] OwedToCutSubscribers =
    [
        Row("A cut subscriber may lack the last messages", "sub r | pub m1 m2 m3 | recv r m1 | cut r", Nothing),
        Row("A cut subscriber may not lack a message between two received ones",
            "sub r | pub m1 m2 m3 | recv r m1 m3 | cut r",
            "Lost: r never received m2 of orders, although it was published (5..6) after its subscribe was acked (2) "
            + "and before m3 (7..8), which it received"),
        Row("A cut subscriber may not lack a message between two of the same publisher that all overlapped its subscribe",
            "sub r .. | pub m1 m2 m3 .. | .. pub m1 m2 m3 | .. sub r | recv r m1 m3 | cut r",
            "Gap: r never received m2 of orders, although it was published (3..6) after m1 (2..5), which it received, "
            + "and before m3 (4..7), which it received"),
        Row("A cut subscriber may not lack a message that another received between the two",
            "sub r1 r2 | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | recv r1 m1 m2 m3 | recv r2 m1 m3 | cut r2",
            "TwoOrders: r2 never received m2 of orders, although it was published (6..9) after its subscribe was acked (4) "
            + "and before m3 (7..10), which it received, in the order that r1 shows"),
        Row("A cut subscriber may lack a message that another received last",
            "sub r1 r2 | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | recv r1 m1 m3 m2 | recv r2 m1 m3 | cut r2", Nothing),
        Row("Any message received later shows what is missing before",
            "sub r | pub alice:m1 .. | pub bob:m2 carol:m3 | .. pub m1 | recv r m3 m1 | cut r",
            "Lost: r never received m2 of orders, although it was published (4..5) after its subscribe was acked (2) "
            + "and before m3 (6..7), which it received"),
        Row("Any message received earlier shows what is missing after",
            "sub r .. | pub alice:m1 | pub carol:m3 .. | pub bob:m2 | .. pub m3 | .. sub r | recv r m1 m3",
            "Gap: r never received m2 of orders, although it was published (5..6) after m1 (2..3), which it received, "
            + "and it stayed subscribed"),
    ];

    private static readonly TestCaseData[] ReceivedOnce =
    [
        Row("A message received twice in one subscription is a duplicate",
            "sub r | pub m1 m2 | recv r m1 m2 m1",
            "Duplicated: r received m1 of orders twice in one subscription (7 and 9)"),
        Row("A message replayed and then received live is a duplicate",
            "pub m1 .. | sub r last 5 | recv r m1 m1 | .. pub m1",
            "Duplicated: r received m1 of orders twice in one subscription (4 and 5)"),
        Row("A message received live and replayed to the next subscription is no duplicate",
            "sub r | pub m1 | recv r m1 | unsub r | sub r last 1 | recv r m1", Nothing),
        Row("A message received live and replayed to the next subscription is no duplicate",
            "sub r | pub m1 | recv r m1 | unsub r | sub r last 1 | recv r m1", Nothing, retained: 1),
        Row("A second subscribe of a subscriber replays nothing",
            "sub r | pub m1 | recv r m1 | sub r last 1", Nothing, retained: 1),
        Row("A message replayed to a second subscribe is a duplicate",
            "sub r | pub m1 | recv r m1 | sub r last 1 | recv r m1",
            "Duplicated: r received m1 of orders twice in one subscription (5 and 8)", retained: 1),
    ];

    private static readonly TestCaseData[] Published =
    [
        Row("A message that was never published is a phantom",
            "sub r | recv r m1",
            "Phantom: r received m1 of orders (3), which was not published"),
        Row("A message that was refused is a phantom",
            "sub r | pub m1 refused | recv r m1",
            "Phantom: r received m1 of orders (5), although its publish (3..4) was refused"),
        Row("A message received before it was published is a phantom",
            "sub r | recv r m1 | pub m1 ..",
            "Phantom: r received m1 of orders (3) before it was published (4..)"),
        Row("A message whose publish was never answered is no phantom", "sub r | pub m1 .. | recv r m1", Nothing),
    ];

    private static readonly TestCaseData[] OfTheSubscription =
    [
        Row("A message published to another topic is leaked",
            "sub r | pub m1 on payments | recv r m1",
            "Leaked: r received m1 of orders (5), although it was published to payments (3..4)"),
        Row("A message received without a subscription is leaked",
            "sub r on payments | pub m1 | recv r m1",
            "Leaked: r received m1 of orders (5), but had not subscribed to it"),
        Row("A message received after the unsubscribe was acked is leaked",
            "sub r | pub m1 | unsub r | recv r m1",
            "Leaked: r received m1 of orders (7), but its unsubscribe had been acked (6)"),
        Row("A message received before the unsubscribe is acked is not leaked",
            "sub r | unsub r .. | pub m1 | recv r m1 | .. unsub r", Nothing),
        Row("A message received after the subscribe was refused is leaked",
            "sub r refused | pub m1 | recv r m1",
            "Leaked: r received m1 of orders (5), but had not subscribed to it"),
        Row("Messages of two topics may have the same id", "sub r | pub m1 | pub m1 on payments | recv r m1", Nothing),
        Row("A message received before the ack of the subscribe is early",
            "sub r .. | pub m1 m2 | recv r m1 m2 | .. sub r",
            "Early: r received m1 of orders (6) before its subscribe (1..8) was acked"),
        Row("A subscribe that is never answered may have succeeded", "sub r .. | pub m1 m2 | recv r m1 m2", Nothing),
    ];

    private static readonly TestCaseData[] InOrder =
    [
        Row("Messages of a publisher out of its order are reordered",
            "sub r | pub m1 m2 | recv r m2 m1",
            "Reordered: r received m1 of orders (8) after m2, although alice published m1 (3..4) before m2 (5..6)"),
        Row("Messages of a publisher have its order even when it did not wait for acks",
            "sub r | pub m1 m2 .. | .. pub m1 m2 | recv r m2 m1",
            "Reordered: r received m1 of orders (8) after m2, although alice published m1 (3..5) before m2 (4..6)"),
        Row("A message may not overtake one that was acked before it was published",
            "sub r | pub alice:m1 bob:m2 | recv r m2 m1",
            "Overtaken: r received m1 of orders (8) after m2, although alice's m1 (3..4) was acked before bob published m2 (5..6)"),
        Row("Messages of two publishers that overlapped may come in the order of their publishes",
            "sub r | pub alice:m1 .. | pub bob:m2 | .. pub m1 | recv r m1 m2", Nothing),
        Row("Messages of two publishers that overlapped may come in the opposite order",
            "sub r | pub alice:m1 .. | pub bob:m2 | .. pub m1 | recv r m2 m1", Nothing),
        Row("A message of unknown outcome comes before the next one of its publisher",
            "sub r | pub alice:a1 .. | pub alice:a2 bob:b1 | recv r b1 a1 a2",
            "Overtaken: no one order of orders agrees with all of this: alice published a1 (3..) before a2 (4..5), "
            + "a2 was acked (4..5) before b1 was published (6..7), r received b1 (8) before a1 (9)\n"
            + "Overtaken: r received a2 of orders (10) after b1, although alice's a2 (4..5) was acked before bob published b1 (6..7)"),
    ];

    private static readonly TestCaseData[] InOneOrder =
    [
        Row("Two subscribers that received two messages in opposite orders have two orders",
            "sub r1 r2 | pub alice:m1 .. | pub bob:m2 | .. pub m1 | recv r1 m1 m2 | recv r2 m2 m1",
            "TwoOrders: no one order of orders agrees with all of this: r1 received m1 (9) before m2 (10), "
            + "r2 received m2 (11) before m1 (12)"),
        Row("Three subscribers can disagree where no two do",
            "sub r1 r2 r3 .. | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | .. sub r1 r2 r3 "
            + "| recv r1 m1 m2 | recv r2 m2 m3 | recv r3 m3 m1 | cut r1 r2 r3",
            "TwoOrders: no one order of orders agrees with all of this: r1 received m1 (13) before m2 (14), "
            + "r2 received m2 (15) before m3 (16), r3 received m3 (17) before m1 (18)"),
        Row("Where three subscribers disagree and two of them do, only these two are named",
            "sub r1 r2 r3 .. | pub p1:m1 p2:m2 p3:m3 p4:m4 p5:m5 p6:m6 .. | .. pub m1 m2 m3 m4 m5 m6 | .. sub r1 r2 r3 "
            + "| recv r1 m1 m2 | recv r2 m2 m3 m4 m5 m6 m1 | recv r3 m3 m1 | cut r1 r2 r3",
            "TwoOrders: no one order of orders agrees with all of this: r1 received m1 (19) before m2 (20), "
            + "r2 received m2 (21) before m1 (26)"),
        Row("Two subscribers may end after different messages",
            "sub r1 r2 .. | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | .. sub r1 r2 | recv r1 m1 m2 | recv r2 m1 | cut r1",
            Nothing),
        Row("Two subscribers have two orders when different messages come next after one",
            "sub r1 r2 .. | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | .. sub r1 r2 "
            + "| recv r1 m1 m2 | recv r2 m1 | cut r1 | recv r2 m3 | cut r2",
            "TwoOrders: next after m1 of orders r1 received m2 (4..7), but r2 m3 (5..8)"),
        Row("Two subscribers have two orders when different messages come next before one",
            "sub r1 r2 .. | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | .. sub r1 r2 | recv r1 m1 m3 | recv r2 m2 m3",
            "TwoOrders: next before m3 of orders r1 received m1 (3..6), but r2 m2 (4..7)"),
        Row("Two subscribers can disagree with time where neither does alone",
            "sub r1 r2 .. | pub bob:m2 .. | pub alice:m1 carol:m3 | .. pub m2 | .. sub r1 r2 | recv r1 m2 m1 | recv r2 m3 m2 | cut r1 r2",
            "TwoOrders: no one order of orders agrees with all of this: r1 received m2 (11) before m1 (12), "
            + "m1 was acked (4..5) before m3 was published (6..7), r2 received m3 (13) before m2 (14)"),
        Row("Two topics need not have one order",
            "sub r1 | sub r1 on payments | sub r2 | sub r2 on payments | pub m1 | pub m2 on payments "
            + "| recv r1 m1 | recv r1 m2 on payments | recv r2 m2 on payments | recv r2 m1", Nothing),
        Row("A message that another subscriber received between two has no place in one order",
            "sub r1 .. | sub r2 | pub alice:m1 bob:m2 carol:m3 .. | .. pub m1 m2 m3 | .. sub r1 "
            + "| recv r1 m1 m3 | recv r2 m1 m2 m3 | cut r1",
            "TwoOrders: r1 never received m2 of orders, although it was published (5..8) after m1 (4..7), which it received, "
            + "in the order that r2 shows, and before m3 (6..9), which it received, in the order that r2 shows"),
    ];

    private static readonly TestCaseData[] WithoutAGap =
    [
        Row("A message missing between the replayed and the live ones is a gap",
            "pub m5 m6 | sub r last 5 | pub m7 | recv r m5 m7",
            "Gap: r never received m6 of orders, although it was published (3..4) after m5 (1..2), which it received, "
            + "and before m7 (7..8), which it received"),
        Row("A message that overlaps the subscribe is a gap when the one before it is replayed",
            "pub m1 | sub r last 5 .. | pub m2 | .. sub r | recv r m1",
            "Gap: r never received m2 of orders, although it was published (4..5) after m1 (1..2), which it received, "
            + "and it stayed subscribed"),
        Row("A message at the edge of the window is no gap", "sub r last 1 .. | pub m1 m2 | .. sub r | recv r m2", Nothing),
        Row("A message at the edge of the window is no gap", "sub r last 1 .. | pub m1 m2 | .. sub r | recv r m2", Nothing, retained: 1),
    ];

    private static readonly TestCaseData[] Replayed =
    [
        Row("More than last_n messages are a wrong replay",
            "pub m1 m2 | sub r last 1 | recv r m1 m2",
            "WrongReplay: r received m1 (1..2), m2 (3..4) of orders, although they were published before its subscribe (5..6) "
            + "with last_n 1"),
        Row("A replay that was not asked for is wrong",
            "pub m1 | sub r | recv r m1",
            "WrongReplay: r received m1 (1..2) of orders, although they were published before its subscribe (3..4) with last_n 0"),
        Row("A message received by an earlier subscription counts as replayed even when its publish was never acked",
            "sub r | pub m1 .. | recv r m1 | unsub r | sub r | recv r m1",
            "WrongReplay: r received m1 (3..) of orders, although they were published before its subscribe (7..8) with last_n 0"),
        Row("More than are retained may be replayed where that number is unknown", "pub m1 m2 | sub r last 5 | recv r m1 m2", Nothing),
        Row("As many as are retained may be replayed", "pub m1 m2 | sub r last 5 | recv r m1 m2", Nothing, retained: 2),
        Row("More than are retained are a wrong replay where that number is known",
            "pub m1 m2 | sub r last 5 | recv r m1 m2",
            "WrongReplay: r received m1 (1..2), m2 (3..4) of orders, although they were published before its subscribe (5..6) "
            + "with last_n 5 and although the topic retains 1", retained: 1),
        Row("A message whose publish overlaps the subscribe counts as live",
            "pub m1 | pub m2 .. | sub r last 1 | .. pub m2 | recv r m1 m2", Nothing, retained: 10),
        Row("The newest messages are replayed",
            "pub m1 m2 | sub r last 1 | recv r m1",
            "WrongReplay: r never received m2 of orders, although it was published (3..4) after m1 (1..2), which it received, "
            + "and it stayed subscribed"),
        Row("A replay has no hole",
            "pub m1 m2 m3 | sub r last 5 | recv r m1 m3",
            "WrongReplay: r never received m2 of orders, although it was published (3..4) after m1 (1..2), which it received, "
            + "and before m3 (5..6), which it received"),
        Row("A hole in a replay that is too long is not reported twice",
            "pub m1 m2 m3 | sub r last 1 | recv r m1 m3",
            "WrongReplay: r received m1 (1..2), m3 (5..6) of orders, although they were published before its subscribe (7..8) "
            + "with last_n 1"),
        Row("Less than last_n may be replayed where the number retained is unknown", "pub m1 m2 m3 | sub r last 2 | recv r m3", Nothing),
        Row("Less than last_n may be replayed where less is retained", "pub m1 m2 m3 | sub r last 2 | recv r m3", Nothing, retained: 1),
        Row("Less than last_n is a wrong replay where as many are retained",
            "pub m1 m2 m3 | sub r last 2 | recv r m3",
            "WrongReplay: r never received m2 of orders, although it was published (3..4) among the last before its subscribe (7..8) "
            + "with last_n 2 was acked and before m3 (5..6), which it received", retained: 2),
        Row("A message that overlaps the subscribe is not owed where the number retained is unknown",
            "sub r last 1 .. | pub m1 | .. sub r", Nothing),
        Row("A message that overlaps the subscribe is owed where it would have been replayed as well",
            "sub r last 1 .. | pub m1 | .. sub r",
            "Gap: r never received m1 of orders, although it was published (2..3) among the last before its subscribe (1..4) "
            + "with last_n 1 was acked and it stayed subscribed", retained: 1),
        Row("A message is not owed when one that overlapped the subscribe may have displaced it",
            "pub m1 | sub r last 1 .. | pub m2 | .. sub r | recv r m2", Nothing, retained: 1),
        Row("A message is not owed when one that overlapped the subscribe may have displaced it",
            "pub m1 | sub r last 1 .. | pub m2 | .. sub r | recv r m2", Nothing, retained: 100),
    ];

    private static readonly TestCaseData[] OfADeletedTopic =
    [
        Row("A message that was acked before the deletion is owed before the notice",
            "sub r | pub m1 | delete | notice r",
            "Dropped: r never received m1 of orders, although it was published (3..4) after its subscribe was acked (2) "
            + "and before the topic was deleted (5)"),
        Row("A message that overlapped the deletion may be missing",
            "sub r | pub m1 .. | delete .. | .. pub m1 | .. delete | notice r", Nothing),
        Row("A notice of a deletion that was not recorded ends a subscription at an unknown time", "sub r | pub m1 | notice r", Nothing),
        Row("A message received after the notice of a deletion is leaked",
            "sub r | pub m1 | notice r | recv r m1",
            "Leaked: r received m1 of orders (6), but the notice of its deletion had arrived (5)"),
        Row("A topic created again owes nothing to the subscribers of the one before",
            "create | sub r | delete | create | pub m1", Nothing),
        Row("A topic created again has nothing to replay", "create | pub m1 | delete | create | sub r last 5", Nothing, retained: 5),
        Row("A topic created again replays nothing of the one before",
            "create | pub m1 | delete | create | sub r last 5 | recv r m1",
            "Leaked: r received m1 of orders (11), published (3..4) and subscribed to (9..10), but the topic was deleted in between",
            retained: 5),
        Row("After a deletion of unknown outcome nothing is certain", "sub r | delete .. | pub m1", Nothing),
    ];

    private static readonly TestCaseData[] Stamped =
    [
        Row("Stamps that increase are right", "sub r@2 | pub m1@3 m2@7 | recv r m1@3 m2@7 | sub q@8", Nothing),
        Row("The stamp of an event may be known from the ack alone, or from the event alone",
            "sub r | pub m1@3 m2 | recv r m1 m2@7", Nothing),
        Row("Requests that overlap may have stamps in either order",
            "sub r | pub alice:m1 bob:m2 .. | .. pub m1@5 m2@4 | recv r m2@4 m1@5", Nothing),
        Row("A stamp that goes back is found",
            "sub r | pub m1@5 .. | pub bob:m2@4 .. | .. pub m1@5 m2@4 | recv r m1@5 m2@4",
            "Misstamped: r received m2 of orders (8) with the stamp 4 after one with 5"),
        Row("A stamp that goes back is found if no subscriber received the events",
            "pub m1@5 m2@4", "Misstamped: m1 of orders (1..2) has the stamp 5, but m2 (3..4) has 4"),
        Row("A repeated stamp is found",
            "pub alice:m1 bob:m2 .. | .. pub m1@5 m2@5", "Misstamped: m1 and m2 of orders have the same stamp 5"),
        Row("An event with another stamp than the ack of its publish is found",
            "sub r | pub m1@5 | recv r m1@6",
            "Restamped: r received m1 of orders (5) with the stamp 6, but elsewhere it has 5"),
        Row("An event with two stamps is found",
            "sub r q | pub m1 | recv r m1@6 | recv q m1@7",
            "Restamped: r received m1 of orders (7) with the stamp 6, but elsewhere it has 7"),
        Row("The ack of a subscribe has no larger stamp than what follows",
            "sub r@5 .. | pub m1 .. | .. sub r@5 | recv r m1@4 | .. pub m1",
            "Misstamped: r received m1 of orders (4) with the stamp 4 after the ack of its subscribe with 5"),
        Row("The ack of a subscribe has a larger stamp than what came before",
            "pub m1@5 | sub r@4", "Misstamped: m1 of orders (1..2) has the stamp 5, but the ack of r (3..4) has 4"),
        Row("A topic created again may have any stamps",
            "create | pub m1@5 | delete | create | pub m2@3", Nothing),
    ];

    private static readonly TestCaseData[] Resumed =
    [
        Row("A reader that goes on receives what it missed, also what the topic retains no more",
            "sub r@1 | pub m1@2 | recv r m1@2 | cut r | pub m2@3 m3@4 | sub r since 2 | recv r m2@3 m3@4 | pub m4@5 | recv r m4@5",
            Nothing, retained: 1),
        Row("A loss that the reader is told is right",
            "sub r@1 | pub m1@2 | recv r m1@2 | cut r | pub m2@3 m3@4 | sub r since 2 | gap r | recv r m3@4", Nothing, retained: 1),
        Row("A loss that the reader is not told is found",
            "sub r@1 | pub m1@2 | recv r m1@2 | cut r | pub m2@3 m3@4 | sub r since 2 | recv r m3@4",
            "Untold: r went on (11..12) from 2 and never received m2 of orders (7..8) with the stamp 3, and was not told", retained: 1),
        Row("A loss of everything that the reader is not told is found",
            "sub r@1 | cut r | pub m1@2 | sub r since 1 | leave r",
            "Untold: r went on (6..7) from 1 and never received m1 of orders (4..5) with the stamp 2, and was not told"),
        Row("A reader that is cut again may lack the last messages",
            "sub r@1 | cut r | pub m1@2 m2@3 | sub r since 1 | recv r m1@2 | cut r", Nothing),
        Row("What is retained is received without a hole, even if the reader is told of a loss",
            "pub m1@2 m2@3 m3@4 m4@5 | sub r since 1 | gap r | recv r m2@3 m4@5 | cut r",
            "WrongReplay: r never received m3 of orders, although it was published (5..6) after m2 (3..4), which it received, "
            + "and before m4 (7..8), which it received"),
        Row("An event that was received before the reader went on is a repetition",
            "sub r@1 | pub m1@2 | recv r m1@2 | cut r | pub m2@3 | sub r since 2 | recv r m1@2 m2@3",
            "Repeated: r received m1 of orders (11) with the stamp 2, although it had gone on (9..10) from 2"),
        Row("A live event that is lost after the reader went on is lost",
            "sub r@1 | cut r | sub r since 1 | pub m1@2 | leave r",
            "Lost: r never received m1 of orders, although it was published (6..7) after its subscribe was acked (5) "
            + "and before it left (8)"),
        Row("A reader of a topic that was created again is told",
            "create | pub m1@5 | delete | create | sub r since 5 | gap r", Nothing),
        Row("A reader of a topic that was created again and is not told is found",
            "create | pub m1@5 | delete | create | sub r since 5",
            "Untold: r went on (9..10) from m1 (3..4) of an earlier topic orders, and was not told"),
        Row("A reader that goes on from an ack misses nothing that came after it",
            "sub r@1 | cut r | pub m1@2 | sub r since 1 | recv r m1@2", Nothing),
    ];

    [TestCaseSource(nameof(Owed))]
    [TestCaseSource(nameof(Stamped))]
    [TestCaseSource(nameof(Resumed))]
    [TestCaseSource(nameof(OwedToCutSubscribers))]
    [TestCaseSource(nameof(ReceivedOnce))]
    [TestCaseSource(nameof(Published))]
    [TestCaseSource(nameof(OfTheSubscription))]
    [TestCaseSource(nameof(InOrder))]
    [TestCaseSource(nameof(InOneOrder))]
    [TestCaseSource(nameof(WithoutAGap))]
    [TestCaseSource(nameof(Replayed))]
    [TestCaseSource(nameof(OfADeletedTopic))]
    public void A_history_has_exactly_these_anomalies(string history, string findings, int? retained)
    {
        var anomalies = HistoryChecker.Check(HistoryNotation.Parse(history), retained);

        Assert.That(string.Join('\n', anomalies.Select(anomaly => $"{anomaly.Kind}: {anomaly.Witness}")), Is.EqualTo(findings));
    }

    [Test]
    public void Two_orders_are_found_when_the_messages_are_far_apart()
    {
        var history = HistoryNotation.Parse(
            "sub r1 r2 | pub p1:m1 p2:m2 p3:m3 p4:m4 p5:m5 p6:m6 p7:m7 p8:m8 p9:m9 .. | .. pub m1 m2 m3 m4 m5 m6 m7 m8 m9 "
            + "| recv r1 m1 m2 m3 m4 m5 m6 m7 m8 m9 | recv r2 m8 m3 m4 m5 m6 m7 m1 m2 m9");
        const string received = @"r. received m. \([0-9]+\) before m. \([0-9]+\)";

        var anomaly = HistoryChecker.Check(history).Single();

        Assert.That(anomaly.Kind, Is.EqualTo(AnomalyKind.TwoOrders));
        Assert.That(anomaly.Witness, Does.Match($"^no one order of orders agrees with all of this: {received}, {received}$"));
    }

    [Test]
    public void Two_messages_of_one_topic_with_the_same_id_are_rejected()
    {
        var history = HistoryNotation.Parse("pub alice:m1 bob:m1");

        Assert.That(
            () => HistoryChecker.Check(history), Throws.ArgumentException.With.Message.StartsWith("two messages of orders have the id m1"));
    }

    [Test]
    public void Only_the_earliest_anomalies_of_each_kind_are_reported()
    {
        var steps = Enumerable.Range(1, 50).Select(n => $"pub m{n} | recv r x{n}");

        var anomalies = HistoryChecker.Check(HistoryNotation.Parse($"sub r | {string.Join(" | ", steps)}"));

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

    [TestCase("sub r || pub m1", "")]
    [TestCase("sub", "sub")]
    [TestCase("publish m1", "publish")]
    [TestCase("sub r laste 5", "laste")]
    [TestCase("sub r last", "last")]
    [TestCase("pub m1 last 5", "last")]
    [TestCase("sub r on", "on")]
    [TestCase("cut r on payments", "on")]
    [TestCase("recv r", "recv")]
    [TestCase("recv r m1 ..", "..")]
    [TestCase("recv r m1 refused", "refused")]
    [TestCase("create orders", "orders")]
    [TestCase("sub r | .. sub r", "r")]
    [TestCase("pub m1 .. | .. pub m1 | .. pub m1", "m1")]
    public void A_step_that_is_not_in_the_notation_is_rejected_with_the_wrong_word(string history, string word) =>
        Assert.That(() => HistoryNotation.Parse(history), Throws.TypeOf<FormatException>().With.Message.Contains($"'{word}' is wrong"));

    private static TestCaseData Row(string name, string history, string findings, int? retained = null) =>
        new TestCaseData(history, findings, retained).SetName(retained is null ? name : $"{name} ({retained} retained)");

    private static AnomalyKind[] Kinds() => Enum.GetValues<AnomalyKind>();
}
