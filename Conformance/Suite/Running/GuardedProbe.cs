using PubSub.Conformance.Network;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>
/// Probes a target that may die of the probe, which is a violation too. If the target is restarted, it is probed once more, cautiously. If
/// it dies again, the run goes on with default values.
/// </summary>
/// <param name="probe">The probe itself.</param>
/// <param name="restart">Restarts the target; null if the suite cannot.</param>
/// <param name="patience">How long to wait for a target that the suite cannot restart: a supervisor may do it.</param>
public sealed class GuardedProbe(Func<ProbeOptions, CancellationToken, Task<ProbedTarget>> probe, IRestart? restart, TimeSpan patience)
{
    private const int MostAttempts = 2;
    private const int NamedRequests = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Deaths _deaths = new([]);

    /// <summary>The deaths that the probe has caused.</summary>
    public IReadOnlyList<DeathResult> Deaths => _deaths.Results;

    /// <summary>Why no run is possible; null if one is.</summary>
    public Ending? Ending { get; private set; }

    /// <exception cref="Unreachable">No server answers at the URL, or none that speaks this protocol.</exception>
    public async Task<ProbedTarget> ExecuteAsync(ProbeOptions options, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        for (var attempt = 1; ; attempt++)
        {
            var plain = Plain(options, time);
            var traffic = new Traffic(plain, time);
            options = options with { Traffic = traffic };

            // Ask once before the probe, so that a server that dies of the probe's first connection is known to have answered.
            var answered = await AnswersAsync(plain, traffic, attempts: 1, time, cancellation);
            string how;
            try
            {
                var probed = await probe(options, cancellation);
                if (Ended(traffic) is not { } ended)
                {
                    return probed;
                }

                how = ended;
            }
            catch (Unreachable unreachable)
            {
                var answers = answered && Ended(traffic) is null && await AnswersAsync(plain, traffic, MostAttempts, time, cancellation);
                if (Ended(traffic) is { } ended)
                {
                    how = ended;
                }
                else if (answered && !answers)
                {
                    how = $"it answered once, and then no more ({unreachable.Message})";
                }
                else
                {
                    throw;
                }
            }

            var death = new Death(how, traffic.LastHeard, [.. traffic.Requests.TakeLast(NamedRequests).Select(LastRequest.Of)]);
            var start = time.GetTimestamp();
            var (origin, failure) = await RestartAsync(plain, time, cancellation);
            var back = failure is null ? (restart?.By ?? RestartedBy.Itself, time.GetElapsedTime(start)) : ((RestartedBy, TimeSpan)?)null;
            _deaths.Add(death, [DeathResult.Probe], [], attempt == 1 ? DeathProof.SeenOnce : DeathProof.Confirmed, times: 1, back);
            options = options with { Url = origin ?? options.Url, IsCautious = true };
            if (back is null)
            {
                Ending = new(
                    EndingKind.TargetDied,
                    $"The target stopped answering: {how}. It died of the probe, before any scenario ran.")
                {
                    LastRequests = death.LastRequests,
                };
            }

            if (back is null || attempt == MostAttempts)
            {
                return new ProbedTarget(Plain(options, time), options.Url)
                {
                    Findings =
                    [
                        new Finding("probe", "none", FindingSource.Assumed, "the target dies of the probe, so all values are assumed"),
                    ],
                };
            }
        }
    }

    private async Task<(Uri? Origin, string? Failure)> RestartAsync(Target plain, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var origin = restart is null ? null : (await restart.StartAsync(cancellation))?[0];
            var there = origin is null ? plain : plain.At(origin);
            var attempts = (int)((restart is null ? patience : there.Timeouts.Start) / Pause);
            return await AnswersAsync(there, null, attempts, time, cancellation) ? (origin, null) : (null, "it does not answer");
        }
        catch (Inconclusive inconclusive)
        {
            return (null, inconclusive.Message);
        }
    }

    private string? Ended(Traffic traffic) =>
        restart?.Ended ?? (traffic.WasDown ? "it refused connections after it had answered" : null);

    private static Target Plain(ProbeOptions options, TimeProvider time) =>
        new ProbeSession(options, new TopicNames(), time, CancellationToken.None).Plain(options.Url);

    /// <summary>True if the target gives any complete HTTP answer.</summary>
    private static async Task<bool> AnswersAsync(
        Target target, Traffic? traffic, int attempts, TimeProvider time, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await new Rest(target, new Transcript(time, traffic, DeathResult.Probe), cancellation).HealthAsync();
                return true;
            }
            catch (Violation) when (attempt < attempts)
            {
                await Task.Delay(Pause, time, cancellation);
            }
            catch (Exception e) when (e is Violation or Interference)
            {
                // The probe itself reports an interference.
                return false;
            }
        }
    }
}
