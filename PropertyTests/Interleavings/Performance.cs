namespace PubSub.Interleavings;

/// <summary>Plays a program once, by a schedule, and writes down what happened.</summary>
internal sealed class Performance
{
    private readonly Stage _stage;
    private readonly Program _program;
    private readonly IHouse _house;
    private readonly History _history;

    private Performance(Stage stage, Program program, IHouse house)
    {
        (_stage, _program, _house) = (stage, program, house);
        _history = new History { Program = program };
    }

    public static History Of(Stage stage, Program program, Func<BrokerLimits, IHouse> build, Schedule schedule)
    {
        stage.Reset();
        var performance = new Performance(stage, program, build(program.Limits));
#pragma warning disable CA1031 // whatever is thrown, before and after too, is what the schedule has found
        try
        {
            performance.Play(schedule);
        }
        catch (Exception fault)
        {
            performance._history.Fault ??= fault;
        }
#pragma warning restore CA1031

        return performance._history;
    }

    private void Play(Schedule schedule)
    {
        for (var seat = 0; seat < _program.Seats; seat++)
        {
            _history.Seats.Add(new SeatStory { Seat = _house.Admit(_program.Eager) });
        }

        Act(_program.Beginning);
        var stuck = _stage.Play(
            [.. _program.Fibers.Select((steps, place) => new Part($"{place}", () => Act(steps)))],
            schedule,
            SeeWhoIsClosed);
        _history.Breaches.AddRange(_stage.Breaches);
        _history.Fault = _stage.Fault;
        _history.Deadlocked.AddRange(stuck.Where(one => one.Wants is not null).Select(one => $"{one.Fiber} wants a lock of {one.Wants!.Guards}"));
        if (_history.Fault is null && _history.Deadlocked.Count == 0)
        {
            Settle(stuck);
        }
    }

    private void SeeWhoIsClosed()
    {
        foreach (var seat in _history.Seats)
        {
            if (seat.ClosedAt == int.MaxValue && seat.Closed != CloseReason.None)
            {
                seat.ClosedAt = _stage.Tick();
            }
        }
    }

    private void Act(IReadOnlyList<Step> steps)
    {
        var notes = _house.TakeNotes();
        foreach (var step in steps)
        {
            if (step.Verb is Verb.Room or Verb.Read or Verb.Keep)
            {
                notes.Release(); // whoever waits must not let others wait for it
            }

            var deed = new Deed(step, _stage.Tick());
            _history.Deeds.Add(deed);
            deed.Answer = Do(step, notes);
            if (!step.Later)
            {
                notes.Release();
            }

            SeeWhoIsClosed();
            deed.Ended = _stage.Tick();
        }

        notes.Release();
    }

    private Answer Do(Step step, INotes notes)
    {
        var story = step.Seat >= 0 ? _history.Seats[step.Seat] : null;
        switch (step.Verb)
        {
            case Verb.Create:
                return _house.Create(step.Topic) switch
                {
                    Creating.Created => Answer.Created,
                    Creating.Exists => Answer.Exists,
                    _ => Answer.LimitReached,
                };
            case Verb.Delete:
                return YesOrNo(_house.TryDelete(step.Topic, step.Frame, step.Disconnect));
            case Verb.Publish:
                return YesOrNo(_house.TryPublish(step.Topic, step.Frame, notes));
            case Verb.Subscribe:
                return _house.Subscribe(step.Topic, story!.Seat, step.Number, step.Frame, notes) switch
                {
                    Subscribing.Joined => Answer.Joined,
                    Subscribing.Already => Answer.Already,
                    Subscribing.TopicNotFound => Answer.No,
                    Subscribing.LimitReached => Answer.LimitReached,
                    _ => Answer.Closed,
                };
            case Verb.Unsubscribe:
                return YesOrNo(_house.TryUnsubscribe(step.Topic, story!.Seat, step.Frame, notes));
            case Verb.Reply:
                story!.Seat.Reply(step.Frame, notes);
                return Answer.Yes;
            case Verb.Room:
                var room = story!.Seat.WaitForRoomAsync();
                Until(() => room.IsCompleted, step);
                room.GetAwaiter().GetResult();
                return Answer.Yes;
            case Verb.Close:
                story!.Seat.Close(CloseReason.Left);
                return Answer.Yes;
            default:
                return Read(story!, step);
        }
    }

    private Answer Read(SeatStory story, Step step)
    {
        Release(story);
        var more = story.Seat.WaitAsync();
        Until(() => more.IsCompleted, step);
        if (!more.GetAwaiter().GetResult())
        {
            story.IsOver = true;
            return Answer.No;
        }

        Take(story, step.Number);
        if (step.Verb == Verb.Read)
        {
            Fiber.Current?.Pause(); // sending takes its time
            Release(story);
        }

        return Answer.Yes;
    }

    private static void Take(SeatStory story, int maxBytes)
    {
        story.Held = story.Seat.Take(maxBytes);
        var live = 0;
        foreach (var outgoing in story.Held.Span)
        {
            story.Taken.Add(new Got(outgoing.Frame.Bytes.Span[0], outgoing.Live));
            live += outgoing.Live ? 1 : 0;
        }

        story.MostOutstanding = Math.Max(story.MostOutstanding, live);
        story.GotMoreWhenOver |= story.IsOver && !story.Held.IsEmpty;
    }

    /// <summary>Releases what is held, then takes and releases all the rest.</summary>
    private void TakeAll(SeatStory story)
    {
        do
        {
            Release(story);
            Take(story, Steps.Everything);
        }
        while (!story.Held.IsEmpty);
    }

    /// <summary>Gives back what is held. It must still be what was taken: the memory is the subscriber's until now.</summary>
    private void Release(SeatStory story)
    {
        var (live, others) = (0, 0);
        for (var place = 0; place < story.Held.Length; place++)
        {
            var (outgoing, taken) = (story.Held.Span[place], story.Taken[story.Taken.Count - story.Held.Length + place]);
            if (outgoing.Frame.Length == 0 || new Got(outgoing.Frame.Bytes.Span[0], outgoing.Live) != taken)
            {
                throw new InvalidOperationException("what was taken changed before it was released");
            }

            (live, others) = outgoing.Live ? (live + 1, others) : (live, others + 1);
        }

        story.Held = default;
        var began = _stage.Tick();
        story.Seat.Release();
        story.Released.Add(new Given(began, _stage.Tick(), live, others));
    }

    /// <summary>Looks into every corner, now that nothing moves any more.</summary>
    private void Settle(List<Stuck> stuck)
    {
        SeeWhoIsClosed();
        foreach (var (place, story) in _history.Seats.Index())
        {
            var (held, released, closed) = (story.Held.Length, story.Released.Count, story.Closed != CloseReason.None);
            TakeAll(story);
            var given = story.Released.Skip(released).ToList();
            var (live, unread) = (given.Sum(one => one.Live), given.Sum(one => one.Others));
            var waiting = stuck.Select(one => (Step)one.WaitsFor!).Where(step => step.Seat == place).ToList();
            var asks = waiting.Exists(step => step.Verb == Verb.Room);
            story.MostOutstanding = Math.Max(story.MostOutstanding, live);
            story.SleepsThroughIt = (live + unread > held || closed) && waiting.Exists(step => step.Verb != Verb.Room);
            story.WaitsInVain = asks ? closed || unread < _program.Limits.MaxReplies : !story.Seat.WaitForRoomAsync().IsCompleted;
        }

        foreach (var topic in _program.Topics)
        {
            if (_house.Count(topic) is { } counts)
            {
                _history.Settled.Add(topic, counts.Subscribers);
            }
        }

        // Who is closed gets nothing more, whatever is tried; who is not and is subscribed gets one more.
        foreach (var step in _program.Script)
        {
            if (step.Fiber != Program.Afterwards)
            {
                continue;
            }

            if (step.Seat == _history.Seats.Count)
            {
                _history.Seats.Add(new SeatStory { Seat = _house.Admit(eager: false) });
            }

            if (step.Seat < 0 || step.Seat == _program.Seats || _history.Seats[step.Seat].Closed != CloseReason.None)
            {
                Act([step]);
                _history.Seats.ForEach(TakeAll);
            }
        }

        _history.Counted = _house.Count();
        foreach (var topic in _program.Topics)
        {
            if (_house.Count(topic) is { } counts)
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
            throw new InvalidOperationException($"nobody is there to end {step}");
        }
    }

    private static Answer YesOrNo(bool yes) => yes ? Answer.Yes : Answer.No;
}
