using PubSub.Stress.Results;

namespace PubSub.Stress.Loads;

/// <summary>A closed loop: payload, messages ahead, durations, repetitions, and threads of the load generator.</summary>
internal sealed record ClosedLoad(int PayloadBytes, int Outstanding, TimeSpan Warmup, TimeSpan Window, int Repetitions, int Loops)
{
    /// <summary>A new dictionary for the results, to which the caller adds its own parameters.</summary>
    public Dictionary<string, double> Parameters => new()
    {
        [Names.Payload] = PayloadBytes,
        [Names.Outstanding] = Outstanding,
        [Names.Window] = Window.TotalSeconds,
        [Names.Loops] = Loops,
    };
}
