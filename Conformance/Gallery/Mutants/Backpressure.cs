using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribers that do not keep up.</summary>
internal static class Backpressure
{
    private const string SlowConsumer = "slow consumer";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("bpr-never-cut", "The queue of a subscriber has no bound.")
        {
            Change = parts => Patient(parts) with { Outbox = server => new NeverFull(server) },
            Kills = [new("PS-BPR-001", "a subscriber whose queue overflows is disconnected")],
            UnderLoad = true,
        },
        new("bpr-drops-oldest", "A full queue silently loses its oldest event, and nobody is cut.")
        {
            Change = parts => Patient(parts) with { Variation = parts.Variation with { DropsOldest = true } },
            Kills =
            [
                new("PS-BPR-001", "a subscriber whose queue overflows is disconnected"),
                new("PS-BPR-008", "what a slow consumer receives has no gap"),
            ],
            UnderLoad = true,
        },
        new("bpr-drops-newest", "An event that finds the queue full is silently lost, and nobody is cut.")
        {
            Change = parts => Patient(parts) with { Outbox = server => new DropsNewest(server) },
            Kills =
            [
                new("PS-BPR-001", "a subscriber whose queue overflows is disconnected"),
                new("PS-BPR-008", "what a slow consumer receives has no gap"),
            ],
            UnderLoad = true,
        },
        new("bpr-another-code", "A slow consumer is told RATE_LIMITED.")
        {
            Change = parts => parts with { Outbox = server => new CutsOtherwise(server, "RATE_LIMITED", 1008) },
            Kills = [new("PS-BPR-002", "the last message to a slow consumer says so: expected an error SLOW_CONSUMER")],
            UnderLoad = true,
        },
        new("bpr-cut-without-a-word", "A slow consumer is closed with 1008 and told nothing.")
        {
            Change = parts => parts with { Outbox = server => new CutsOtherwise(server, null, 1008) },
            Kills = [new("PS-BPR-002", "the last message to a slow consumer says so")],
            UnderLoad = true,
        },
        new("bpr-the-word-is-not-the-last", "The event that was too many follows SLOW_CONSUMER.")
        {
            Change = parts => parts with { Outbox = server => new SaysItTooEarly(server) },
            Kills = [new("PS-BPR-002", "the last message to a slow consumer says so")],
            UnderLoad = true,
        },
        new("bpr-said-twice", "SLOW_CONSUMER is sent when the queue overflows and again when the connection closes.")
        {
            Change = parts => parts with { Outbox = server => new SaysItTwice(server) },
            Kills = [new("PS-BPR-002", "it is said once")],
            UnderLoad = true,
        },
        new("bpr-closes-1000", "A slow consumer is closed as if all were well.")
        {
            Change = parts => parts with { Outbox = server => new CutsOtherwise(server, "SLOW_CONSUMER", 1000) },
            Kills = [new("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed 1000")],
            UnderLoad = true,
        },
        new("bpr-closes-1011", "A slow consumer is closed as if the server had failed.")
        {
            Change = parts => parts with { Outbox = server => new CutsOtherwise(server, "SLOW_CONSUMER", 1011) },
            Kills = [new("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed 1011")],
            UnderLoad = true,
        },
        new("bpr-hangs-up", "A slow consumer's TCP connection is reset, without a message or a close frame.")
        {
            Change = parts => parts with { Session = seed => new HangsUp(seed) },
            Kills =
            [
                new("PS-BPR-002", "the last message to a slow consumer says so"),
                new("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed nothing"),
            ],
            UnderLoad = true,
        },
        new("bpr-all-wait-for-the-slowest", "While the queue of one subscriber is full, an event is delivered to nobody.")
        {
            Change = parts => Patient(parts) with { Topic = seed => new WaitsForTheSlowest(seed) },
            Kills =
            [
                new("PS-BPR-001", "a subscriber whose queue overflows is disconnected"),
                new("PS-BPR-004", "every other subscriber receives every message while one does not read"),
            ],
            UnderLoad = true,
        },
        new("bpr-the-next-misses-one", "When a subscriber is cut, the one behind it is not offered the event.")
        {
            Change = parts => parts with { Topic = seed => new SkipsTheNext(seed) },
            Kills = [new("PS-BPR-004", "receives every message in order, before and after the cut")],
            UnderLoad = true,
        },
        new("bpr-forgets-the-innocent", "When a subscriber is cut, whoever subscribed last is taken off the list.")
        {
            Change = parts => parts with { Topic = seed => new ForgetsTheInnocent(seed) },
            Kills = [new("PS-BPR-004", "every other subscriber receives every message while one does not read")],
            UnderLoad = true,
        },
        new("bpr-the-ack-waits", "A publish is acked when every subscriber has less than a quarter of a queue unread.")
        {
            Change = parts => parts with { Topic = seed => new AcksLater(seed) },
            Kills = [new("PS-BPR-005", "a publish is acked although a subscriber does not read")],
            UnderLoad = true,
        },
        new("bpr-one-too-few", "A subscriber is cut by the event that makes its queue exactly full.")
        {
            Change = parts => parts with { Outbox = server => new OneTooFew(server) },
            Kills = [new("PS-BPR-006", "a reader who is never more than 100 events behind receives them all")],
            Also = ["PS-RPL-010"],
        },
        new("bpr-two-bytes-each", "The bytes outstanding are counted as UTF-16.")
        {
            Change = parts => parts with { Outbox = server => new TwoBytesEach(server) },
            Kills = [new("PS-BPR-006", "a reader who is 100 large events behind receives them all")],
            Also = ["PS-DEL-008"],
            UnderLoad = true,
        },
        new("bpr-divides-the-bound", "The bound of a subscriber is shared out among its topics, in equal parts.")
        {
            Change = parts => parts with { Outbox = server => new SharesOut(server), Topic = seed => new Counted(seed) },
            Kills = [new("PS-BPR-006", "a reader of two topics receives all 100 events")],
        },
        new("bpr-pools-the-bound", "The bound of one subscriber holds for the first two of a topic together.")
        {
            Change = parts => parts with { Outbox = server => new Gathering(server), Topic = seed => new Pooled(seed) },
            Kills = [new("PS-BPR-006", "a reader who is never more than 100 events behind receives them all")],
            Also = ["PS-FAN-002", "PS-FAN-007"],
        },
        new("bpr-a-ghost-in-the-others", "A subscriber that is cut leaves only the topic that was too much.")
        {
            Change = parts => parts with { Session = seed => new StaysInTheOthers(seed) },
            Kills = [new("PS-BPR-007", "a subscriber that is cut leaves its other topic as well")],
            UnderLoad = true,
        },
        new("bpr-a-gap-before-the-cut", "A slow consumer loses the oldest ten of its queue, is sent the rest, and is cut.")
        {
            Change = parts => parts with { Outbox = server => new LeavesAGap(server) },
            Kills = [new("PS-BPR-008", "what a slow consumer receives has no gap")],
            UnderLoad = true,
        },
        new("bpr-replies-count", "Who leaves thousands of replies unread is cut as a slow consumer.")
        {
            Change = parts => parts with { Outbox = server => new CountsReplies(server) },
            Kills = [new("PS-BPR-010", "the reply to the last of 20000 requests")],
            UnderLoad = true,
        },
        new("bpr-loses-replies", "Of replies that are left unread a hundred are lost.")
        {
            Change = parts => parts with { Outbox = server => new LosesReplies(server) },
            Kills = [new("PS-BPR-010", "every request is answered, in order")],
            UnderLoad = true,
        },
        new("bpr-tired-of-pings", "The ten thousandth Pong ends the connection.")
        {
            Change = parts => parts with { Connection = socket => new TiredOfPings(socket) },
            Kills = [new("PS-BPR-010", "Pings that were sent without reading the Pongs end in nothing but the replies")],
            UnderLoad = true,
        },
    ];

    /// <summary>Who is never cut for being behind must not be given up for reading nothing either, which takes longer and has no last word.</summary>
    private static Parts Patient(Parts parts) => parts with { Settings = parts.Settings with { WriteTimeout = TimeSpan.FromMinutes(5) } };

    private static byte[] TooSlow(SmallServer server) => server.Messages.Error("SLOW_CONSUMER", "too many events are unread");

    /// <summary>By an overflow, and not by its own leaving.</summary>
    private static bool IsCut(Outbox subscriber) => subscriber.Closing is (1008, _);

    private sealed class NeverFull(SmallServer server) : Outbox(server)
    {
        protected override bool IsFull(int live, int bytes) => false;
    }

    private sealed class DropsNewest(SmallServer server) : Outbox(server)
    {
        public override bool TryDeliver(byte[] @event) => !HasRoom(@event.Length) || base.TryDeliver(@event);
    }

    private sealed class CutsOtherwise(SmallServer server, string? error, int code) : Outbox(server)
    {
        protected override void Overflow() =>
            Abandon(error is null ? null : Server.Messages.Error(error, "too many events are unread"), code, SlowConsumer);
    }

    private sealed class SaysItTooEarly(SmallServer server) : Outbox(server)
    {
        private byte[] _latest = [];

        public override bool TryDeliver(byte[] @event)
        {
            _latest = @event;
            return base.TryDeliver(@event);
        }

        protected override void Overflow()
        {
            Say(TooSlow(Server));
            Finish(_latest, 1008, SlowConsumer);
        }
    }

    private sealed class SaysItTwice(SmallServer server) : Outbox(server)
    {
        protected override void Overflow()
        {
            Say(TooSlow(Server));
            Finish(TooSlow(Server), 1008, SlowConsumer);
        }
    }

    private sealed class HangsUp(SessionSeed seed) : Session(seed)
    {
        protected override void LeaveAll()
        {
            base.LeaveAll();
            if (IsCut(Outbox))
            {
                Connection.Reset();
            }
        }
    }

    private sealed class WaitsForTheSlowest(TopicSeed seed) : Topic(seed)
    {
        private readonly Queue<byte[]> _due = []; // guarded by Gate

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            _due.Enqueue(@event);
            while (_due.TryPeek(out var next) && Subscribers.All(subscriber => subscriber.HasRoom(next.Length)))
            {
                base.Deliver(_due.Dequeue(), publisher);
            }
        }
    }

    private sealed class SkipsTheNext(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            for (var i = 0; i < Subscribers.Count; i++)
            {
                var subscriber = Subscribers[i];
                if (!subscriber.TryDeliver(@event))
                {
                    Subscribers.RemoveAt(i);
                    i -= IsCut(subscriber) ? 0 : 1;
                }
            }
        }
    }

    private sealed class ForgetsTheInnocent(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            foreach (var ended in Subscribers.Where(subscriber => !subscriber.TryDeliver(@event)).ToList())
            {
                Subscribers.Remove(ended);
                if (IsCut(ended) && Subscribers.Count > 0)
                {
                    Subscribers.RemoveAt(Subscribers.Count - 1);
                }
            }
        }
    }

    private sealed class AcksLater(TopicSeed seed) : Topic(seed)
    {
        private readonly Queue<(Outbox Publisher, byte[] Ack)> _held = []; // guarded by Gate

        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (Subscribers.Any(subscriber => subscriber.Outstanding.Bytes > Settings.QueueBytes / 4))
                {
                    using var nobody = new Outbox(Server);
                    _held.Enqueue((publisher, ack));
                    return base.TryPublish(@event, nobody, request, ack);
                }

                while (_held.TryDequeue(out var held))
                {
                    held.Publisher.Reply(held.Ack);
                }

                return base.TryPublish(@event, publisher, request, ack);
            }
        }
    }

    /// <summary>Correct, but lets a burst come to its end before any of it is written: how much is outstanding is no matter of luck.</summary>
    private class Gathering(SmallServer server) : Outbox(server)
    {
        private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(20);

        protected override async Task CollectAsync()
        {
            var before = Outstanding;
            while (before.Events > 0)
            {
                await Task.Delay(Quiet);
                before = Outstanding == before ? (0, 0) : Outstanding;
            }
        }
    }

    private sealed class OneTooFew(SmallServer server) : Gathering(server)
    {
        protected override bool IsFull(int live, int bytes) => base.IsFull(live + 1, bytes);
    }

    private sealed class TwoBytesEach(SmallServer server) : Gathering(server)
    {
        protected override bool IsFull(int live, int bytes) => base.IsFull(live, 2 * bytes);
    }

    private sealed class SharesOut(SmallServer server) : Gathering(server)
    {
        public int Topics { get; set; }

        protected override bool IsFull(int live, int bytes) => base.IsFull(live * Math.Max(1, Topics), bytes);
    }

    private sealed class Counted(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                ((SharesOut)subscriber).Topics += Subscribers.Contains(subscriber) ? 0 : 1;
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        protected override void Remove(Outbox subscriber)
        {
            ((SharesOut)subscriber).Topics -= Subscribers.Contains(subscriber) ? 1 : 0;
            base.Remove(subscriber);
        }
    }

    private sealed class Pooled(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            var slow = Subscribers.Take(2).Sum(subscriber => subscriber.Outstanding.Events) >= Settings.QueueSize ? Subscribers[0] : null;
            slow?.Abandon(TooSlow(Server), 1008, SlowConsumer);
            base.Deliver(@event, publisher);
        }
    }

    private sealed class StaysInTheOthers(SessionSeed seed) : Session(seed)
    {
        protected override void LeaveAll()
        {
            if (!IsCut(Outbox))
            {
                base.LeaveAll();
            }
        }
    }

    private sealed class LeavesAGap(SmallServer server) : Outbox(server)
    {
        protected override void Overflow()
        {
            for (var i = 0; i < 10; i++)
            {
                DropOldest();
            }

            Finish(TooSlow(Server), 1008, SlowConsumer);
        }
    }

    /// <summary>It reads on while its replies are not read.</summary>
    private abstract class Heedless(SmallServer server) : Outbox(server)
    {
        protected const int Many = 2_000;

        public override Task RoomAsync(CancellationToken cancellation) => Task.CompletedTask;
    }

    private sealed class CountsReplies(SmallServer server) : Heedless(server)
    {
        public override void Reply(byte[] text)
        {
            if (Waiting >= Many)
            {
                Overflow();
            }

            base.Reply(text);
        }
    }

    private sealed class LosesReplies(SmallServer server) : Heedless(server)
    {
        private int _lost;

        public override void Reply(byte[] text)
        {
            if (Waiting < Many || ++_lost > 100)
            {
                base.Reply(text);
            }
        }
    }

    private sealed class TiredOfPings(System.Net.Sockets.Socket socket) : Connection(socket)
    {
        private const byte Pong = 0x8A;

        private int _pongs;

        protected override ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            _pongs += bytes.Span[0] == Pong ? 1 : 0;
            return _pongs < 10_000 ? base.SendAsync(bytes, cancellation) : throw new IOException("Enough.");
        }
    }
}
