namespace PubSub.Interleavings.Harness;

/// <summary>The result of a verb.</summary>
internal enum Answer
{
    /// <summary>It has not returned.</summary>
    None,
    Yes,
    No,
    Created,
    Exists,
    LimitReached,
    Joined,
    Already,
    Closed,
}

/// <summary>A step that was taken: when it began and ended, and its result.</summary>
internal sealed class Deed(Step step, int began)
{
    public Step Step => step;

    public int Began => began;

    public int Ended { get; set; } = int.MaxValue;

    public Answer Answer { get; set; }

    /// <summary>The epoch of the topic that it created or found.</summary>
    public string? Epoch { get; set; }

    /// <summary>What a publish was told of its events.</summary>
    public long[] Stamps { get; set; } = [];

    /// <summary>Where a subscribe went on from.</summary>
    public Position? Position { get; set; }

    public override string ToString() =>
        $"{step.Fiber}: {step} = {Answer} [{Began}, {(Ended == int.MaxValue ? "" : Ended)}]{(Epoch is null ? "" : $" epoch {Epoch}")}"
        + $"{(Stamps.Length > 0 ? $" at {string.Join(',', Stamps)}" : "")}{(Position is { } from ? $" from {from}" : "")}";
}

/// <summary>A frame that a reader took.</summary>
/// <param name="Stamp">What it shows; 0 for a frame that shows none.</param>
/// <param name="Whole">Whether it says that nothing is missing; null if it does not speak of that.</param>
internal readonly record struct Got(byte Mark, bool Live, long Stamp = 0, bool? Whole = null);

/// <summary>A release: when it began and ended, and its numbers of live events and of other frames.</summary>
internal readonly record struct Given(int Began, int Ended, int Live, int Others);

/// <summary>What one subscriber took, and how it ended.</summary>
internal sealed class SubscriberStory
{
    public required Subscriber Subscriber { get; init; }

    /// <summary>Everything that was taken, in order.</summary>
    public List<Got> Taken { get; } = [];

    public List<Given> Released { get; } = [];

    /// <summary>The first moment at which it was seen closed.</summary>
    public int ClosedAt { get; set; } = int.MaxValue;

    public CloseReason Closed => Subscriber.Closed;

    /// <summary>The batch that is taken and not released.</summary>
    public ReadOnlyMemory<Outgoing> Held { get; set; }

    /// <summary>The most live events that were seen taken and not released, or still queued, at one moment.</summary>
    public int MostOutstanding { get; set; }

    /// <summary>Whether its reader was told that no frame is left.</summary>
    public bool IsOver { get; set; }

    /// <summary>Whether a frame was left although its reader was told that none is.</summary>
    public bool GotMoreWhenOver { get; set; }

    /// <summary>Whether a reader was left waiting although there was a frame to take, or the subscriber was closed.</summary>
    public bool SleepsThroughIt { get; set; }

    /// <summary>Whether a requester was left waiting although there was room, or the subscriber was closed.</summary>
    public bool WaitsInVain { get; set; }
}

/// <summary>What happened in one schedule of a program, and the final state.</summary>
internal sealed class History
{
    public required Program Program { get; init; }

    public List<Deed> Deeds { get; } = [];

    /// <summary>The program's own subscribers, then one that was admitted afterwards and gets a replay of all retained messages.</summary>
    public List<SubscriberStory> Subscribers { get; } = [];

    /// <summary>Fibers that never got a lock.</summary>
    public List<string> Deadlocked { get; } = [];

    public List<string> Breaches { get; } = [];

    public Exception? Fault { get; set; }

    /// <summary>How many subscribers each topic counted when all fibers had ended or waited.</summary>
    public Dictionary<string, int> Settled { get; } = [];

    /// <summary>The topics that existed in the end, with their counts.</summary>
    public Dictionary<string, (int Subscribers, long Messages)> Standing { get; } = [];

    /// <summary>The broker's own count in the end.</summary>
    public (int Topics, int Subscriptions) Counted { get; set; }

    /// <summary>All results and all frames taken, without the times: two histories with the same are one outcome.</summary>
    public string Outcome =>
        string.Join(' ', Deeds.OrderBy(deed => deed.Step.Mark).Select(deed => $"{deed.Answer}"))
        + string.Concat(Subscribers.Select(subscriber =>
            $"|{subscriber.Closed} {string.Join(',', subscriber.Taken.Select(got => $"{got.Mark}{(got.Live ? "" : "r")}{got.Whole}"))}"));

    /// <summary>The step that sent a frame.</summary>
    public Step Of(Got got) => Program.Script[got.Mark];

    /// <summary>The deed that sent a frame.</summary>
    public Deed DeedOf(Got got) => Deeds.Find(deed => deed.Step.Mark == Of(got).Mark)!;

    public override string ToString() =>
        string.Join('\n', Deeds.Select(deed => $"  {deed}"))
        + string.Concat(Subscribers.Select((subscriber, place) => $"\n  #{place} {subscriber.Closed} from {subscriber.ClosedAt} on, took: "
            + string.Join("; ", subscriber.Taken.Select(got => $"{(got.Live ? "" : "(not live) ")}{Of(got).Fiber}: {Of(got)}"
                + $"{(got.Stamp > 0 ? $" at {got.Stamp}" : "")}{(got.Whole is { } whole ? $" whole: {whole}" : "")}"))));
}
