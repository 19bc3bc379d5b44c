using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>Checks whether the target still answers and is still the same process; if not, reports the last requests.</summary>
internal sealed class Liveness
{
    private const int NamedRequests = 8;

    /// <summary>The pause between the two checks after a scenario ran alone: some servers die shortly after the client has left.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromMilliseconds(250);

    private readonly RunSetup _setup;
    private readonly Traffic _traffic;
    private readonly Lock _gate = new();
    private Task<Death?> _last = Task.FromResult<Death?>(null); // guarded by _gate: one check at a time
    private IReadOnlyList<Door> _doors;
    private TimeSpan _born; // when the target was last restarted
    private TimeSpan _alive; // when the target was last known to be alive

    public Liveness(RunSetup setup, Traffic traffic)
    {
        _setup = setup;
        _traffic = traffic;
        Target = setup.Probed.Target;
        _doors = Doors();
    }

    /// <summary>The target at its current address.</summary>
    public Target Target { get; private set; }

    public Task BeginAsync(CancellationToken cancellation) => UnlessCancelledAsync(async () =>
    {
        await EachAsync(door => door.Continuity.BeginAsync(cancellation));
        return _doors;
    });

    /// <summary>Null while the target answers and is the same process, and when the check is cancelled.</summary>
    /// <param name="since">The result of a check that began later than this is reused.</param>
    /// <param name="cancellation">Ends the check.</param>
    public Task<Death?> CheckAsync(TimeSpan since, CancellationToken cancellation)
    {
        lock (_gate)
        {
            return _last = CheckBehindAsync(_last, since, cancellation);
        }
    }

    /// <summary>Checks twice, for a server that dies shortly after the scenario.</summary>
    public async Task<Death?> CheckTwiceAsync(CancellationToken cancellation) =>
        await CheckAsync(_traffic.Now, cancellation) ?? await UnlessCancelledAsync(async () =>
        {
            await Task.Delay(Aftermath, _setup.Time, cancellation);
            return await CheckAsync(_traffic.Now, cancellation);
        });

    /// <summary>Restarts the target if possible, and waits until it answers. The failure says why it does not; null if it does.</summary>
    public async Task<(RestartedBy By, TimeSpan After, string? Failure)> ReviveAsync(Death death, CancellationToken cancellation)
    {
        var start = _setup.Time.GetTimestamp();
        await EndAsync();
        var (by, failure) = await StartedAsync(death, cancellation);
        if (failure is null)
        {
            _doors = Doors();
            await BeginAsync(cancellation);
            _born = _traffic.Now;
        }

        return (failure is null ? by : RestartedBy.Nothing, _setup.Time.GetElapsedTime(start), failure);
    }

    /// <summary>Deletes the topics that the checks use.</summary>
    public Task DeleteTopicAsync() => EachAsync(door => door.Continuity.DeleteTopicAsync());

    public Task EndAsync() => EachAsync(door => door.Continuity.CloseAsync());

    private IReadOnlyList<Door> Doors() =>
    [
        .. Target.Doors.Select(door => new Door(door, new(door, _setup.Time), new(door, _setup.Names, _setup.Time))),
    ];

    private Task EachAsync(Func<Door, Task> act) => Task.WhenAll(_doors.Select(act));

    private Task<Death?> CheckBehindAsync(Task<Death?> former, TimeSpan since, CancellationToken cancellation) =>
        UnlessCancelledAsync(async () =>
        {
            await former.WaitAsync(cancellation);
            var now = _traffic.Now;
            if (_alive > since)
            {
                return null;
            }

            var death = await LookAsync(cancellation);
            _alive = death is null ? now : _alive;
            return death;
        });

    private async Task<(RestartedBy By, string? Failure)> StartedAsync(Death death, CancellationToken cancellation)
    {
        if (death.CameBack || _setup.Restart is not { } restart)
        {
            return (RestartedBy.Itself, await AnswersAsync(_setup.Options.SupervisorPatience, cancellation));
        }

        try
        {
            if (await restart.StartAsync(cancellation) is { } origins)
            {
                Target = Target.At(origins[0], [.. origins.Skip(1)]);
                _traffic.MoveTo(Target);
                _doors = Doors();
            }
        }
        catch (Inconclusive inconclusive)
        {
            return (restart.By, inconclusive.Message);
        }

        return (restart.By, await AnswersAsync(Target.Timeouts.Start, cancellation));
    }

    private async Task<string?> AnswersAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var failures = await Task.WhenAll(_doors.Select(async door =>
            await door.Pulse.MissingAsync(cancellation, patience) is { } missing ? door.Says(missing.How) : null));
        return failures.FirstOrDefault(failure => failure is not null);
    }

    private async Task<Death?> LookAsync(CancellationToken cancellation)
    {
        if (_setup.Restart?.Ended is { } ended)
        {
            return At(_traffic.LastHeard, ended, isViolation: true, cameBack: false);
        }

        var deaths = await Task.WhenAll(_doors.Select(door => LookAsync(door, cancellation)));
        return deaths.FirstOrDefault(death => death is not null);
    }

    private async Task<Death?> LookAsync(Door door, CancellationToken cancellation)
    {
        if (await door.Pulse.MissingAsync(cancellation) is { } missing)
        {
            // The process may have ended meanwhile. A server that has never answered has not died now.
            var (how, isDeath) = _setup.Restart?.Ended is { } late ? (late, true) : (door.Says(missing.How), missing.IsDeath);
            return At(_traffic.LastHeardFrom(door.Target), how, isDeath && WasHeard(door), cameBack: false);
        }

        if (await door.Continuity.BreakAsync(cancellation) is not { } signs)
        {
            return null;
        }

        var lost = door.Continuity.Lost;
        var again = door.Says($"it was restarted, not by the suite ({signs})");
        return At(lost == 0 ? _alive : _traffic.Since(lost), again, isViolation: true, cameBack: true);
    }

    private bool WasHeard(Door door) =>
        _traffic.LastHeard > TimeSpan.Zero || door.Continuity.HasAnswered || _setup.Probed.RoundTrips is { Samples: > 0 };

    private Death At(TimeSpan at, string how, bool isViolation, bool cameBack) =>
        new(how, at, LastRequests(at)) { IsViolation = isViolation, CameBack = cameBack };

    // The last requests before the last sign of life and the first after it: one of them killed the target.
    private List<LastRequest> LastRequests(TimeSpan at)
    {
        var requests = _traffic.Requests.Where(request => request.At >= _born).ToList();
        return
        [
            .. requests.Where(request => request.At <= at).TakeLast(NamedRequests)
                .Concat(requests.Where(request => request.At > at).Take(NamedRequests))
                .OrderBy(request => request.At)
                .Select(LastRequest.Of),
        ];
    }

    private static async Task<T?> UnlessCancelledAsync<T>(Func<Task<T?>> ask) where T : class
    {
        try
        {
            return await ask();
        }
        catch (OperationCanceledException)
        {
            // The run is over, and its ending says why.
            return null;
        }
    }

    /// <summary>The checks of one door of the target.</summary>
    private sealed record Door(Target Target, Pulse Pulse, Continuity Continuity)
    {
        /// <summary>The clause about this door, which is named if there are several.</summary>
        public string Says(string how) => Target.Door == 0 ? how : $"door {Target.Door} ({Target.WebSocket.Authority}): {how}";
    }
}

/// <summary>The target does not answer any more, or is another process than before.</summary>
/// <param name="How">A clause about what was observed: "it accepts no connections any more (...)".</param>
/// <param name="LastHeard">Its last sign of life, since the start of the run.</param>
/// <param name="LastRequests">The requests around that time.</param>
internal sealed record Death(string How, TimeSpan LastHeard, IReadOnlyList<LastRequest> LastRequests)
{
    /// <summary>False if the network may be the cause.</summary>
    public bool IsViolation { get; init; }

    /// <summary>The target answers again already; the suite did not restart it.</summary>
    public bool CameBack { get; init; }
}
