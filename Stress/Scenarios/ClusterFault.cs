using System.Diagnostics;
using System.Text;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;

namespace PubSub.Stress.Scenarios;

/// <summary>
/// An open loop to subscribers at two nodes while something fails. A subscriber that loses its connection comes back at the first node
/// after a random time, and goes on from its position. Every acked message must reach every subscriber, once and in order.
/// </summary>
internal sealed class ClusterFault : IDisposable
{
    public const string NodeKilled = "a node is killed", RedisPaused = "Redis is paused for 3 s";
    public const string Unavailable = "unavailable";
    public const double StepSeconds = 0.1; // of the timeline

    /// <summary>A subscriber that is away for as long as Redis pauses must find all it missed.</summary>
    public static readonly (string Name, string Value)[] Settings = [("MAX_MESSAGES", "10000")];

    private const int Subscribers = 20;
    private const int Rate = 1000; // messages per second
    private const int PayloadBytes = 100;
    private const string UnavailableCode = "UNAVAILABLE";

    private static readonly TimeSpan Before = TimeSpan.FromSeconds(2), Pause = TimeSpan.FromSeconds(3), After = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LongestAway = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Loop _loop = new();
    private readonly string _topic = $"fault-{Guid.NewGuid():N}";
    private readonly PubSubContender _first;
    private readonly Reader[] _readers;
    private readonly PubSubConnection _publisher;
    private readonly List<long> _acked = [];
    private readonly List<double> _timeline = [];
    private long _answered;
    private long _refused;
    private long _counted;

    private ClusterFault(PubSubContender first, PubSubContender second)
    {
        _first = first;
        first.CreateTopic(_topic);
        _readers = [.. Enumerable.Range(0, Subscribers).Select(number => new Reader(this, number))];
        foreach (var (number, reader) in _readers.Index())
        {
            reader.Come(number % 2 == 0 ? first : second);
        }

        _loop.Until(() => Array.TrueForAll(_readers, reader => reader.IsSubscribed), Patience, "for every subscribe to be answered");
        _publisher = first.Open(_loop, PayloadBytes);
        _publisher.PublishTo(_topic);
        _publisher.OnAnswer = Answered;
    }

    /// <summary>Kills the second node with SIGKILL.</summary>
    public static Measured KillNode(PubSubContender first, PubSubContender second)
    {
        using var fault = new ClusterFault(first, second);
        return fault.Run(() => Signal(second.Cost!.Id, Libc.SigKill), () => { });
    }

    /// <summary>Stops Redis with SIGSTOP for three seconds.</summary>
    public static Measured PauseRedis(PubSubContender first, PubSubContender second, RedisServer redis)
    {
        using var fault = new ClusterFault(first, second);
        return fault.Run(() => Signal(redis.Id, Libc.SigStop), () => Signal(redis.Id, Libc.SigContinue));
    }

    public void Dispose() => _loop.Dispose();

    private static void Signal(int process, int signal) => Libc.Checked(Libc.Kill(process, signal), "kill");

    private Measured Run(Action strike, Action heal)
    {
        var schedule = new Schedule(Rate);
        var open = new OpenLoop(_loop, _publisher, schedule);
        var start = Stopwatch.GetTimestamp();
        schedule.Start();
        open.Run(Before, Look);
        strike();
        open.Run(Pause, Look);
        heal();
        open.Run(After, Look);
        _loop.Until(
            () =>
            {
                Look();
                return _publisher.Unanswered == 0 && Array.TrueForAll(_readers, reader => reader.Last >= _acked.LastOrDefault());
            },
            Patience,
            "for every publish to be answered and every acked message to be received");
        if (_acked.Exists(id => !Array.TrueForAll(_readers, reader => reader.Has(id))))
        {
            throw new RunFailed("a message that was acked did not reach every subscriber");
        }

        return new Measured { Timeline = _timeline }
            .Add(Names.Published, open.Published, "messages")
            .Add("acked", _acked.Count, "messages")
            .Add(Unavailable, _refused, "messages")
            .Add("resumed", _readers.Sum(reader => reader.Resumes), "subscribers");

        void Look()
        {
            var received = _readers.Sum(reader => reader.Count);
            while (_timeline.Count < Stopwatch.GetElapsedTime(start).TotalSeconds / StepSeconds - 1)
            {
                _timeline.Add(received - _counted);
                _counted = received;
            }

            Array.ForEach(_readers, reader => reader.Return());
        }
    }

    private void Answered(string? error)
    {
        _answered++;
        if (error is null)
        {
            _acked.Add(_answered);
        }
        else if (error == UnavailableCode)
        {
            _refused++;
        }
        else
        {
            throw new RunFailed($"a publish was answered {error}");
        }
    }

    private sealed class Reader(ClusterFault fault, int number) : IResumable
    {
        private readonly Random _random = new(number);
        private readonly HashSet<long> _ids = [];
        private string? _since;
        private string? _epoch;
        private long _returnsAt = long.MaxValue; // in ticks of Stopwatch

        public bool IsSubscribed { get; private set; }

        /// <summary>The newest message that it has received.</summary>
        public long Last { get; private set; }

        public int Resumes { get; private set; }

        public int Count => _ids.Count;

        public bool Has(long id) => _ids.Contains(id);

        public void Come(PubSubContender node)
        {
            var socket = new ResumingSocket(fault._loop, node.Sockets, this, fault._topic, _since, _epoch) { MayEnd = true };
            socket.Ended = () => _returnsAt =
                Stopwatch.GetTimestamp() + (long)(_random.NextDouble() * LongestAway.TotalSeconds * Stopwatch.Frequency);
        }

        /// <summary>Comes back, if it is away and it is time.</summary>
        public void Return()
        {
            if (Stopwatch.GetTimestamp() >= _returnsAt)
            {
                _returnsAt = long.MaxValue;
                Resumes++;
                Come(fault._first);
            }
        }

        public void Subscribed(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, bool isWhole)
        {
            IsSubscribed = true;
            _epoch = Encoding.ASCII.GetString(epoch);
            _since ??= Encoding.ASCII.GetString(timestamp);
            if (!isWhole)
            {
                Gap();
            }
        }

        public void Gap() => throw new RunFailed($"subscriber {number + 1} was told that events are missing");

        public void Received(ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> timestamp, long id)
        {
            if (id <= Last)
            {
                throw new RunFailed($"subscriber {number + 1} received message {id} after {Last}: duplicated or reordered");
            }

            Last = id;
            _ids.Add(id);
            _since = Encoding.ASCII.GetString(timestamp);
        }
    }
}
