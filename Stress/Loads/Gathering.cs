using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Opens many connections that subscribe to one topic, some at a time, as fast as the server takes them in.</summary>
internal static class Gathering
{
    private const int AtATime = 100;
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(30); // without any of them being answered

    /// <param name="loops">Connections are dealt out over them; they belong to the caller.</param>
    /// <param name="contender">Where they connect to.</param>
    /// <param name="topic">What they subscribe to.</param>
    /// <param name="count">How many.</param>
    /// <param name="payloadBytes">What they expect.</param>
    /// <param name="inbox">What the one of this number, from 0, receives into.</param>
    public static List<Connection> Subscribe(Loops loops, IContender contender, string topic, int count, int payloadBytes, Func<int, Inbox> inbox)
    {
        var all = new List<Connection>();
        var coming = new List<Connection>();
        for (var progressAt = Stopwatch.GetTimestamp(); all.Count < count || coming.Count > 0;)
        {
            while (all.Count < count && coming.Count < AtATime)
            {
                var connection = contender.Begin(loops[all.Count], payloadBytes);
                connection.Inbox = inbox(all.Count);
                connection.Subscribe(topic, lastN: 0);
                all.Add(connection);
                coming.Add(connection);
            }

            loops.Turn(1);
            if (coming.RemoveAll(connection => connection.IsOpen && connection.Unanswered == 0) > 0)
            {
                progressAt = Stopwatch.GetTimestamp();
            }
            else if (Stopwatch.GetElapsedTime(progressAt) > Stalled)
            {
                throw new RunFailed($"{all.Count - coming.Count} of {count} subscribers were taken in, and no more within {Stalled.TotalSeconds:0} s");
            }
        }

        return all;
    }
}
