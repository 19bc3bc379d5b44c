using static PubSub.Interleavings.Harness.Laws;

namespace PubSub.Interleavings;

/// <summary>Brokers with one fault each. Most are right on one thread: only some schedules show the fault.</summary>
internal static class WrongBrokers
{
    // Divides what was one step: another thread may come in between.
    private const string LeaveAndEnterGate = "} lock (_gate) {";
    private const string LeaveAndEnterLatch = "} lock (_latch) {";
    private const string LeaveAndEnterCreation = "} lock (_creation) {";

    private const string CreatedAgain = "a topic created again while its deleter still forgets it";
    private const string CreatedAndOthers = "a topic created again while its deleter still forgets it, and then others";
    private const string SmallRing = "a resume among publishes to a small ring";
    private const string SetBack = "publishes and a subscribe by a clock set back";
    private const string ToldInTheMiddle = "a topic created again while the subscribers of the last are still told";

    public static IReadOnlyList<Patch> All { get; } =
    [
        .. Creating(), .. Publishing(), .. Subscribing(), .. Stamping(), .. Resuming(), .. Batching(), .. Deleting(), .. Closing(),
        .. Waking(),
    ];

    private static IEnumerable<Patch> Creating() =>
    [
        new Patch("Checks the name, then creates the topic", "Broker.cs")
            .Before("if (_count == limits.MaxTopics)", LeaveAndEnterCreation)
            .Breaks(Topics_are_the_created_without_the_deleted, "two creates of one name"),
        new Patch("Checks the number of topics, then creates one", "Broker.cs")
            .Before("var bytes = Budget.PerTopic", LeaveAndEnterCreation)
            .Breaks(A_topic_is_refused_only_when_there_are_too_many, "the last free place for a topic"),
        new Patch("Creates topics without the lock of creation", "Broker.cs")
            .Replace("private readonly Lock _creation = new();", "private static Lock _creation => new();")
            .Breaks(Topics_are_the_created_without_the_deleted, "two creates of one name")
            .Breaks(A_topic_is_refused_only_when_there_are_too_many, "the last free place for a topic"),
        new Patch("Counts a deleted topic forever when its name is taken again", "Broker.cs")
            .Remove("Forget(namesake);")
            .Breaks(A_topic_is_refused_only_when_there_are_too_many, CreatedAndOthers),
        new Patch("Subtracts a deleted topic twice from the count", "Broker.cs")
            .Replace(
                "if (_topics.TryRemove(KeyValuePair.Create(deleted.Name, deleted))) { _count--; }",
                "_topics.TryRemove(KeyValuePair.Create(deleted.Name, deleted)); _count--;")
            .Breaks(A_topic_is_refused_only_when_there_are_too_many, CreatedAndOthers),
        new Patch("Removes the new topic of a name instead of the deleted one", "Broker.cs")
            .Replace("_topics.TryRemove(KeyValuePair.Create(deleted.Name, deleted))", "_topics.TryRemove(deleted.Name, out _)")
            .Breaks(Topics_are_the_created_without_the_deleted, CreatedAgain),
    ];

    private static IEnumerable<Patch> Publishing() =>
    [
        new Patch("Delivers a message after it has left the gate", "Topic.cs")
            .After("public Publication Publish(Draft message, Wakes wakes) {", "Frame retained; long stamp;")
            .Replace(
                "var retained = Retain(message); Deliver(new ReadOnlySpan<Frame>(in retained), wakes); "
                + "return new(PublishResult.Accepted, _last);",
                """
                retained = Retain(message); stamp = _last; }
                { Deliver(new ReadOnlySpan<Frame>(in retained), wakes); return new(PublishResult.Accepted, stamp);
                """)
            .Replace("in _subscribers) { if (!subscriber.TryDeliver", "in _subscribers.ToArray()) { if (!subscriber.TryDeliver")
            .Breaks(All_subscribers_see_one_order, "two subscribers of two publishers")
            .Breaks(Nothing_of_a_topic_follows_the_last_word_about_it, "an unsubscribe among publishes"),
        new Patch("Has no gate", "Topic.cs")
            .Replace("private readonly Lock _gate = new();", "private static Lock _gate => new();")
            .Breaks(All_subscribers_see_one_order, "two subscribers of two publishers")
            .Breaks(A_replay_and_what_is_live_meet_without_gap_or_duplicate, "a subscribe among publishes"),
        new Patch("Publishes to a deleted topic", "Topic.cs")
            .Remove("if (_deleted) { return new(PublishResult.TopicNotFound); }")
            .Breaks(Some_order_of_the_verbs_explains_everything, "a delete against a subscribe and a publish"),
        new Patch("Checks the bound, then queues the event", "Subscriber.cs")
            .Before("foreach (var frame in live)", LeaveAndEnterLatch)
            .Breaks(No_more_is_outstanding_than_the_bound, "a bound that two publishers reach at once"),
        new Patch("Reads the number of outstanding events before the latch", "Subscriber.cs")
            .After("internal bool TryDeliver(ReadOnlySpan<Frame> live, Wakes wakes) {", "var seen = _outstanding;")
            .Replace("_outstanding++;", "_outstanding = seen + 1;")
            .Breaks(Only_who_is_over_the_bound_is_slow, "an overflow against a reader"),
    ];

    private static IEnumerable<Patch> Subscribing() =>
    [
        new Patch("Reads the retained events before the gate", "Topic.cs")
            .After(
                "public SubscribeResult Subscribe(Subscriber subscriber, int lastN, Draft? ack, Wakes wakes) {",
                "var before = Newest(lastN).ToArray();")
            .Replace("return Join(subscriber, lastN, ack, wakes);", "return Join(subscriber, lastN, ack, wakes, before);")
            .Replace(
                "private SubscribeResult Join(Subscriber subscriber, int lastN, Draft? ack, Wakes wakes)",
                "private SubscribeResult Join(Subscriber subscriber, int lastN, Draft? ack, Wakes wakes, Frame[]? before = null)")
            .Replace("subscriber.Join(this, Newest(lastN)", "subscriber.Join(this, before ?? Newest(lastN)")
            .Breaks(A_replay_and_what_is_live_meet_without_gap_or_duplicate, "a subscribe among publishes"),
        new Patch("Joins, then replays", "Topic.cs")
            .Replace(
                "return Join(subscriber, lastN, ack, wakes);",
                $$"""
                var outcome = Join(subscriber, 0, ack, wakes);
                if (outcome != SubscribeResult.Joined)
                {
                    return outcome;
                }

                {{LeaveAndEnterGate}}
                    foreach (var retained in Newest(lastN))
                    {
                        subscriber.Reply(retained, wakes);
                    }

                    return SubscribeResult.Joined;
                """)
            .Breaks(An_ack_comes_before_the_replay_and_the_replay_before_what_is_live, "a subscribe among publishes")
            .Breaks(A_replay_and_what_is_live_meet_without_gap_or_duplicate, "a subscribe among publishes"),
        new Patch("Adds the subscriber, then acks and replays", "Topic.cs")
            .Before("return Join(subscriber, lastN, ack, wakes);", "if (!_deleted) { _subscribers.Add(subscriber); }" + LeaveAndEnterGate)
            .Breaks(An_ack_comes_before_the_replay_and_the_replay_before_what_is_live, "a subscribe among publishes"),
        new Patch("Subscribes to a deleted topic", "Topic.cs")
            .Remove("if (_deleted) { return SubscribeResult.TopicNotFound; }")
            .Breaks(Some_order_of_the_verbs_explains_everything, "a delete against a subscribe and a publish"),
        new Patch("Acks the unsubscribe, then removes the subscriber", "Topic.cs")
            .Replace(
                "_subscribers.Remove(subscriber); subscriber.Leave(this, ack, wakes);",
                $"subscriber.Leave(this, ack, wakes); {LeaveAndEnterGate} _subscribers.Remove(subscriber);")
            .Breaks(Nothing_of_a_topic_follows_the_last_word_about_it, "an unsubscribe among publishes"),
        new Patch("Unsubscribes from a deleted topic", "Topic.cs")
            .Replace("if (_deleted) { return false; } _subscribers.Remove(subscriber);", "_subscribers.Remove(subscriber);")
            .Breaks(Some_order_of_the_verbs_explains_everything, ToldInTheMiddle),
    ];

    private static IEnumerable<Patch> Stamping() =>
    [
        new Patch("Decides the stamp before the gate", "Topic.cs")
            .After("public Publication Publish(Draft message, Wakes wakes) {", "var last = _last; message = message.Finish(ref last);")
            .Breaks(Stamps_increase_in_the_order_of_the_topic, "two subscribers of two publishers"),
        new Patch("Follows a clock that is set back", "Draft.cs")
            .Replace("last = Math.Max(time, last + 1);", "last = time;")
            .Breaks(Stamps_increase_in_the_order_of_the_topic, SetBack),
        new Patch("Stamps as the last event when the clock is not later", "Draft.cs")
            .Replace("last = Math.Max(time, last + 1);", "last = Math.Max(time, last);")
            .Breaks(Stamps_increase_in_the_order_of_the_topic, SetBack),
        new Patch("Does not rewrite the time that a message shows", "Draft.cs")
            .Replace("if (place >= 0 && last != time)", "if (place < 0)")
            .Breaks(Stamps_increase_in_the_order_of_the_topic, SetBack)
            .Breaks(A_publish_is_answered_with_the_stamp_of_its_event, SetBack),
        new Patch("Answers a publish with the newest stamp", "Topic.cs")
            .Before("return new(PublishResult.Accepted, _last);", LeaveAndEnterGate)
            .Breaks(A_publish_is_answered_with_the_stamp_of_its_event, "two subscribers of two publishers"),
        new Patch("Lets the ack of a subscribe show the time of its request", "Topic.cs")
            .Replace("ack?.Finish(ref _last)", "ack?.Frame")
            .Breaks(Stamps_increase_in_the_order_of_the_topic, SetBack),
    ];

    private static IEnumerable<Patch> Resuming() =>
    [
        new Patch("Counts the later events before the gate", "Topic.cs")
            .Remove("var later = CountAfter(position);")
            .After("Draft? whole, Draft? torn, Wakes wakes) {", "var later = CountAfter(position);")
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, "a resume among publishes"),
        new Patch("Decides before the gate whether an event is missing", "Topic.cs")
            .After("Draft? whole, Draft? torn, Wakes wakes) {", "var wasWhole = IsWhole(position);")
            .Replace("var isWhole = IsWhole(position) &&", "var isWhole = wasWhole &&")
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, SmallRing),
        new Patch("Decides after the subscriber has joined whether an event is missing", "Topic.cs")
            .Replace(
                "return Join(subscriber, later, isWhole ? whole : torn, wakes);",
                """
                _subscribers.Add(subscriber);
                isWhole = IsWhole(position) && (later == 0 || !_subscribers.Contains(subscriber));
                return Join(subscriber, later, isWhole ? whole : torn, wakes);
                """)
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, "a resume among publishes"),
        new Patch("Does not ask whether the subscriber is here already", "Topic.cs")
            .Replace("(later == 0 || !_subscribers.Contains(subscriber))", "true")
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, "a resume of a subscriber that may be here already"),
        new Patch("Does not keep the stamp of an event that it forgets", "Topic.cs")
            .Remove("_forgotten = forgotten.Stamp;")
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, SmallRing),
        new Patch("Misses an event that was seen", "Topic.cs")
            .Replace("position.Since >= _forgotten", "position.Since > _forgotten")
            .Breaks(A_resume_is_told_truthfully_whether_an_event_is_missing, SmallRing),
        new Patch("Does not compare the epoch", "Topic.cs")
            .Remove("&& (position.Epoch ?? Epoch) == Epoch")
            .Breaks(
                A_resume_is_told_truthfully_whether_an_event_is_missing,
                "a resume against a topic created again by a clock set back"),
        new Patch("Replays the event of the position", "Topic.cs")
            .Replace("retained.Stamp > position.Since", "retained.Stamp >= position.Since")
            .Breaks(A_resume_is_replayed_only_what_is_later, "a resume among publishes"),
        new Patch("Resumes a deleted topic", "Topic.cs")
            .Remove("if (_deleted) { return SubscribeResult.TopicNotFound; }")
            .Breaks(Some_order_of_the_verbs_explains_everything, "a resume against a topic created again by a clock set back"),
    ];

    private static IEnumerable<Patch> Batching() =>
    [
        new Patch("Publishes a batch event by event", "Topic.cs")
            .Replace(
                "for (var i = 0; i < messages.Length; i++) { events[i] = Retain(messages[i]); stamps[i] = _last; } Deliver(events, wakes); "
                + "return PublishResult.Accepted;",
                """
                }

                for (var i = 0; i < messages.Length; i++)
                {
                    lock (_gate)
                    {
                        events[i] = Retain(messages[i]);
                        stamps[i] = _last;
                        Deliver(events.AsSpan(i, 1), wakes);
                    }
                }

                {
                    return PublishResult.Accepted;
                """)
            .Breaks(A_batch_is_one_step, "a batch among publishes"),
        new Patch("Retains a batch, then delivers it", "Topic.cs")
            .Before("Deliver(events, wakes); return PublishResult.Accepted;", LeaveAndEnterGate)
            .Breaks(Stamps_increase_in_the_order_of_the_topic, "a batch among publishes"),
        new Patch("Judges each event of a batch", "Topic.cs")
            .Replace("Deliver(events, wakes);", "for (var i = 0; i < events.Length; i++) { Deliver(events.AsSpan(i, 1), wakes); }")
            .Breaks(Only_who_is_over_the_bound_is_slow, "a batch over the bound against a publish"),
        new Patch("Tells each message of a batch the stamp of the last", "Topic.cs")
            .Before("Deliver(events, wakes); return PublishResult.Accepted;", "stamps.Fill(_last);")
            .Breaks(A_publish_is_answered_with_the_stamp_of_its_event, "a batch among publishes"),
    ];

    private static IEnumerable<Patch> Deleting() =>
    [
        new Patch("Marks a topic as deleted before its subscribers have the notice", "Topic.cs")
            .Before("foreach (var subscriber in _subscribers) { subscriber.Leave", "_deleted = true;")
            .Breaks(Nothing_of_a_topic_follows_the_last_word_about_it, ToldInTheMiddle)
            .Breaks(Some_order_of_the_verbs_explains_everything, ToldInTheMiddle),
        new Patch("Forgets a topic before its subscribers have the notice", "Broker.cs")
            .Before("var deleted = topic.TryDelete", "Forget(topic);")
            .Breaks(Nothing_of_a_topic_follows_the_last_word_about_it, ToldInTheMiddle)
            .Breaks(Some_order_of_the_verbs_explains_everything, ToldInTheMiddle),
        new Patch("Queues the notices, then ends the subscriptions", "Topic.cs")
            .Before("_subscribers.Clear();", LeaveAndEnterGate)
            .Breaks(Nothing_of_a_topic_follows_the_last_word_about_it, ToldInTheMiddle),
        new Patch("Lets two deletes of one topic succeed", "Topic.cs")
            .Replace("return false; } foreach", "return true; } foreach")
            .Breaks(Topics_are_the_created_without_the_deleted, "two creates and two deletes of one name"),
    ];

    private static IEnumerable<Patch> Closing() =>
    [
        new Patch("Checks whether the subscriber is closed, then joins", "Subscriber.cs")
            .Before("var joins = ", LeaveAndEnterLatch)
            .Breaks(Who_is_closed_gets_nothing_more_and_is_in_no_topic, "a close against a subscribe"),
        new Patch("Checks whether the subscriber is closed, then replies", "Subscriber.cs")
            .After("public void Reply(Frame reply, Wakes wakes) {", "var isOpen = _closed == CloseReason.None;")
            .Replace("if (_closed == CloseReason.None) { Append(reply", "if (isOpen) { Append(reply")
            .Breaks(Who_is_closed_gets_nothing_more_and_is_in_no_topic, "a reader against a close"),
        new Patch("Takes a slow consumer out of its topics inside a gate", "Topic.cs")
            .Before("_subscribers.Remove(subscriber); // a HashSet", "subscriber.Depart();")
            .Breaks(Nobody_waits_for_a_lock_for_ever, "an overflow in one topic against another"),
        new Patch("Takes a closed subscriber out of its topics inside its latch", "Subscriber.cs")
            .Replace(
                "awaited = _room.Disarm(); } foreach (var topic in topics) { topic.Remove(this); }",
                "awaited = _room.Disarm(); foreach (var topic in topics) { topic.Remove(this); } }")
            .Breaks(Nobody_waits_for_a_lock_for_ever, "a close against an unsubscribe and a delete"),
    ];

    private static IEnumerable<Patch> Waking() =>
    [
        new Patch("Checks whether anything is queued, then sleeps", "Subscriber.cs")
            .Replace(
                "return HasMore() is { } answer ? ValueTask.FromResult(answer) : _frames.ArmForAnswer();",
                "if (HasMore() is { } answer) { return ValueTask.FromResult(answer); }"
                + $"{LeaveAndEnterLatch} return _frames.ArmForAnswer();")
            .Breaks(No_wake_up_is_lost, "a reader asleep while two publishers note it"),
        new Patch("Checks whether the reader sleeps, then queues the event", "Subscriber.cs")
            .Replace(
                "foreach (var frame in live) { _outstanding++; _outstandingBytes += frame.Length; Append(frame, live: true, wakes); } "
                + "NoteWake(wakes);",
                $"NoteWake(wakes); {LeaveAndEnterLatch}"
                + "foreach (var frame in live) { _outstanding++; _outstandingBytes += frame.Length; Append(frame, live: true, wakes); }")
            .Breaks(No_wake_up_is_lost, "a reader asleep while two publishers note it"),
        new Patch("Does not forget the wake list that woke the reader", "Subscriber.cs")
            .Remove("_noted = null;")
            .Breaks(No_wake_up_is_lost, "a reader that one publisher wakes twice"),
        new Patch("Checks whether the reader sleeps, then ends its wait", "Subscriber.cs")
            .Before("if (answer is not null)", LeaveAndEnterLatch)
            .Breaks(No_verb_fails, "a reader asleep while two publishers note it"),
        new Patch("Wakes readers inside the gate", "Topic.cs")
            .Before("return new(PublishResult.Accepted, _last);", "wakes.Release();")
            .Breaks(Nothing_inside_a_gate_waits_calls_out_or_enters_another, "a reader against an overflow"),
        new Patch("Wakes a reader inside the latch", "Subscriber.cs")
            .After("_frames.Disarm();", "_frames.Set(answer.Value); answer = null;")
            .Breaks(Nothing_inside_a_gate_waits_calls_out_or_enters_another, "a reader asleep while two publishers note it"),
        new Patch("Checks whether there is room, then waits for it", "Subscriber.cs")
            .Replace(
                "return _unread < _limits.MaxReplies || _closed != CloseReason.None ? ValueTask.CompletedTask : _room.Arm();",
                "if (_unread < _limits.MaxReplies || _closed != CloseReason.None) { return ValueTask.CompletedTask; }"
                + $"{LeaveAndEnterLatch} return _room.Arm();")
            .Breaks(Room_returns, "a close against who waits for room"),
        new Patch("Ends the wait for room at every release", "Subscriber.cs")
            .Remove("_unread < _limits.MaxReplies && ")
            .Breaks(Nobody_passes_without_room, "two that reply to one who waits for room"),
    ];
}
