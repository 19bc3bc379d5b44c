using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about start, settings, signals and end.</summary>
internal static class Lifecycle
{
    private static readonly Settings Usual = new();

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("lif-exit-143", "After a drain the exit code tells of the signal.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new CodeOfTheSignal(server) },
            Kills = [new("PS-LIF-001", "the server exits with 0 after SIGTERM")],
        },
        new("lif-closes-1000", "A server that ends closes WebSockets as if all were done.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new AllDone(server) },
            Kills = [new("PS-LIF-001", "SIGTERM closes every WebSocket with 1001")],
        },
        new("lif-drops-queued", "A server that ends says goodbye instead of what is queued.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new InAHurry(server) },
            Kills = [new("PS-LIF-001", "the end of the connection by a close frame 1001")],
        },
        new("lif-deaf-to-sigint", "Only SIGTERM drains; Ctrl-C ends the process where it stands.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new EndedByCtrlC(server) },
            Kills = [new("PS-LIF-001", "SIGINT closes a WebSocket with 1001")],
        },
        new("lif-ready-while-draining", "/readyz stays at 200 to the end.")
        {
            Launched = true,
            Change = parts => parts with { Rest = server => new AlwaysReady(server) },
            Kills = [new("PS-LIF-002", "GET /readyz is answered with 503 while the server drains")],
        },
        new("lif-open-while-draining", "A server that drains goes on accepting handshakes.")
        {
            Launched = true,
            Change = parts => parts with { Upgrade = server => new AlwaysOpen(server) },
            Kills = [new("PS-LIF-002", "is answered with 503 while the server drains")],
        },
        new("lif-endless-drain", "A drain waits for the last peer, however long that takes.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new Patient(server) },
            Kills = [new("PS-LIF-003", "cannot hold up the end beyond DRAIN_TIMEOUT")],
        },
        new("lif-one-signal-only", "A second signal changes nothing.")
        {
            Launched = true,
            Change = parts => parts with { Lifetime = server => new Unimpressed(server) },
            Kills = [new("PS-LIF-004", "A second signal ends the process at once")],
        },
        new("lif-messages-survive", "What topics retain is saved at the end, and found again by the next topic of that name.")
        {
            Launched = true,
            Change = parts => parts with { Topic = seed => new Archived(seed), Lifetime = server => new Archiving(server) },
            Kills = [new("PS-LIF-005", "After a restart there is no message")],
        },
        new("lif-no-pings", "Nobody is ever sent a Ping.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { KeepAliveInterval = TimeSpan.Zero } },
            Kills = [new("PS-LIF-006", "expected a frame or the end of the connection; observed neither"), new("PS-LIF-007", "The subscription of a peer that answers no Ping is gone")],
        },
        new("lif-pings-unanswered", "Pings are sent, and it does not matter whether they are answered.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { KeepAliveTimeout = TimeSpan.FromHours(1) } },
            Kills = [new("PS-LIF-007", "The subscription of a peer that")],
        },
        new("lif-port-ignored", "PORT is validated and then forgotten.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { Port = Usual.Port } },
            Kills = [new("PS-LIF-008", "The server listens on the port that PORT names"), new("PS-LIF-011", "The server process ends")],
        },
        new("lif-level-ignored", "LOG_LEVEL is info, whatever it says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { LogLevel = Usual.LogLevel } },
            Kills = [new("PS-LIF-009", "debug says more than error about the same actions")],
        },
        new("lif-level-upside-down", "LOG_LEVEL names the level above which nothing is written.")
        {
            Launched = true,
            Change = parts => parts with { Log = server => new UpsideDown(server) },
            Kills = [new("PS-LIF-009", "debug says more than error about the same actions")],
        },
        new("lif-illegal-is-default", "A setting that is not legal is passed over, and the default stands.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadLeniently },
            Kills = [new("PS-LIF-010", "keeps the server from starting")],
        },
        new("lif-unnamed-setting", "The message about a setting that is not legal tells its value and not its name.")
        {
            Launched = true,
            Change = parts => parts with { Complaint = fault => fault.Message[(fault.Message.IndexOf(' ', StringComparison.Ordinal) + 1)..] },
            Kills = [new("PS-LIF-010", "The message names MAX_TOPICS")],
        },
        new("lif-blames-every-setting", "The message about a setting that is not legal lists all that were given.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadBlamingAll },
            Kills = [new("PS-LIF-010", "The message does not blame a legal setting")],
        },
        new("lif-whole-seconds", "A time that is no whole number of seconds is refused.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadWholeSeconds },
            Kills = [new("PS-LIF-010", "With legal settings the server starts")],
        },
        new("lif-stack-trace", "A server that cannot start writes where in its code that was.")
        {
            Launched = true,
            Change = parts => parts with { Complaint = fault => fault.ToString() },
            Kills = [new("PS-LIF-011", "One line says that the port is in use")],
        },
        new("lif-logs-bad-requests", "A request that cannot be understood is logged whole, to see what was wrong with it.")
        {
            Launched = true,
            Change = parts => parts with { Session = seed => new Curious(seed) },
            Kills = [new("PS-LIF-012", "No line contains a payload")],
        },
        new("lif-closes-the-quiet", "Who sends no request for the time of a Ping and its answer is taken for dead, whatever it answers.")
        {
            Launched = true,
            Change = parts => parts with { Session = seed => new Impatient(seed) },
            Kills = [new("PS-LIF-013", "A quiet connection that answers Pings is sent Pings, and no close")],
        },
        new("lif-origin-prefix", "An origin is allowed when it begins as one that is named.")
        {
            Launched = true,
            Change = parts => parts with { Upgrade = server => new Prefixed(server) },
            Kills = [new("PS-LIF-014", "A handshake from a foreign origin that is not named is refused")],
        },
        new("lif-first-origin-only", "Of several origins that are named, the first is allowed.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadOneOrigin },
            Kills = [new("PS-LIF-014", "A handshake from a named origin is accepted")],
        },
        new("lif-own-origin-forgotten", "Once origins are named, the server's own has to be named as well.")
        {
            Launched = true,
            Change = parts => parts with { Upgrade = server => new Literal(server) },
            Kills = [new("PS-LIF-014", "A handshake from the server's own origin is accepted")],
        },
        new("lif-subscriptions-stay-counted", "A subscription that has ended counts towards MAX_SUBSCRIPTIONS for ever.")
        {
            Launched = true,
            Change = parts => parts with { Session = seed => new Resentful(seed) },
            Kills = [new("PS-SUB-012", "a subscription that has ended makes room for another")],
        },
        new("lif-one-subscription-more", "A connection may have one subscription more than MAX_SUBSCRIPTIONS.")
        {
            Launched = true,
            Change = parts => parts with { Session = seed => new Generous(seed) },
            Kills = [new("PS-SUB-012", "a subscribe beyond MAX_SUBSCRIPTIONS is answered with BAD_REQUEST")],
        },
        new("lif-ring-ignored", "Every topic retains 100 messages, whatever MAX_MESSAGES says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { Ring = Usual.Ring } },
            Kills = [new("PS-RPL-013", "replays the newest 3 of 3"), new("PS-RPL-013", "replays the newest 1 of 1"), new("PS-RPL-013", "replays the newest 249 of 250")],
        },
        new("lif-bytes-uncounted", "A queue is bounded in number only, whatever MAX_QUEUE_BYTES says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { QueueBytes = int.MaxValue } },
            Kills = [new("PS-BPR-009", "a subscriber is cut for its bytes, long before its events are too many")],
        },
        new("lif-large-event-cuts-idle", "One event larger than MAX_QUEUE_BYTES cuts even a subscriber who has read everything.")
        {
            Launched = true,
            Change = parts => parts with { Outbox = server => new Narrow(server) },
            Kills = [new("PS-BPR-009", "idle receives an event")],
        },
        new("lif-waits-for-readers", "A peer that reads nothing is waited for, whatever WRITE_TIMEOUT says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { WriteTimeout = TimeSpan.FromHours(1) } },
            Kills = [new("PS-BPR-011", "a peer that reads nothing is disconnected"), new("PS-BPR-011", "a subscriber that reads nothing is disconnected")],
        },
        new("lif-queue-of-a-thousand", "A MAX_QUEUE_SIZE below 1000 is raised to that.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadLongQueues },
            Kills = [new("PS-BPR-012", "an open connection after 30 s; 400 other message(s) arrived")],
        },
        new("lif-queue-size-ignored", "A queue holds 100 events, whatever MAX_QUEUE_SIZE says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { QueueSize = Usual.QueueSize } },
            Kills = [new("PS-BPR-012", "the event load-400")],
            Also = ["PS-LIF-001"],
        },
        new("lif-deletion-disconnects", "Deleting a topic disconnects, whatever TOPIC_DELETION says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { TopicDeletion = TopicDeletion.Disconnect } },
            Kills = [new("PS-DEL-006", "the end of the connection by a close frame 1000")],
        },
        new("lif-deletion-unsaid", "With TOPIC_DELETION at unsubscribe, subscribers are not told.")
        {
            Launched = true,
            Change = parts => parts with { Topic = seed => new Discreet(seed) },
            Kills = [new("PS-DEL-006", "the notice")],
        },
        new("lif-health-counts-refusals", "Health counts a topic again when its creation is refused, until it is deleted.")
        {
            Launched = true,
            Change = parts => parts with { Topics = server => new Recounted(server), Rest = server => new OfRefusals(server) },
            Kills = [new("PS-OBS-004", "Each topic is counted once")],
        },
        new("lif-health-counts-connections", "Health counts connections as subscribers.")
        {
            Launched = true,
            Change = parts => parts with { Rest = server => new OfConnections(server) },
            Kills = [new("PS-OBS-005", "A connection without a subscription is not counted")],
        },
        new("lif-handshake-minutes", "HANDSHAKE_TIMEOUT is taken for minutes.")
        {
            Launched = true,
            Change = parts => parts with { Read = ReadMinutes },
            Kills = [new("PS-ROB-008", "The server closes silent"), new("PS-ROB-008", "The server closes slow")],
        },
        new("lif-full-without-code", "A handshake beyond MAX_CONNECTIONS is not told why it is refused.")
        {
            Launched = true,
            Change = parts => parts with { Upgrade = server => new Curt(server) },
            Kills = [new("PS-ROB-010", "and told why")],
        },
        new("lif-places-stay-taken", "A connection that has ended counts towards MAX_CONNECTIONS for ever.")
        {
            Launched = true,
            Change = parts => parts with { Upgrade = server => new Crowded(server) },
            Kills = [new("PS-ROB-010", "there is room when one has left")],
        },
        new("lif-deleted-topics-count", "A deleted topic counts towards MAX_TOPICS for ever.")
        {
            Launched = true,
            Change = parts => parts with { Topics = server => new NeverForgetting(server) },
            Kills = [new("PS-ROB-011", "there is room when one has been deleted")],
        },
        new("lif-message-bytes-ignored", "A request may have 65,536 bytes, whatever MAX_MESSAGE_BYTES says.")
        {
            Launched = true,
            Change = parts => parts with { Read = variables => Settings.Read(variables) with { MessageBytes = Usual.MessageBytes } },
            Kills = [new("PS-ROB-012", "a request of 2049 bytes is answered with BAD_REQUEST"), new("PS-ROB-012", "a request of 200000 bytes is accepted")],
        },
    ];

    private static Settings ReadLeniently(IReadOnlyDictionary<string, string> variables) =>
        Settings.Read(variables.Where(IsLegal).ToDictionary());

    private static bool IsLegal(KeyValuePair<string, string> variable)
    {
        try
        {
            Settings.Read(new Dictionary<string, string> { [variable.Key] = variable.Value });
            return true;
        }
        catch (CannotStart)
        {
            return false;
        }
    }

    private static Settings ReadBlamingAll(IReadOnlyDictionary<string, string> variables)
    {
        try
        {
            return Settings.Read(variables);
        }
        catch (CannotStart e)
        {
            throw new CannotStart($"one of {string.Join(", ", variables.Keys)} is not legal", e);
        }
    }

    private static Settings ReadWholeSeconds(IReadOnlyDictionary<string, string> variables)
    {
        foreach (var (name, value) in variables.Where(variable => IsTime(variable.Key) && variable.Value.Contains('.', StringComparison.Ordinal)))
        {
            throw new CannotStart($"{name} must be a whole number of seconds, but is '{value}'");
        }

        return Settings.Read(variables);
    }

    private static bool IsTime(string name) => name.EndsWith("_TIMEOUT", StringComparison.Ordinal) || name.EndsWith("_INTERVAL", StringComparison.Ordinal);

    private static Settings ReadOneOrigin(IReadOnlyDictionary<string, string> variables)
    {
        var settings = Settings.Read(variables);
        return settings with { AllowedOrigins = [.. settings.AllowedOrigins.Take(1)] };
    }

    private static Settings ReadLongQueues(IReadOnlyDictionary<string, string> variables)
    {
        var settings = Settings.Read(variables);
        return settings with { QueueSize = Math.Max(settings.QueueSize, 1000) };
    }

    private static Settings ReadMinutes(IReadOnlyDictionary<string, string> variables)
    {
        var settings = Settings.Read(variables);
        return settings with { HandshakeTimeout = settings.HandshakeTimeout * 60 };
    }

    private sealed class CodeOfTheSignal(SmallServer server) : Lifetime(server)
    {
        protected override int ExitCode => 143;
    }

    private sealed class AllDone(SmallServer server) : Lifetime(server)
    {
        public override void Dismiss(Session session) => session.Outbox.Finish(null, 1000, "done");
    }

    private sealed class InAHurry(SmallServer server) : Lifetime(server)
    {
        public override void Dismiss(Session session) => session.Outbox.Abandon(null, 1001, "the server goes away");
    }

    private sealed class EndedByCtrlC(SmallServer server) : Lifetime(server)
    {
        public override void Interrupt() => End(130);
    }

    private sealed class Patient(SmallServer server) : Lifetime(server)
    {
        protected override TimeSpan Limit => TimeSpan.FromHours(1);
    }

    private sealed class Unimpressed(SmallServer server) : Lifetime(server)
    {
        protected override void SignalAgain()
        {
            // It drains already.
        }
    }

    private sealed class AlwaysReady(SmallServer server) : RestDoor(server)
    {
        protected override bool IsClosing => false;
    }

    private sealed class AlwaysOpen(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsClosing => false;
    }

    /// <summary>What a disk would hold.</summary>
    private static class Disk
    {
        public static ConcurrentDictionary<string, byte[][]> Saved { get; } = [];
    }

    private sealed class Archived : Topic
    {
        public Archived(TopicSeed seed)
            : base(seed) => Retained.AddRange(Disk.Saved.GetValueOrDefault(seed.Name, []));

        public void Save()
        {
            lock (Gate)
            {
                Disk.Saved[Name] = [.. Retained];
            }
        }
    }

    private sealed class Archiving(SmallServer server) : Lifetime(server)
    {
        public override void Terminate()
        {
            foreach (var topic in Server.Topics.All.Cast<Archived>())
            {
                topic.Save();
            }

            base.Terminate();
        }
    }

    private sealed class UpsideDown(SmallServer server) : ServerLog(server)
    {
        protected override bool IsWritten(LogLevel level) => level <= Settings.LogLevel;
    }

    private sealed class Curious(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest)
            {
                Server.Log.Write(LogLevel.Debug, $"not understood: {Encoding.UTF8.GetString(text.Span)}");
                throw;
            }
        }
    }

    private sealed class Impatient : Session
    {
        private long _heard = TimeProvider.System.GetTimestamp();

        public Impatient(SessionSeed seed)
            : base(seed) => _ = WaitAsync();

        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            Volatile.Write(ref _heard, TimeProvider.System.GetTimestamp());
            base.Answer(type, text);
        }

        private async Task WaitAsync()
        {
            var limit = Settings.KeepAliveInterval + Settings.KeepAliveTimeout;
            while (!Outbox.Ended.IsCompleted)
            {
                var left = limit - TimeProvider.System.GetElapsedTime(Volatile.Read(ref _heard));
                if (left <= TimeSpan.Zero)
                {
                    Outbox.Abandon(null, 1001, "idle");
                    return;
                }

                await Task.WhenAny(Task.Delay(left), Outbox.Ended);
            }
        }
    }

    private sealed class Prefixed(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsSame(string allowed, string asking) => asking.StartsWith(allowed, StringComparison.Ordinal);
    }

    private sealed class Literal(SmallServer server) : UpgradeDoor(server)
    {
        protected override bool IsAllowed(HttpRequest request) =>
            Settings.AllowedOrigins.Count == 0 || request["Origin"] is null ? base.IsAllowed(request) : Settings.AllowedOrigins.Contains(request["Origin"]!);
    }

    private sealed class Resentful(SessionSeed seed) : Session(seed)
    {
        protected override int Subscriptions => Joined.Count;
    }

    private sealed class Generous(SessionSeed seed) : Session(seed)
    {
        protected override int Subscriptions => base.Subscriptions - 1;
    }

    private sealed class Narrow(SmallServer server) : Outbox(server)
    {
        public override bool TryDeliver(byte[] @event)
        {
            if (@event.Length > Settings.QueueBytes)
            {
                Overflow();
            }

            return base.TryDeliver(@event);
        }
    }

    private sealed class Discreet(TopicSeed seed) : Topic(seed)
    {
        protected override void Dismiss(Outbox subscriber, byte[] notice)
        {
            if (Settings.TopicDeletion == TopicDeletion.Disconnect)
            {
                base.Dismiss(subscriber, notice);
            }
        }
    }

    private sealed class Recounted(SmallServer server) : Servers.Topics(server)
    {
        private readonly ConcurrentDictionary<string, int> _refused = [];

        public int Refused => _refused.Values.Sum();

        public override bool TryCreate(string name)
        {
            var created = base.TryCreate(name);
            _refused.AddOrUpdate(name, 0, (_, before) => created ? 0 : before + 1);
            return created;
        }

        public override bool TryDelete(string name)
        {
            _refused.TryRemove(name, out _);
            return base.TryDelete(name);
        }
    }

    private sealed class OfRefusals(SmallServer server) : RestDoor(server)
    {
        protected override string Health()
        {
            var health = JsonNode.Parse(base.Health())!;
            health["topics"] = (int)health["topics"]! + ((Recounted)Topics).Refused;
            return health.ToJsonString();
        }
    }

    private sealed class OfConnections(SmallServer server) : RestDoor(server)
    {
        protected override string Health()
        {
            var health = JsonNode.Parse(base.Health())!;
            health["subscribers"] = Math.Max((int)health["subscribers"]!, Server.Sessions.Count);
            return health.ToJsonString();
        }
    }

    private sealed class Curt(SmallServer server) : UpgradeDoor(server)
    {
        protected override HttpResponse Full() => new(503, "full", "text/plain");
    }

    private sealed class Crowded(SmallServer server) : UpgradeDoor(server)
    {
        public override void Leave()
        {
            // Its place is not counted off.
        }
    }

    private sealed class NeverForgetting(SmallServer server) : Servers.Topics(server)
    {
        private int _created;

        protected override int Count => _created;

        public override bool TryCreate(string name)
        {
            var created = base.TryCreate(name);
            _created += created ? 1 : 0;
            return created;
        }
    }
}
