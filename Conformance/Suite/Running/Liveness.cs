namespace PubSub.Conformance;

/// <summary>Finds out whether the target still answers, and if not, what it was sent when it stopped.</summary>
internal sealed class Liveness(Pulse pulse, Traffic traffic)
{
    private const int NamedRequests = 8;

    /// <summary>Null while the target answers, and when the check is cancelled.</summary>
    public async Task<Death?> CheckAsync(CancellationToken cancellation)
    {
        try
        {
            if (await pulse.MissingAsync(cancellation) is not { } how)
            {
                return null;
            }

            var lastHeard = traffic.LastHeard;
            return new(how, lastHeard, LastRequests(lastHeard));
        }
        catch (OperationCanceledException)
        {
            // The run is over already, for a reason that is known.
            return null;
        }
    }

    // The last requests before the last sign of life, and the first after it: the one that killed the target is among them.
    private List<LastRequest> LastRequests(TimeSpan lastHeard)
    {
        var requests = traffic.Requests;
        return
        [
            .. requests.Where(request => request.At <= lastHeard).TakeLast(NamedRequests)
                .Concat(requests.Where(request => request.At > lastHeard).Take(NamedRequests))
                .OrderBy(request => request.At)
                .Select(sent => new LastRequest(sent.At.TotalSeconds, sent.Scenario, sent.Connection, sent.Kind, sent.Data)),
        ];
    }
}

/// <summary>The target does not answer any more.</summary>
/// <param name="How">How it fails to.</param>
/// <param name="LastHeard">Its last sign of life, since the start of the run.</param>
internal sealed record Death(string How, TimeSpan LastHeard, IReadOnlyList<LastRequest> LastRequests)
{
    public Ending SeenBy(Scenario witness)
    {
        var message = $"The target stopped answering: {How}. It was last heard {LastHeard.TotalSeconds:F1} s into the run; "
            + $"{witness.Id} saw it first.";
        return new(EndingKind.TargetDied, message, witness.Id) { LastRequests = LastRequests };
    }

    public Ending SeenAtTheEnd() => new(EndingKind.TargetDied, $"The target stopped answering at the end of the run: {How}.")
    {
        LastRequests = LastRequests,
    };

    /// <summary>The outcome of the scenario that saw it first: it counts, whenever it ended, but decides nothing.</summary>
    public Outcome Undecided(Outcome witness) => witness with
    {
        Verdict = Verdict.Inconclusive,
        Message = $"the target stopped answering while this ran: {How}. What this scenario saw: {witness.Message}",
        Ended = TimeSpan.Zero,
    };
}
