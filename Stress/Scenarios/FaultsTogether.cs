using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;

namespace PubSub.Stress.Scenarios;

/// <summary>
/// All faults at once, round after round, beside well-behaved clients that come and go. After each round the history checker judges
/// their requests, answers and events. Memory and descriptors must be flat over the rounds.
/// </summary>
internal static class FaultsTogether
{
    public const string Scenario = "faults-together";

    private const int Topics = 3;
    private const int Publishers = 3;
    private const int Subscribers = 20;
    private const double MessagesPerSecond = 1000; // at most
    private const double ActsPerSecond = 50; // subscribes, unsubscribes, ends of connections
    private const double MegabytesOfSlack = 8;
    private const double ShareOfSlack = 0.05;
    private const double DescriptorsOfSlack = 8; // the tool's HTTP client keeps some connections open between requests
    private const int LeastRounds = 4; // the fewest samples of which flatness can be judged

    private static readonly TimeSpan Undisturbed = TimeSpan.FromSeconds(2); // to fill the topics before the memory is full
    private static readonly TimeSpan LongestRound = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan DescriptorsFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SettleTimeout = TimeSpan.FromSeconds(45); // more than keep-alive's interval and timeout, and a stop

    /// <param name="server">A server started by this tool, because its log is left unread.</param>
    /// <param name="window">The length of the run.</param>
    /// <param name="random">Draws what the clients do.</param>
    public static Measured Once(PubSubContender server, TimeSpan window, Random random)
    {
        var cost = server.Cost ?? throw new UsageError("--url needs --pid here: memory and descriptors are read from the server's process");
        var memory = new Flatness("resident", "MB", ShareOfSlack, MegabytesOfSlack);
        var descriptors = new Flatness("descriptors", "descriptors", 0, DescriptorsOfSlack);
        var committed = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var (published, received, refused, turnedAway) = (0L, 0L, 0L, 0L);
        var length = TimeSpan.FromTicks(Math.Min(LongestRound.Ticks, window.Ticks / LeastRounds));
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < window || memory.Count < LeastRounds)
        {
            using var round = new Round(server, cost, random);
            round.Run(length, committed);
            published += round.Recorded.Published;
            received += round.Recorded.Received;
            refused += round.Recorded.Refused;
            turnedAway += round.TurnedAway;
            memory.Add(cost.Resident / 1e6);
            descriptors.Add(cost.Descriptors);
            Progress.Say(
                $"{Scenario}: {Stopwatch.GetElapsedTime(start):hh\\:mm\\:ss}, {published:N0} messages, " +
                $"{memory.Last:0.0} MB (at most {cost.MostResident / 1e6:0.0}), {descriptors.Last} descriptors, " +
                $"{refused:N0} requests refused, {turnedAway:N0} connections refused");
        }

        var measured = new Measured()
            .Add("rounds", memory.Count, "rounds")
            .Add(Names.Published, published, "messages")
            .Add(Names.Received, received, "events")
            .Add("refused_as_memory_was_full", refused, "requests")
            .Add("refused_as_connections_were_full", turnedAway, "connections")
            .Add("resident_under_faults", cost.MostResident / 1e6, "MB");
        foreach (var (fault, times) in committed)
        {
            measured.Add($"committed_{fault}", times, "times");
        }

        return string.Join("; ", new[] { memory.Judge(measured), descriptors.Judge(measured) }.OfType<string>()) is { Length: > 0 } leak
            ? throw new RunFailed(leak)
            : measured;
    }

    private sealed class Round : IDisposable
    {
        private readonly PubSubContender _server;
        private readonly ProcessCost _cost;
        private readonly Random _random;
        private readonly Loop _loop = new();
        private readonly HashSet<RecordedClient> _leaving = [];
        private readonly int _socketsBefore;

        public Round(PubSubContender server, ProcessCost cost, Random random)
        {
            (_server, _cost, _random) = (server, cost, random);
            _socketsBefore = cost.Sockets;
            string[] topics = [.. Enumerable.Range(0, Topics).Select(_ => $"together-{Guid.NewGuid():N}")];
            Recorded = new RecordedLoad(_loop, server, topics, Publishers, random, FaultLoad.PayloadBytes) { MayBeRefused = true };
        }

        public RecordedLoad Recorded { get; }

        /// <summary>Clients that were refused with 503, since the server had no connection left.</summary>
        public long TurnedAway { get; private set; }

        public void Run(TimeSpan length, SortedDictionary<string, int> committed)
        {
            for (var n = 0; n < Subscribers; n++)
            {
                Recorded.Admit();
            }

            Behave(Undisturbed, mayLeave: true, () => { });
            var context = new FaultContext(_server, _loop, Recorded.Topics[0], _cost, () => new AnyInbox());
            var injections = new Stack<(Fault Fault, FaultInjection Injection)>();
            try
            {
                foreach (var fault in Fault.All.Where(fault => fault.Name != Fault.Descriptors))
                {
                    injections.Push((fault, fault.Begin(context)));
                }

                Behave(length, mayLeave: true, Commit);
                var last = Fault.All.First(fault => fault.Name == Fault.Descriptors);
                injections.Push((last, last.Begin(context)));
                Behave(DescriptorsFor, mayLeave: false, Commit); // a client that would connect now could not
                foreach (var (fault, injection) in injections)
                {
                    injection.End();
                    committed[fault.Name] = committed.GetValueOrDefault(fault.Name) + injection.Count;
                }
            }
            finally
            {
                while (injections.TryPop(out var begun))
                {
                    begun.Injection.Dispose();
                }
            }

            Recorded.Drain();
            Recorded.Judge();
            Array.ForEach(Recorded.Topics, _server.DeleteTopic);
            Recorded.Dispose();
            AwaitSockets();

            void Commit()
            {
                foreach (var (_, injection) in injections)
                {
                    injection.Commit();
                }
            }
        }

        public void Dispose()
        {
            Recorded.Dispose();
            _loop.Dispose();
        }

        private void Behave(TimeSpan length, bool mayLeave, Action besides)
        {
            var (start, acts) = (Stopwatch.GetTimestamp(), 0L);
            Recorded.Run(length, MessagesPerSecond, () =>
            {
                besides();
                for (; mayLeave && acts < Stopwatch.GetElapsedTime(start).TotalSeconds * ActsPerSecond; acts++)
                {
                    Churn.Act(Recorded, _leaving, _random);
                }

                if (mayLeave)
                {
                    Churn.LetGo(Recorded, _leaving);
                }

                foreach (var member in Recorded.Members.Where(member => member.Ending is not null).ToArray())
                {
                    Replace(member);
                }
            });
        }

        // The faults may use up the connections of the server: a client that connects then is refused, and connects again.
        private void Replace(RecordedClient member)
        {
            if (member.Ending?.Contains("HTTP/1.1 503", StringComparison.Ordinal) is not true)
            {
                throw new RunFailed($"the server ended the connection of a subscriber that reads: {member.Ending}");
            }

            TurnedAway++;
            member.Dispose();
            Recorded.Dismiss(member);
            Recorded.Admit();
        }

        // Waits until the server has noticed the clients that are gone.
        private void AwaitSockets() => _loop.Until(
            () => _cost.Sockets <= _socketsBefore + FaultLoad.DescriptorsOfSlack,
            SettleTimeout,
            "for the server to close the sockets of clients that are gone");
    }
}
