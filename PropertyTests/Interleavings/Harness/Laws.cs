namespace PubSub.Interleavings.Harness;

/// <summary>A property of every history. It returns a description of the violation, or null.</summary>
internal delegate string? Law(History history);

/// <summary>The laws of a broker under concurrent use, each as seen from outside.</summary>
internal static class Laws
{
    public static IReadOnlyList<Law> All { get; } =
    [
        No_verb_fails,
        Nobody_waits_for_a_lock_for_ever,
        Nothing_inside_a_gate_waits_calls_out_or_enters_another,
        All_subscribers_see_one_order,
        A_replay_and_what_is_live_meet_without_gap_or_duplicate,
        An_ack_comes_before_the_replay_and_the_replay_before_what_is_live,
        Nothing_of_a_topic_follows_the_last_word_about_it,
        No_more_is_outstanding_than_the_bound,
        Only_who_is_over_the_bound_is_slow,
        Who_is_closed_gets_nothing_more_and_is_in_no_topic,
        No_wake_up_is_lost,
        Room_returns,
        Nobody_passes_without_room,
        Topics_are_the_created_without_the_deleted,
        A_topic_is_refused_only_when_there_are_too_many,
        Some_order_of_the_verbs_explains_everything,
        Stamps_increase_in_the_order_of_the_topic,
        A_publish_is_answered_with_the_stamp_of_its_event,
        A_resume_is_replayed_only_what_is_later,
        A_resume_is_told_truthfully_whether_an_event_is_missing,
        A_batch_is_one_step,
    ];

    /// <summary>The laws that a history breaks, each with a description.</summary>
    public static IEnumerable<(string Law, string Why)> BrokenBy(History history)
    {
        // An incomplete history can only be checked by the laws that do not look at the final state.
        var cameToItsEnd = history.Fault is null && history.Deadlocked.Count == 0;
        foreach (var law in cameToItsEnd
            ? All
            : [No_verb_fails, Nobody_waits_for_a_lock_for_ever, Nothing_inside_a_gate_waits_calls_out_or_enters_another])
        {
            if (law(history) is { } why)
            {
                yield return (law.Method.Name, why);
            }
        }
    }

    /// <summary>No verb throws.</summary>
    public static string? No_verb_fails(History history) =>
        history.Fault is { } fault ? $"{fault.GetType().Name}: {fault.Message}" : null;

    /// <summary>There is no deadlock.</summary>
    public static string? Nobody_waits_for_a_lock_for_ever(History history) => First(history.Deadlocked);

    /// <summary>
    /// A fiber that enters a gate or the lock of creation holds no other lock, and one that enters a latch holds at most one gate. No wait
    /// begins or ends inside a lock.
    /// </summary>
    public static string? Nothing_inside_a_gate_waits_calls_out_or_enters_another(History history) => First(history.Breaches);

    /// <summary>
    /// All subscribers of a topic take its messages, live or replayed, in the same order. They take the messages of one publisher in the
    /// order in which it published them (PS-FAN-003).
    /// </summary>
    public static string? All_subscribers_see_one_order(History history)
    {
        var before = new HashSet<(byte Earlier, byte Later)>();
        foreach (var topic in history.Program.Topics)
        {
            foreach (var subscription in Subscriptions(history, topic))
            {
                var messages = Messages(history, subscription);
                for (var later = 0; later < messages.Count; later++)
                {
                    for (var earlier = 0; earlier < later; earlier++)
                    {
                        var (one, other) = (messages[earlier], messages[later]);
                        var (first, second) = (history.Program.Script[one], history.Program.Script[other]);
                        before.Add((one, other));
                        if ((one != other && before.Contains((other, one))) || (first.Fiber == second.Fiber && one > other))
                        {
                            return $"{first.Fiber}: {first} (frame {one}) before {second.Fiber}: {second} (frame {other}), "
                                + "and the other way round";
                        }
                    }
                }
            }
        }

        return null;
    }

    /// <summary>
    /// From its first message, replayed or live, to its last, a subscription gets every message of the topic once, as the retained messages
    /// show (PS-RPL-002). Only checked for topics that exist in the end; they must still retain the first message of the subscription.
    /// </summary>
    public static string? A_replay_and_what_is_live_meet_without_gap_or_duplicate(History history)
    {
        foreach (var topic in history.Standing.Keys)
        {
            var retained = Messages(history, history.Subscribers[^1].Taken.FindAll(got => history.Of(got).Topic == topic));
            foreach (var subscription in Subscriptions(history, topic))
            {
                var messages = Messages(history, subscription);
                var from = messages.Count > 0 ? retained.IndexOf(messages[0]) : -1;
                if (from >= 0 && !messages.SequenceEqual(retained.Skip(from).Take(messages.Count)))
                {
                    return $"{topic} retains {string.Join(',', retained)}, a subscriber took {string.Join(',', messages)}";
                }
            }
        }

        return null;
    }

    /// <summary>A subscription begins with its ack; then come at most as many replayed messages as requested, then live ones.</summary>
    public static string? An_ack_comes_before_the_replay_and_the_replay_before_what_is_live(History history)
    {
        foreach (var topic in history.Program.Topics)
        {
            foreach (var subscription in Subscriptions(history, topic))
            {
                var live = false;
                for (var place = 0; place < subscription.Count; place++)
                {
                    var (got, step) = (subscription[place], history.Of(subscription[place]));
                    if (place == 0 && step.Verb is (Verb.Publish or Verb.Delete))
                    {
                        return $"{step} before any ack";
                    }

                    if (step.Verb == Verb.Publish && !got.Live && (live || place > history.Of(subscription[0]).Number))
                    {
                        return $"{step} replayed after a live message, or beyond the number requested";
                    }

                    live |= got.Live;
                }
            }
        }

        return null;
    }

    /// <summary>After the ack of an unsubscribe, or the notice of a deletion, only a new ack of the topic follows (PS-UNS-002).</summary>
    public static string? Nothing_of_a_topic_follows_the_last_word_about_it(History history)
    {
        foreach (var subscriber in history.Subscribers)
        {
            foreach (var topic in history.Program.Topics)
            {
                Step? lastWord = null;
                foreach (var got in subscriber.Taken)
                {
                    var step = history.Of(got);
                    if (step.Topic != topic)
                    {
                        continue;
                    }

                    if (lastWord is not null && step.Verb is (Verb.Publish or Verb.Delete))
                    {
                        return $"{step} after {lastWord}";
                    }

                    lastWord = step.Verb is Verb.Unsubscribe or Verb.Delete ? step : step.Verb == Verb.Subscribe ? null : lastWord;
                }
            }
        }

        return null;
    }

    /// <summary>
    /// Live events queued are never more than MAX_QUEUE_SIZE (PS-BPR-001), and the rest of a batch if there was room for its first; nor are
    /// those taken at once.
    /// </summary>
    public static string? No_more_is_outstanding_than_the_bound(History history)
    {
        var bound = history.Program.Limits.MaxQueueSize + history.Program.Script.Max(step => step.Frames) - 1;
        return history.Subscribers.Find(subscriber => subscriber.MostOutstanding > bound) is { } subscriber
            ? $"{subscriber.MostOutstanding} were outstanding, {bound} is the bound"
            : null;
    }

    /// <summary>
    /// A subscriber is closed as a slow consumer only if it may have had as many events outstanding as the bound when another publish was
    /// offered to it: those whose publish had begun, without those released.
    /// </summary>
    public static string? Only_who_is_over_the_bound_is_slow(History history)
    {
        for (var place = 0; place < history.Subscribers.Count; place++)
        {
            var subscriber = history.Subscribers[place];
            if (subscriber.Closed != CloseReason.SlowConsumer)
            {
                continue;
            }

            List<int> offered =
            [
                .. history.Deeds.Where(publish => publish.Step.Verb == Verb.Publish && publish.Began < subscriber.ClosedAt
                    && history.Deeds.Exists(deed => deed.Step.Verb == Verb.Subscribe && deed.Step.Subscriber == place
                        && deed.Step.Topic == publish.Step.Topic && deed.Began < publish.Ended))
                    .Select(publish => publish.Step.Frames),
            ];
            var released = subscriber.Released.Where(release => release.Ended < subscriber.ClosedAt).Sum(release => release.Live);
            if (offered.Count == 0 || offered.Sum() - offered.Min() - released < history.Program.Limits.MaxQueueSize)
            {
                return $"#{place}: {offered.Sum()} were published to it and {released} released, when it was closed";
            }
        }

        return null;
    }

    /// <summary>
    /// A closed subscriber gets no reply, message or ack of a later step, and nothing at all after its reader was told that nothing is
    /// left. In the end no topic counts it.
    /// </summary>
    public static string? Who_is_closed_gets_nothing_more_and_is_in_no_topic(History history)
    {
        foreach (var subscriber in history.Subscribers.Where(subscriber => subscriber.Closed != CloseReason.None))
        {
            // Except the rest of the batch that a slow consumer is taking: it is no longer queued, and only the reader can drop it.
            if (subscriber.GotMoreWhenOver && subscriber.Closed != CloseReason.SlowConsumer)
            {
                return "a frame was left after the reader was told that none is";
            }

            if (subscriber.Taken.Exists(got => history.DeedOf(got).Began > subscriber.ClosedAt))
            {
                var late = subscriber.Taken.Find(got => history.DeedOf(got).Began > subscriber.ClosedAt);
                return $"{history.Of(late)} reached a closed subscriber";
            }
        }

        foreach (var (topic, counted) in history.Settled)
        {
            // The last message of all reaches exactly the subscribers of the topic.
            var subscribed = history.Subscribers.Take(history.Program.Subscribers).Count(subscriber => subscriber.Taken.Exists(got =>
                history.Of(got) is { Fiber: Program.Afterwards, Verb: Verb.Publish } last && last.Topic == topic));
            if (counted != subscribed)
            {
                return $"{topic} counts {counted} subscribers, but has {subscribed}";
            }
        }

        return null;
    }

    /// <summary>In the end no reader waits while a frame is queued or the subscriber is closed.</summary>
    public static string? No_wake_up_is_lost(History history) =>
        history.Subscribers.Exists(subscriber => subscriber.SleepsThroughIt)
            ? "a reader waits although a frame is queued or the subscriber is closed"
            : null;

    /// <summary>In the end no requester waits while there is room or its subscriber is closed; with nothing unread there is room.</summary>
    public static string? Room_returns(History history) =>
        history.Subscribers.Exists(subscriber => subscriber.WaitsInVain)
            ? "a requester waits although there is room or the subscriber is closed"
            : null;

    /// <summary>
    /// A request passes only if, at some moment of its wait, fewer than MAX_REPLIES replies may have been unread, or its subscriber was
    /// closed.
    /// </summary>
    public static string? Nobody_passes_without_room(History history)
    {
        foreach (var wait in history.Deeds)
        {
            if (wait.Step.Verb != Verb.Room || wait.Answer != Answer.Yes || history.Subscribers[wait.Step.Subscriber].ClosedAt < wait.Ended)
            {
                continue;
            }

            var replies = history.Deeds.Count(deed =>
                deed.Step.Verb == Verb.Reply && deed.Step.Subscriber == wait.Step.Subscriber && deed.Ended < wait.Began);
            var released = history.Subscribers[wait.Step.Subscriber].Released
                .Where(given => given.Began < wait.Ended)
                .Sum(given => given.Others);
            if (replies - released >= history.Program.Limits.MaxReplies)
            {
                return $"{replies} replies were queued and at most {released} released, when {wait} passed";
            }
        }

        return null;
    }

    /// <summary>In the end a topic exists if it was created and not deleted, and the broker's own counts agree.</summary>
    public static string? Topics_are_the_created_without_the_deleted(History history)
    {
        foreach (var topic in history.Program.Topics)
        {
            var created = history.Deeds.Count(deed => deed.Step.Topic == topic && deed.Answer == Answer.Created);
            var deleted = history.Deeds.Count(deed =>
                deed.Step.Topic == topic && deed.Step.Verb == Verb.Delete && deed.Answer == Answer.Yes);
            var exists = history.Standing.ContainsKey(topic);
            if (created - deleted != (exists ? 1 : 0))
            {
                return $"{topic} was created {created} times and deleted {deleted} times, and {(exists ? "exists" : "does not exist")}";
            }
        }

        var standing = (history.Standing.Count, history.Standing.Values.Sum(counts => counts.Subscribers));
        return history.Counted == standing ? null : $"the broker counts {history.Counted} topics and subscriptions, but has {standing}";
    }

    /// <summary>
    /// There are never more topics than MAX_TOPICS, and a create is refused only if there were as many at some moment of it. A topic counts
    /// until its delete has returned.
    /// </summary>
    public static string? A_topic_is_refused_only_when_there_are_too_many(History history)
    {
        var most = history.Program.Limits.MaxTopics;
        var created = history.Deeds.FindAll(deed => deed.Answer == Answer.Created);
        var deleted = history.Deeds.FindAll(deed => deed is { Step.Verb: Verb.Delete, Answer: Answer.Yes });
        foreach (var create in history.Deeds.Where(deed => deed.Step.Verb == Verb.Create))
        {
            var certain = created.Count(other => other.Ended <= create.Ended) - deleted.Count(delete => delete.Began < create.Ended);
            var possible = created.Count(other => other.Began < create.Ended) - deleted.Count(delete => delete.Ended < create.Began);
            if (certain > most)
            {
                return $"there are {certain} topics after {create}";
            }

            if (create.Answer == Answer.LimitReached && possible < most)
            {
                return $"there were at most {possible} topics at {create}";
            }
        }

        return null;
    }

    /// <summary>
    /// For each topic name, there is one order of all steps that explains every result, every count and every frame taken. A step that
    /// ended before another began comes before it in that order (linearizability).
    /// </summary>
    public static string? Some_order_of_the_verbs_explains_everything(History history) =>
        history.Program.Topics.FirstOrDefault(topic => !Order.Explains(history, topic)) is { } topic ? $"no order explains {topic}" : null;

    /// <summary>
    /// Of one life of a topic, each event and each ack of a subscribe is later than the one before; what is replayed is earlier than its
    /// ack. A publish that ended before another began has the earlier stamps, also if the clock was set back (PS-RES-001, 002).
    /// </summary>
    public static string? Stamps_increase_in_the_order_of_the_topic(History history)
    {
        foreach (var subscriber in history.Subscribers)
        {
            var (latest, replayed, ack) = (new Dictionary<string, long>(), 0L, 0L);
            foreach (var got in subscriber.Taken.Where(got => got.Stamp > 0))
            {
                var life = $"{history.Of(got).Topic} {history.DeedOf(got).Epoch}";
                var last = latest.GetValueOrDefault(life);
                var isReplayed = !got.Live && history.Of(got).Verb == Verb.Publish;
                if (isReplayed ? got.Stamp <= replayed || got.Stamp >= ack : got.Stamp <= last)
                {
                    return $"{history.Of(got)} at {got.Stamp} after {(isReplayed ? $"{replayed}, with an ack at {ack}" : last)}";
                }

                replayed = isReplayed ? got.Stamp : 0;
                ack = history.Of(got).Verb == Verb.Subscribe ? got.Stamp : ack;
                latest[life] = isReplayed ? last : got.Stamp;
            }
        }

        foreach (var (earlier, later) in Pairs(history.Deeds.FindAll(deed => deed.Stamps.Length > 0)))
        {
            if (earlier.Ended < later.Began && earlier.Step.Topic == later.Step.Topic && earlier.Epoch == later.Epoch
                && earlier.Stamps[^1] >= later.Stamps[0])
            {
                return $"{later} is later than {earlier}";
            }
        }

        return null;
    }

    /// <summary>A publish learns the stamp that its event shows, and so does each event of a batch (PS-RES-002, PS-HTTP-006).</summary>
    public static string? A_publish_is_answered_with_the_stamp_of_its_event(History history)
    {
        foreach (var got in history.Subscribers.SelectMany(subscriber => subscriber.Taken))
        {
            if (history.DeedOf(got) is { Step.Verb: Verb.Publish } publish
                && publish.Stamps.ElementAtOrDefault(got.Mark - publish.Step.Mark) != got.Stamp)
            {
                return $"{publish}, and its event at {got.Stamp}";
            }
        }

        return null;
    }

    /// <summary>A subscribe with a position is replayed no event that the position says has been seen (PS-RES-003).</summary>
    public static string? A_resume_is_replayed_only_what_is_later(History history)
    {
        foreach (var (resume, _, follows) in Resumes(history))
        {
            if (follows.Exists(got => !got.Live && got.Stamp <= resume.Position!.Value.Since))
            {
                return $"{resume} was replayed {string.Join(',', follows.Select(got => got.Stamp))}";
            }
        }

        return null;
    }

    /// <summary>
    /// The ack of a subscribe with a position says that nothing is missing exactly if the position is of this life of the topic, and every
    /// event between the position and the ack follows (PS-RES-005, 007).
    /// </summary>
    public static string? A_resume_is_told_truthfully_whether_an_event_is_missing(History history)
    {
        foreach (var (resume, ack, follows) in Resumes(history))
        {
            var position = resume.Position!.Value;
            var missing = history.Deeds.Where(deed => deed.Step.Topic == resume.Step.Topic && deed.Epoch == resume.Epoch)
                .SelectMany(deed => deed.Stamps)
                .Where(stamp => stamp > position.Since && stamp < ack.Stamp && !follows.Exists(got => got.Stamp == stamp))
                .ToList();
            if (ack.Whole != (missing.Count == 0 && position.Epoch == resume.Epoch))
            {
                return $"{resume} was told {ack.Whole}; missing: {string.Join(',', missing)}";
            }
        }

        return null;
    }

    /// <summary>
    /// The messages of a batch are neighbours in every subscription and in the end. A replay may begin in the middle, and a slow consumer
    /// may end there (PS-HTTP-003).
    /// </summary>
    public static string? A_batch_is_one_step(History history)
    {
        foreach (var (place, subscriber) in history.Subscribers.Index())
        {
            foreach (var topic in history.Program.Topics)
            {
                List<byte> messages =
                    [.. Subscriptions(history, topic, place).SelectMany(each => Messages(history, each).Prepend(byte.MaxValue))];
                for (var at = 0; at < messages.Count; at++)
                {
                    var mark = messages[at];
                    if (mark == byte.MaxValue)
                    {
                        continue;
                    }

                    var (step, next) = (history.Program.Script[mark], at + 1 < messages.Count ? messages[at + 1] : byte.MaxValue);
                    var isLast = mark == step.Mark + step.Frames - 1;
                    var isCut = next == byte.MaxValue && subscriber.Closed == CloseReason.SlowConsumer;
                    if ((!isLast && !isCut && next != mark + 1)
                        || (mark > step.Mark && messages[at - 1] != mark - 1 && messages[at - 1] != byte.MaxValue))
                    {
                        return $"#{place} took {string.Join(',', messages)}; {step} begins at {step.Mark}";
                    }
                }
            }
        }

        return null;
    }

    /// <summary>
    /// The subscribes with a position whose ack was taken, with the messages between it and the next ack of a subscription; without those
    /// of a slow consumer, whose queue was dropped.
    /// </summary>
    private static IEnumerable<(Deed Resume, Got Ack, List<Got> Follows)> Resumes(History history)
    {
        foreach (var subscriber in history.Subscribers.Where(subscriber => subscriber.Closed != CloseReason.SlowConsumer))
        {
            for (var place = 0; place < subscriber.Taken.Count; place++)
            {
                var ack = subscriber.Taken[place];
                if (history.DeedOf(ack) is not { Position: not null } resume)
                {
                    continue;
                }

                yield return (resume, ack,
                [
                    .. subscriber.Taken.Skip(place + 1)
                        .TakeWhile(got => history.Of(got) is not { Verb: Verb.Subscribe } next || next.Topic != resume.Step.Topic)
                        .Where(got => history.Of(got) is { Verb: Verb.Publish } publish && publish.Topic == resume.Step.Topic),
                ]);
            }
        }
    }

    private static IEnumerable<(Deed, Deed)> Pairs(List<Deed> deeds) =>
        deeds.SelectMany(one => deeds.Where(other => other != one).Select(other => (one, other)));

    /// <summary>The frames of a topic that each subscriber took, divided before each ack of a subscribe that joined.</summary>
    private static IEnumerable<List<Got>> Subscriptions(History history, string topic) =>
        Enumerable.Range(0, history.Subscribers.Count).SelectMany(place => Subscriptions(history, topic, place));

    private static IEnumerable<List<Got>> Subscriptions(History history, string topic, int place)
    {
        var subscriber = history.Subscribers[place];
        var subscription = new List<Got>();
        foreach (var got in subscriber.Taken)
        {
            var step = history.Of(got);
            if (step.Topic != topic)
            {
                continue;
            }

            if (step.Verb == Verb.Subscribe && subscription.Count > 0 && Joined(history, step))
            {
                yield return subscription;
                subscription = [];
            }

            subscription.Add(got);
        }

        yield return subscription;
    }

    private static bool Joined(History history, Step step) =>
        history.Deeds.Exists(deed => deed.Step.Mark == step.Mark && deed.Answer == Answer.Joined);

    private static List<byte> Messages(History history, List<Got> subscription) =>
        subscription.FindAll(got => history.Of(got).Verb == Verb.Publish).ConvertAll(got => got.Mark);

    private static string? First(List<string> found) => found.Count > 0 ? found[0] : null;
}
