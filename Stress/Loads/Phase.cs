using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Loads;

/// <summary>
/// A timed part of an open loop: the latency of every message that was due in it, even if it arrived later, and the lateness of the
/// load generator itself.
/// </summary>
internal sealed record Phase(Latencies Latencies, Latencies Lateness)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    /// <summary>Merges the durations of two phases.</summary>
    public Phase With(Phase other)
    {
        var both = new Phase(new Latencies(), new Latencies());
        foreach (var one in (Phase[])[this, other])
        {
            both.Latencies.Add(one.Latencies);
            both.Lateness.Add(one.Lateness);
        }

        return both;
    }

    public double P99 => Latencies.Summarize()?.P99 ?? throw new RunFailed("no message was due in a phase: it is too short for the rate");

    public void AddTo(Measured measured, string name) => measured.Add(name, Latencies).Add($"{name}_{Names.SendLateness}", Lateness);

    /// <summary>
    /// Measures a phase. The load and <paramref name="besides"/> continue until all messages due in the phase have arrived.
    /// </summary>
    public static Phase Of(OpenLoop open, Audience audience, Schedule schedule, TimeSpan length, TimeSpan limit, Action? besides = null)
    {
        audience.Forget();
        open.Lateness.Reset();
        var first = open.Published + 1;
        schedule.Count(first, long.MaxValue);
        open.Run(length, besides);
        var last = open.Published;
        schedule.Count(first, last);
        for (var waited = TimeSpan.Zero; !audience.HasAll(last); waited += Step)
        {
            if (waited > limit)
            {
                throw new RunFailed($"{limit.TotalSeconds:0.#} s after a phase, messages of it had not arrived");
            }

            open.Run(Step, besides);
        }

        schedule.Count(long.MaxValue, 0);
        var phase = new Phase(new Latencies(), new Latencies());
        phase.Latencies.Add(audience.Latencies);
        phase.Lateness.Add(open.Lateness);
        return phase;
    }
}
