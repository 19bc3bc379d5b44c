using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;

namespace PubSub.Stress.Loads;

/// <summary>Reads memory once it no longer changes.</summary>
internal static class SettledMemory
{
    private const int Samples = 4;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Resident bytes once they stay within 1 % for four samples in a row, or after 15 s.</summary>
    public static long Resident(Loop loop, ProcessCost cost)
    {
        var start = Stopwatch.GetTimestamp();
        var reference = cost.Resident;
        for (var same = 0; same < Samples && Stopwatch.GetElapsedTime(start) < Limit;)
        {
            loop.For(Interval);
            var now = cost.Resident;
            if (Math.Abs(now - reference) <= reference / 100)
            {
                same++;
            }
            else
            {
                (reference, same) = (now, 0);
            }
        }

        return cost.Resident;
    }
}
