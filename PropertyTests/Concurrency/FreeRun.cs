using System.Globalization;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Concurrency;

/// <summary>
/// Many clients take random steps. Each sends requests on one thread and reads on another, while one more thread deletes and creates their
/// topics. All steps are recorded, and the history checker judges the record.
/// </summary>
/// <remarks>
/// The seed decides what each thread does, but not when. So it alone does not reproduce a failing run; the history shows what was wrong.
/// </remarks>
internal sealed class FreeRun(Verbs verbs, int seed)
{
    /// <summary>Clients at one time.</summary>
    private const int Places = 6;

    /// <summary>Requests of all the clients of one place.</summary>
    private const int StepsEach = 600;

    /// <summary>Messages between two deletions, on average.</summary>
    private const int MessagesPerLife = 60;

    private static readonly string[] Topics = ["a", "b", "c"];

    private readonly Verbs _verbs = verbs;
    private readonly HistoryRecorder _recorder = new();
    private int _acting = Places;
    private int _published;
    private int _received;
    private int _slow;
    private int _disconnected;

    /// <summary>Events that arrived, at all subscribers.</summary>
    public int Received => _received;

    /// <summary>Subscribers cut as slow consumers.</summary>
    public int Slow => _slow;

    /// <summary>Subscribers closed because a topic of theirs was deleted.</summary>
    public int Disconnected => _disconnected;

    public History Run()
    {
        Array.ForEach(Topics, Create);
        Threads.Together([DeleteAndCreate, .. Enumerable.Range(0, Places).Select(place => (Action)(() => TakeTurns(place)))]);
        return _recorder.ToHistory();
    }

    private static void Answer(Invocation invocation, bool accepted)
    {
        if (accepted)
        {
            invocation.Acked();
        }
        else
        {
            invocation.Refused();
        }
    }

    private void DeleteAndCreate()
    {
        var random = new Random(seed);
        while (Volatile.Read(ref _acting) > 0)
        {
            var next = Volatile.Read(ref _published) + random.Next(2 * MessagesPerLife);
            SpinWait.SpinUntil(() => Volatile.Read(ref _published) > next || Volatile.Read(ref _acting) == 0, Threads.Patience);
            var topic = Topics[random.Next(Topics.Length)];
            var deletion = _recorder.Delete(topic);
            Answer(deletion, _verbs.TryDelete(topic, Frames.Of($"deleted {topic}"), disconnect: random.Next(3) == 0));
            Create(topic);
        }
    }

    private void Create(string topic)
    {
        var creation = _recorder.Create(topic);
        Answer(creation, _verbs.TryCreate(topic));
    }

    /// <summary>Runs one client after the other; a new client replaces one that is closed.</summary>
    private void TakeTurns(int place)
    {
        try
        {
            var random = new Random(seed + 1 + place);
            for (var (left, turn) = (StepsEach, 0); left > 0; turn++)
            {
                var client = new Client(this, string.Create(CultureInfo.InvariantCulture, $"{place}.{turn}"), random.Next());
                Threads.Together(() => left -= client.Act(left), client.Read);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _acting);
        }
    }

    private sealed class Client(FreeRun run, string name, int seed)
    {
        private const int MeanSteps = 120; // before it leaves

        private readonly Subscriber _subscriber = run._verbs.Admit(eager: seed % 2 == 0);
        private readonly SubscriberRecorder _log = run._recorder.Subscriber(name);
        private readonly Dictionary<string, Invocation> _asked = []; // by number; guarded by itself
        private readonly Wakes _wakes = new();

        /// <summary>Sends a random number of random requests, fewer if it is closed; then leaves.</summary>
        /// <returns>The number of requests, at least 1.</returns>
        public int Act(int atMost)
        {
            var (random, steps) = (new Random(seed), 0);
            do
            {
                WaitForRoom();
                Ask(random, number: Frames.Text(steps++));
                if (random.Next(3) == 0)
                {
                    _wakes.Release();
                }
            }
            while (steps < atMost && _subscriber.Closed == CloseReason.None && random.Next(MeanSteps) > 0);

            _wakes.Release();
            _log.Left();
            _subscriber.Close(CloseReason.Left);
            return steps;
        }

        /// <summary>Reads until no more can come; sometimes pauses between taking and releasing a batch.</summary>
        public void Read()
        {
            var random = new Random(-seed);
            while (_subscriber.Wait())
            {
                foreach (var text in _subscriber.Take(random.Next(1, 400)).Texts())
                {
                    Note(text.Split(' '));
                }

                for (var turns = random.Next(8) == 0 ? random.Next(200) : 0; turns > 0; turns--)
                {
                    Thread.Yield();
                }

                _subscriber.Release();
            }

            switch (_subscriber.Closed)
            {
                case CloseReason.SlowConsumer:
                    Interlocked.Increment(ref run._slow);
                    _log.Cut();
                    break;
                case CloseReason.TopicDeleted:
                    Interlocked.Increment(ref run._disconnected);
                    _log.Cut(); // from its other topics
                    break;
            }
        }

        private void WaitForRoom()
        {
            var room = _subscriber.WaitForRoomAsync();
            if (!room.IsCompleted)
            {
                _wakes.Release(); // other clients must not wait while this one does
                room.AsTask().WaitAsync(Threads.Patience).GetAwaiter().GetResult();
            }
        }

        private void Ask(Random random, string number)
        {
            var topic = Topics[random.Next(Topics.Length)];
            var accepted = true;
            switch (random.Next(10))
            {
                case < 2:
                    var lastN = random.Next(4) switch { 0 => 0, 1 => int.MaxValue, _ => random.Next(12) };
                    Expect(number, _log.Subscribe(topic, lastN));
                    accepted = run._verbs.TrySubscribe(topic, _subscriber, lastN, Frames.Of($"ack {number}"), _wakes);
                    break;
                case < 3:
                    Expect(number, _log.Unsubscribe(topic));
                    accepted = run._verbs.TryUnsubscribe(topic, _subscriber, Frames.Of($"ack {number}"), _wakes);
                    break;
                default:
                    var publish = run._recorder.Publish(name, topic, $"{name}/{number}");
                    Answer(publish, run._verbs.TryPublish(topic, Frames.Of($"event {topic} {name}/{number}"), _wakes));
                    Interlocked.Increment(ref run._published);
                    break;
            }

            if (!accepted)
            {
                _subscriber.Reply(Frames.Of($"refused {number}"), _wakes);
            }
        }

        private void Expect(string number, Invocation invocation)
        {
            lock (_asked)
            {
                _asked.Add(number, invocation);
            }
        }

        private void Note(string[] words)
        {
            switch (words[0])
            {
                case "event":
                    _log.Received(words[1], words[2]);
                    Interlocked.Increment(ref run._received);
                    break;
                case "deleted":
                    _log.TopicDeleted(words[1]);
                    break;
                default:
                    lock (_asked)
                    {
                        Answer(_asked[words[1]], words[0] == "ack");
                    }

                    break;
            }
        }
    }
}
