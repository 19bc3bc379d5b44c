namespace PubSub.Interleavings.Harness;

/// <summary>Runs a program once by a schedule, and records what happened.</summary>
internal sealed class Execution
{
    private readonly Scheduler _scheduler;
    private readonly Program _program;
    private readonly Broker _broker;
    private readonly History _history;
    private long _time = 100; // of the clock, in ticks; it goes on with every step

    private Execution(Scheduler scheduler, Program program)
    {
        (_scheduler, _program, _broker) = (scheduler, program, new Broker(program.Limits));
        _history = new History { Program = program };
    }

    public static History Of(Scheduler scheduler, Program program, Schedule schedule)
    {
        scheduler.Reset();
        var execution = new Execution(scheduler, program);
#pragma warning disable CA1031 // any exception, also before and after the fibers, is a result of the schedule
        try
        {
            execution.Play(schedule);
        }
        catch (Exception fault)
        {
            execution._history.Fault ??= fault;
        }
#pragma warning restore CA1031

        return execution._history;
    }

    private void Play(Schedule schedule)
    {
        for (var subscriber = 0; subscriber < _program.Subscribers; subscriber++)
        {
            _history.Subscribers.Add(new SubscriberStory { Subscriber = _broker.Admit(_program.Eager) });
        }

        Act(_program.Beginning);
        var stuck = _scheduler.Play(
            [.. _program.Fibers.Select((steps, place) => new Part($"{place}", () => Act(steps)))],
            schedule,
            SeeWhoIsClosed);
        _history.Breaches.AddRange(_scheduler.Breaches);
        _history.Fault = _scheduler.Fault;
        _history.Deadlocked.AddRange(
            stuck.Where(one => one.Wants is not null).Select(one => $"{one.Fiber} wants a lock of {one.Wants!.Guards}"));
        if (_history.Fault is null && _history.Deadlocked.Count == 0)
        {
            Settle(stuck);
        }
    }

    private void SeeWhoIsClosed()
    {
        foreach (var subscriber in _history.Subscribers)
        {
            if (subscriber.ClosedAt == int.MaxValue && subscriber.Closed != CloseReason.None)
            {
                subscriber.ClosedAt = _scheduler.Tick();
            }
        }
    }

    private void Act(IReadOnlyList<Step> steps)
    {
        var wakes = new Wakes();
        foreach (var step in steps)
        {
            if (step.Verb is Verb.Room or Verb.Read or Verb.Keep)
            {
                wakes.Release(); // other readers must not wait while this fiber does
            }

            var deed = new Deed(step, _scheduler.Tick());
            _history.Deeds.Add(deed);
            deed.Answer = Do(deed, ++_time, wakes);
            if (!step.Later)
            {
                wakes.Release();
            }

            SeeWhoIsClosed();
            deed.Ended = _scheduler.Tick();
        }

        wakes.Release();
    }

    private Answer Do(Deed deed, long time, Wakes wakes)
    {
        var step = deed.Step;
        var story = step.Subscriber >= 0 ? _history.Subscribers[step.Subscriber] : null;
        switch (step.Verb)
        {
            case Verb.Create:
                deed.Epoch = $"{step.Mark}";
                return _broker.Create(step.Topic, new Origin(time, deed.Epoch)) switch
                {
                    CreateResult.Created => Answer.Created,
                    CreateResult.Exists => Answer.Exists,
                    _ => Answer.LimitReached,
                };
            case Verb.Delete:
                return YesOrNo(_broker.TryDelete(step.Topic, Frames.Of(step.Mark), step.Disconnect));
            case Verb.Publish:
                return YesOrNo(_broker.Find(step.Topic) is { } published && Publish(published, deed, time, wakes));
            case Verb.Subscribe:
                return _broker.Find(step.Topic) is { } found ? Subscribe(found, story!.Subscriber, deed, time, wakes) : Answer.No;
            case Verb.Unsubscribe:
                return YesOrNo(_broker.Find(step.Topic)?.TryUnsubscribe(story!.Subscriber, Frames.Of(step.Mark), wakes) == true);
            case Verb.SetBack:
                _time -= 5;
                return Answer.Yes;
            case Verb.Reply:
                story!.Subscriber.Reply(Frames.Of(step.Mark), wakes);
                return Answer.Yes;
            case Verb.Room:
                var room = story!.Subscriber.WaitForRoomAsync();
                Until(() => room.IsCompleted, step);
                room.GetAwaiter().GetResult();
                return Answer.Yes;
            case Verb.Close:
                story!.Subscriber.Close(CloseReason.Left);
                return Answer.Yes;
            default:
                return Read(story!, step);
        }
    }

    private static bool Publish(Topic topic, Deed deed, long time, Wakes wakes)
    {
        deed.Epoch = topic.Epoch;
        if (deed.Step.Number == 0)
        {
            var (result, stamp) = topic.Publish(Frames.At(time, deed.Step.Mark), wakes);
            deed.Stamps = result == PublishResult.Accepted ? [stamp] : [];
            return result == PublishResult.Accepted;
        }

        var stamps = new long[deed.Step.Number];
        Draft[] messages = [.. stamps.Select((_, place) => Frames.At(time, (byte)(deed.Step.Mark + place)))];
        var isAccepted = topic.PublishAll(messages, wakes, stamps) == PublishResult.Accepted;
        deed.Stamps = isAccepted ? stamps : [];
        return isAccepted;
    }

    private Answer Subscribe(Topic topic, Subscriber subscriber, Deed deed, long time, Wakes wakes)
    {
        var step = deed.Step;
        deed.Epoch = topic.Epoch;
        if (step.Since >= 0)
        {
            deed.Position = _history.Deeds.Find(seen => seen.Step.Mark == step.Since) is { Stamps: [var stamp, ..] } publish
                ? new(stamp, publish.Epoch)
                : new(0, null);
        }

        var result = deed.Position is { } position
            ? topic.Resume(subscriber, position, Frames.At(time, step.Mark, true), Frames.At(time, step.Mark, false), wakes)
            : topic.Subscribe(subscriber, step.Number, Frames.At(time, step.Mark), wakes);
        return result switch
        {
            SubscribeResult.Joined => Answer.Joined,
            SubscribeResult.Already => Answer.Already,
            SubscribeResult.TopicNotFound => Answer.No,
            SubscribeResult.LimitReached => Answer.LimitReached,
            _ => Answer.Closed,
        };
    }

    private Answer Read(SubscriberStory story, Step step)
    {
        Release(story);
        var more = story.Subscriber.WaitAsync();
        Until(() => more.IsCompleted, step);
        if (!more.GetAwaiter().GetResult())
        {
            story.IsOver = true;
            return Answer.No;
        }

        Take(story, step.Number == Steps.Everything ? step.Number : step.Number * Frames.Length);
        if (step.Verb == Verb.Read)
        {
            Fiber.Current?.Pause(); // sending takes time
            Release(story);
        }

        return Answer.Yes;
    }

    private static void Take(SubscriberStory story, int maxBytes)
    {
        story.Held = story.Subscriber.Take(maxBytes);
        var live = 0;
        foreach (var outgoing in story.Held.Span)
        {
            story.Taken.Add(Frames.Read(outgoing));
            live += outgoing.Live ? 1 : 0;
        }

        story.MostOutstanding = Math.Max(story.MostOutstanding, live);
        story.GotMoreWhenOver |= story.IsOver && !story.Held.IsEmpty;
    }

    /// <summary>Releases what is held, then takes and releases all the rest.</summary>
    private void TakeAll(SubscriberStory story)
    {
        do
        {
            Release(story);
            Take(story, Steps.Everything);
        }
        while (!story.Held.IsEmpty);
    }

    /// <summary>Releases the held batch, which must not have changed: the subscriber may reuse its memory only from now on.</summary>
    private void Release(SubscriberStory story)
    {
        var (live, others) = (0, 0);
        for (var place = 0; place < story.Held.Length; place++)
        {
            var (outgoing, taken) = (story.Held.Span[place], story.Taken[story.Taken.Count - story.Held.Length + place]);
            if (outgoing.Frame.Length == 0 || Frames.Read(outgoing) != taken)
            {
                throw new InvalidOperationException("what was taken changed before it was released");
            }

            (live, others) = outgoing.Live ? (live + 1, others) : (live, others + 1);
        }

        story.Held = default;
        var began = _scheduler.Tick();
        story.Subscriber.Release();
        story.Released.Add(new Given(began, _scheduler.Tick(), live, others));
    }

    /// <summary>Records the final state, after all fibers have ended or wait for ever.</summary>
    private void Settle(List<Stuck> stuck)
    {
        SeeWhoIsClosed();
        foreach (var (place, story) in _history.Subscribers.Index())
        {
            var (held, released, closed) = (story.Held.Length, story.Released.Count, story.Closed != CloseReason.None);
            TakeAll(story);
            var given = story.Released.Skip(released).ToList();
            var (live, unread) = (given.Sum(one => one.Live), given.Sum(one => one.Others));
            var waiting = stuck.Select(one => (Step)one.WaitsFor!).Where(step => step.Subscriber == place).ToList();
            var asks = waiting.Exists(step => step.Verb == Verb.Room);
            var queued = given.Skip(1).Sum(one => one.Live); // the first batch was taken before
            story.MostOutstanding = Math.Max(story.MostOutstanding, queued);
            story.SleepsThroughIt = (live + unread > held || closed) && waiting.Exists(step => step.Verb != Verb.Room);
            story.WaitsInVain = asks ? closed || unread < _program.Limits.MaxReplies : !story.Subscriber.WaitForRoomAsync().IsCompleted;
        }

        foreach (var topic in _program.Topics)
        {
            if (_broker.Find(topic)?.Count() is { } counts)
            {
                _history.Settled.Add(topic, counts.Subscribers);
            }
        }

        // A closed subscriber must get nothing more; an open one that is subscribed must get one more message.
        foreach (var step in _program.Script)
        {
            if (step.Fiber != Program.Afterwards)
            {
                continue;
            }

            if (step.Subscriber == _history.Subscribers.Count)
            {
                _history.Subscribers.Add(new SubscriberStory { Subscriber = _broker.Admit(eager: false) });
            }

            if (step.Subscriber < 0
                || step.Subscriber == _program.Subscribers
                || _history.Subscribers[step.Subscriber].Closed != CloseReason.None)
            {
                Act([step]);
                _history.Subscribers.ForEach(TakeAll);
            }
        }

        _history.Counted = _broker.Count();
        foreach (var topic in _program.Topics)
        {
            if (_broker.Find(topic)?.Count() is { } counts)
            {
                _history.Standing.Add(topic, counts);
            }
        }
    }

    private static void Until(Func<bool> condition, Step step)
    {
        if (Fiber.Current is { } fiber)
        {
            fiber.Until(condition, step);
        }
        else if (!condition())
        {
            throw new InvalidOperationException($"no fiber is left to end {step}");
        }
    }

    private static Answer YesOrNo(bool yes) => yes ? Answer.Yes : Answer.No;
}
