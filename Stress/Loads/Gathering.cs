using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>Opens many connections that subscribe to one topic, 100 at a time, as fast as the server accepts them.</summary>
internal static class Gathering
{
    private const int AtATime = 100;
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(30); // without an answer to any of them

    /// <param name="loops">The loops that drive the connections; they belong to the caller.</param>
    /// <param name="contender">The server to connect to.</param>
    /// <param name="topic">The topic to subscribe to.</param>
    /// <param name="count">The number of connections.</param>
    /// <param name="payloadBytes">The length of the payloads.</param>
    /// <param name="inbox">Makes the inbox of a connection by its number, from 0.</param>
    public static List<BrokerConnection> Subscribe(
        Loops loops, IContender contender, string topic, int count, int payloadBytes, Func<int, Inbox> inbox)
    {
        var all = new List<BrokerConnection>();
        var coming = new List<BrokerConnection>();
        for (var progressAt = Stopwatch.GetTimestamp(); all.Count < count || coming.Count > 0;)
        {
            while (all.Count < count && coming.Count < AtATime)
            {
                var connection = contender.BeginSubscriber(loops[all.Count], payloadBytes);
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
                throw new RunFailed(
                    $"{all.Count - coming.Count} of {count} subscribers were accepted, and no more within {Stalled.TotalSeconds:0} s");
            }
        }

        return all;
    }
}
