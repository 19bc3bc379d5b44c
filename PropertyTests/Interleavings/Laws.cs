namespace PubSub.Interleavings;

/// <summary>A sentence that is true of every history; what it answers is where it is not, or null.</summary>
internal delegate string? Law(History history);

/// <summary>The laws of a broker that others use at the same time, each as seen from outside.</summary>
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
    ];

    /// <summary>The laws that a history breaks, with what each has to say.</summary>
    public static IEnumerable<(string Law, string Why)> BrokenBy(History history)
    {
        // What did not come to its end can only be asked how it went so far.
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

    /// <summary>Every verb returns; what it has to say, it says by what it returns.</summary>
    public static string? No_verb_fails(History history) => history.Fault is { } fault ? $"{fault.GetType().Name}: {fault.Message}" : null;

    /// <summary>There is no schedule in which fibers hold the locks that the others want.</summary>
    public static string? Nobody_waits_for_a_lock_for_ever(History history) => First(history.Deadlocked);

    /// <summary>
    /// A gate is entered with nothing held, a latch with at most one gate, the lock of creation with nothing; no wait is begun or ended in any.
    /// </summary>
    public static string? Nothing_inside_a_gate_waits_calls_out_or_enters_another(History history) => First(history.Breaches);

    /// <summary>
    /// What two subscribers took of one topic, live or replayed, they took in the same order, and everybody took the messages of one publisher in
    /// the order in which it published them (PS-FAN-003).
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
                            return $"{first.Fiber}: {first} (frame {one}) before {second.Fiber}: {second} (frame {other}), and the other way round";
                        }
                    }
                }
            }
        }

        return null;
    }

    /// <summary>
    /// From the first message of a subscription, replayed or live, to its last, there is every message of the topic once, as the retained
    /// messages tell (PS-RPL-002). Only of topics that still stand, and still retain all.
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

    /// <summary>A subscription begins with its ack; what is replayed follows, at most as much as was asked for; then only what is live.</summary>
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
                        return $"{step} replayed behind what is live, or beyond what was asked for";
                    }

                    live |= got.Live;
                }
            }
        }

        return null;
    }

    /// <summary>Behind the ack of an unsubscribe, and behind the notice of a deletion, nothing of the topic follows but a new ack (PS-UNS-002).</summary>
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
                        return $"{step} behind {lastWord}";
                    }

                    lastWord = step.Verb is Verb.Unsubscribe or Verb.Delete ? step : step.Verb == Verb.Subscribe ? null : lastWord;
                }
            }
        }

        return null;
    }

    /// <summary>Live events queued are never more than MAX_QUEUE_SIZE (PS-BPR-001); nor are those of one batch.</summary>
    public static string? No_more_is_outstanding_than_the_bound(History history) =>
        history.Subscribers.Find(subscriber => subscriber.MostOutstanding > history.Program.Limits.MaxQueueSize) is { } subscriber
            ? $"{subscriber.MostOutstanding} were outstanding, {history.Program.Limits.MaxQueueSize} is the bound"
            : null;

    /// <summary>
    /// Who is closed as a slow consumer could have had one more outstanding than the bound at that moment: of all that had begun to be published to
    /// it, so much had not yet been released.
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

            var offered = history.Deeds.Count(publish => publish.Step.Verb == Verb.Publish && publish.Began < subscriber.ClosedAt
                && history.Deeds.Exists(deed => deed.Step.Verb == Verb.Subscribe && deed.Step.Subscriber == place
                    && deed.Step.Topic == publish.Step.Topic && deed.Began < publish.Ended));
            var released = subscriber.Released.Where(release => release.Ended < subscriber.ClosedAt).Sum(release => release.Live);
            if (offered - released <= history.Program.Limits.MaxQueueSize)
            {
                return $"#{place}: {offered} were offered and {released} released, when it was closed";
            }
        }

        return null;
    }

    /// <summary>
    /// What is replied, published and subscribed after a subscriber was closed does not reach it, nor anything at all when its reader has been told that
    /// nothing is left; and as soon as everything has settled no topic counts it.
    /// </summary>
    public static string? Who_is_closed_gets_nothing_more_and_is_in_no_topic(History history)
    {
        foreach (var subscriber in history.Subscribers.Where(subscriber => subscriber.Closed != CloseReason.None))
        {
            // Of a slow consumer the rest of the batch that is being taken is not queued any more, and only its reader can drop it.
            if (subscriber.GotMoreWhenOver && subscriber.Closed != CloseReason.SlowConsumer)
            {
                return "something was left when nothing was";
            }

            if (subscriber.Taken.Exists(got => history.DeedOf(got).Began > subscriber.ClosedAt))
            {
                return $"{history.Of(subscriber.Taken.Find(got => history.DeedOf(got).Began > subscriber.ClosedAt))} reached who was closed";
            }
        }

        foreach (var (topic, counted) in history.Settled)
        {
            // The last message of all reaches exactly those who are subscribed.
            var subscribed = history.Subscribers.Take(history.Program.Subscribers).Count(subscriber => subscriber.Taken.Exists(got =>
                history.Of(got) is { Fiber: Program.Afterwards, Verb: Verb.Publish } last && last.Topic == topic));
            if (counted != subscribed)
            {
                return $"{topic} counts {counted} subscribers, {subscribed} are";
            }
        }

        return null;
    }

    /// <summary>When nothing moves any more, no reader waits while something is queued for it or it is closed.</summary>
    public static string? No_wake_up_is_lost(History history) =>
        history.Subscribers.Exists(subscriber => subscriber.SleepsThroughIt) ? "a reader sleeps and has something to do" : null;

    /// <summary>
    /// When nothing moves any more, no requester waits while there is room or its subscriber is closed; and with nothing unread there is room.
    /// </summary>
    public static string? Room_returns(History history) =>
        history.Subscribers.Exists(subscriber => subscriber.WaitsInVain) ? "a requester waits for the room that there is" : null;

    /// <summary>A request passes only if fewer than MAX_REPLIES answers could have been unread at some moment of its waiting, or who asks is closed.</summary>
    public static string? Nobody_passes_without_room(History history)
    {
        foreach (var wait in history.Deeds)
        {
            if (wait.Step.Verb != Verb.Room || wait.Answer != Answer.Yes || history.Subscribers[wait.Step.Subscriber].ClosedAt < wait.Ended)
            {
                continue;
            }

            var replies = history.Deeds.Count(deed => deed.Step.Verb == Verb.Reply && deed.Step.Subscriber == wait.Step.Subscriber && deed.Ended < wait.Began);
            var released = history.Subscribers[wait.Step.Subscriber].Released.Where(given => given.Began < wait.Ended).Sum(given => given.Others);
            if (replies - released >= history.Program.Limits.MaxReplies)
            {
                return $"{replies} were replied and at most {released} released, when {wait} passed";
            }
        }

        return null;
    }

    /// <summary>In the end there are as many topics as were created and not deleted, by name and by the own count of the broker, subscriptions included.</summary>
    public static string? Topics_are_the_created_without_the_deleted(History history)
    {
        foreach (var topic in history.Program.Topics)
        {
            var created = history.Deeds.Count(deed => deed.Step.Topic == topic && deed.Answer == Answer.Created);
            var deleted = history.Deeds.Count(deed => deed.Step.Topic == topic && deed.Step.Verb == Verb.Delete && deed.Answer == Answer.Yes);
            if (created - deleted != (history.Standing.ContainsKey(topic) ? 1 : 0))
            {
                return $"{topic} was created {created} times and deleted {deleted} times, and it is {history.Standing.ContainsKey(topic)} that it exists";
            }
        }

        var standing = (history.Standing.Count, history.Standing.Values.Sum(counts => counts.Subscribers));
        return history.Counted == standing ? null : $"the broker counts {history.Counted} topics and subscriptions, there are {standing}";
    }

    /// <summary>
    /// There are never more topics than MAX_TOPICS, and a create is refused only if at some moment of it there were as many, counting a topic until its
    /// delete has returned.
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
                return $"there were no more than {possible} at {create}";
            }
        }

        return null;
    }

    /// <summary>
    /// For the topics of each name there is one order of all that was done to them, in which whatever ended before another began comes before it, and which
    /// explains every answer, every count, and every frame that every subscriber took.
    /// </summary>
    public static string? Some_order_of_the_verbs_explains_everything(History history) =>
        history.Program.Topics.FirstOrDefault(topic => !Order.Explains(history, topic)) is { } topic ? $"no order explains {topic}" : null;

    /// <summary>What each subscriber took of a topic, cut before each ack of a subscribe that joined.</summary>
    private static IEnumerable<List<Got>> Subscriptions(History history, string topic)
    {
        foreach (var subscriber in history.Subscribers)
        {
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
    }

    private static bool Joined(History history, Step step) => history.Deeds.Exists(deed => deed.Step.Mark == step.Mark && deed.Answer == Answer.Joined);

    private static List<byte> Messages(History history, List<Got> subscription) =>
        subscription.FindAll(got => history.Of(got).Verb == Verb.Publish).ConvertAll(got => got.Mark);

    private static string? First(List<string> found) => found.Count > 0 ? found[0] : null;
}
