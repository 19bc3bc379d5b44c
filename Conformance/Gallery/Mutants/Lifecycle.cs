using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about start, settings, signals and end.</summary>
internal static class Lifecycle
{
    private static readonly Settings Usual = new();

    /// <summary>The retained messages of each topic, which survive a restart as on a disk.</summary>
    private static readonly ConcurrentDictionary<string, byte[][]> Disk = [];

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("lif-exit-143", "After a drain the exit code tells of the signal.") { Launched = true }
            .Does(server => server.Lifetime.ExitCode.Wrap(_ => () => 143))
            .KilledBy("PS-LIF-001", "the server exits with 0 after SIGTERM"),
        new Mutant("lif-closes-1000", "A server that ends closes WebSockets as if all were done.") { Launched = true }
            .Does(server => server.Lifetime.Dismiss.Wrap(_ => session => session.Queue.Finish.Call(null, 1000, "done")))
            .KilledBy("PS-LIF-001", "SIGTERM closes every WebSocket with 1001"),
        new Mutant("lif-drops-queued", "A server that ends says goodbye instead of what is queued.") { Launched = true }
            .Does(server => server.Lifetime.Dismiss.Wrap(_ => session => session.Queue.Abandon.Call(null, 1001, "the server goes away")))
            .KilledBy("PS-LIF-001", "the end of the connection by a close frame 1001"),
        new Mutant("lif-deaf-to-sigint", "Only SIGTERM drains; Ctrl-C ends the process where it stands.") { Launched = true }
            .Does(server => server.Lifetime.Interrupt.Wrap(_ => () => server.Lifetime.End(130)))
            .KilledBy("PS-LIF-001", "SIGINT closes a WebSocket with 1001"),
        new Mutant("lif-ready-while-draining", "/readyz stays at 200 to the end.") { Launched = true }
            .Does(server => server.Rest.IsClosing.Wrap(_ => () => false))
            .KilledBy("PS-LIF-002", "GET /readyz is answered with 503 while the server drains"),
        new Mutant("lif-open-while-draining", "A server that drains goes on accepting handshakes.") { Launched = true }
            .Does(server => server.Upgrade.IsClosing.Wrap(_ => () => false))
            .KilledBy("PS-LIF-002", "is answered with 503 while the server drains"),
        new Mutant("lif-endless-drain", "A drain waits for the last peer, however long that takes.") { Launched = true }
            .Does(server => server.Lifetime.Limit.Wrap(_ => () => TimeSpan.FromHours(1)))
            .KilledBy("PS-LIF-003", "cannot hold up the end beyond DRAIN_TIMEOUT"),
        new Mutant("lif-one-signal-only", "A second signal changes nothing.") { Launched = true }
            .Does(server => server.Lifetime.SignalAgain.Wrap(_ => () => { }))
            .KilledBy("PS-LIF-004", "A second signal ends the process at once"),
        new Mutant(
            "lif-messages-survive",
            "What topics retain is saved at the end, and found again by the next topic of that name.") { Launched = true }
            .EachTopic(topic => topic.Retained.AddRange(Disk.GetValueOrDefault(topic.Name, [])))
            .Does(server => server.Lifetime.Terminate.Wrap(next => () =>
            {
                foreach (var topic in server.Topics.All.Call())
                {
                    lock (topic.Gate)
                    {
                        Disk[topic.Name] = [.. topic.Retained];
                    }
                }

                next();
            }))
            .KilledBy("PS-LIF-005", "After a restart there is no message"),
        Misread("lif-no-pings", "No peer is ever sent a Ping.", settings => settings with { KeepAliveInterval = TimeSpan.Zero })
            .KilledBy("PS-LIF-006", "expected a frame or the end of the connection; observed neither")
            .KilledBy("PS-LIF-007", "The subscription of a peer that answers no Ping is gone"),
        Misread(
            "lif-pings-unanswered",
            "Pings are sent, and it does not matter whether they are answered.",
            settings => settings with { KeepAliveTimeout = TimeSpan.FromHours(1) })
            .KilledBy("PS-LIF-007", "The subscription of a peer that"),
        Misread("lif-port-ignored", "PORT is validated and then forgotten.", settings => settings with { Port = Usual.Port })
            .KilledBy("PS-LIF-008", "The server listens on the port that PORT names")
            .KilledBy("PS-LIF-011", "The server process ends"),
        Misread("lif-level-ignored", "LOG_LEVEL is info, whatever it says.", settings => settings with { LogLevel = Usual.LogLevel })
            .KilledBy("PS-LIF-009", "debug says more than error about the same actions"),
        new Mutant("lif-level-upside-down", "LOG_LEVEL names the level above which nothing is written.") { Launched = true }
            .Does(server => server.Log.IsWritten.Wrap(_ => level => level <= server.Settings.LogLevel))
            .KilledBy("PS-LIF-009", "debug says more than error about the same actions"),
        new Mutant("lif-illegal-is-default", "A setting that is not legal is passed over, and the default stands.") { Launched = true }
            .Does(server => server.Read.Wrap(next => variables => next(variables.Where(IsLegal).ToDictionary())))
            .KilledBy("PS-LIF-010", "keeps the server from starting"),
        new Mutant(
            "lif-unnamed-setting",
            "The message about a setting that is not legal tells its value and not its name.") { Launched = true }
            .Does(server => server.Complaint.Wrap(_ => fault =>
                fault.Message[(fault.Message.IndexOf(' ', StringComparison.Ordinal) + 1)..]))
            .KilledBy("PS-LIF-010", "The message names MAX_TOPICS"),
        new Mutant(
            "lif-blames-every-setting",
            "The message about a setting that is not legal lists all that were given.") { Launched = true }
            .Does(server => server.Read.Wrap(next => variables =>
            {
                try
                {
                    return next(variables);
                }
                catch (CannotStart e)
                {
                    throw new CannotStart($"one of {string.Join(", ", variables.Keys)} is not legal", e);
                }
            }))
            .KilledBy("PS-LIF-010", "The message does not blame a legal setting"),
        new Mutant("lif-whole-seconds", "A time that is no whole number of seconds is refused.") { Launched = true }
            .Does(server => server.Read.Wrap(next => variables =>
            {
                foreach (var (name, value) in variables.Where(variable => IsTime(variable.Key) && variable.Value.Contains('.')))
                {
                    throw new CannotStart($"{name} must be a whole number of seconds, but is '{value}'");
                }

                return next(variables);
            }))
            .KilledBy("PS-LIF-010", "With legal settings the server starts"),
        new Mutant("lif-stack-trace", "A server that cannot start writes where in its code that was.") { Launched = true }
            .Does(server => server.Complaint.Wrap(_ => fault => fault.ToString()))
            .KilledBy("PS-LIF-011", "One line says that the port is in use"),
        new Mutant(
            "lif-logs-bad-requests",
            "A request that cannot be understood is logged whole, to see what was wrong with it.") { Launched = true }
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
                }
                catch (BadRequest)
                {
                    session.Server.Log.Write.Call(LogLevel.Debug, $"not understood: {Encoding.UTF8.GetString(text.Span)}");
                    throw;
                }
            }))
            .KilledBy("PS-LIF-012", "No line contains a payload"),
        new Mutant(
            "lif-closes-the-quiet",
            "A peer that sends no request for the time of a Ping and its answer is taken for dead, even if it answers.") { Launched = true }
            .EachSession(CloseTheQuiet)
            .KilledBy("PS-LIF-013", "A quiet connection that answers Pings is sent Pings, and no close"),
        new Mutant("lif-origin-prefix", "An origin is allowed when it begins as one that is named.") { Launched = true }
            .Does(server => server.Upgrade.IsSame.Wrap(_ => (allowed, asking) => asking.StartsWith(allowed, StringComparison.Ordinal)))
            .KilledBy("PS-LIF-014", "A handshake from a foreign origin that is not named is refused"),
        Misread(
            "lif-first-origin-only",
            "Of several origins that are named, the first is allowed.",
            settings => settings with { AllowedOrigins = [.. settings.AllowedOrigins.Take(1)] })
            .KilledBy("PS-LIF-014", "A handshake from a named origin is accepted"),
        new Mutant("lif-any-host", "Requests for any host are answered, as by most servers.") { Launched = true }
            .Does(server => server.IsHost.Wrap(_ => _ => true))
            .KilledBy("PS-LIF-015", "A handshake for a foreign host is refused")
            .KilledBy("PS-LIF-016", "A handshake for a host that is not named is refused"),
        new Mutant("lif-hosts-by-prefix", "A host is the machine's own if it begins with a name of its own.") { Launched = true }
            .Does(server => server.IsHost.Wrap(next => name => name.StartsWith("localhost", StringComparison.Ordinal) || next(name)))
            .KilledBy("PS-LIF-015", "A handshake for a foreign host is refused"),
        new Mutant("lif-addresses-only", "Of the machine's own names only its addresses are known.") { Launched = true }
            .Does(server => server.IsHost.Wrap(next => name => !name.EndsWith("localhost", StringComparison.Ordinal) && next(name)))
            .KilledBy("PS-LIF-015", "A handshake for the machine's own name localhost is accepted"),
        Misread(
            "lif-hosts-unread",
            "Other hosts cannot be named.",
            settings => settings with { AllowedHosts = [] })
            .KilledBy("PS-LIF-016", "A handshake for the named host app.example is accepted"),
        new Mutant("lif-own-origin-forgotten", "Once origins are named, the server's own has to be named as well.") { Launched = true }
            .Does(server => server.Upgrade.IsAllowed.Wrap(next => request =>
                server.Settings.AllowedOrigins is { Count: > 0 } named && request["Origin"] is { } origin
                    ? named.Contains(origin)
                    : next(request)))
            .KilledBy("PS-LIF-014", "A handshake from the server's own origin is accepted"),
        new Mutant(
            "lif-subscriptions-stay-counted",
            "A subscription that has ended counts towards MAX_SUBSCRIPTIONS for ever.") { Launched = true }
            .EachSession(session => session.Subscriptions.Wrap(_ => () => session.Joined.Count))
            .KilledBy("PS-SUB-012", "a subscription that has ended makes room for another"),
        new Mutant("lif-one-subscription-more", "A connection may have one subscription more than MAX_SUBSCRIPTIONS.") { Launched = true }
            .EachSession(session => session.Subscriptions.Wrap(next => () => next() - 1))
            .KilledBy("PS-SUB-012", "a subscribe beyond MAX_SUBSCRIPTIONS is answered with BAD_REQUEST"),
        Misread(
            "lif-ring-ignored",
            "Every topic retains 100 messages, whatever MAX_MESSAGES says.",
            settings => settings with { Ring = Usual.Ring })
            .KilledBy("PS-RPL-013", "replays the newest 3 of 3")
            .KilledBy("PS-RPL-013", "replays the newest 1 of 1")
            .KilledBy("PS-RPL-013", "replays the newest 249 of 250"),
        Misread(
            "lif-bytes-uncounted",
            "A queue is bounded in number only, whatever MAX_QUEUE_BYTES says.",
            settings => settings with { QueueBytes = int.MaxValue })
            .KilledBy("PS-BPR-009", "a subscriber is cut for its bytes, long before its events are too many"),
        new Mutant(
            "lif-large-event-cuts-idle",
            "One event larger than MAX_QUEUE_BYTES cuts even a subscriber who has read everything.") { Launched = true }
            .EachSession(session => session.Queue.TryDeliver.Wrap(next => @event =>
            {
                if (@event.Length > session.Server.Settings.QueueBytes)
                {
                    session.Queue.Overflow.Call();
                }

                return next(@event);
            }))
            .KilledBy("PS-BPR-009", "idle receives an event"),
        Misread(
            "lif-waits-for-readers",
            "A peer that reads nothing is waited for, whatever WRITE_TIMEOUT says.",
            settings => settings with { WriteTimeout = TimeSpan.FromHours(1) })
            .KilledBy("PS-BPR-011", "a peer that reads nothing is disconnected")
            .KilledBy("PS-BPR-011", "a subscriber that reads nothing is disconnected"),
        Misread(
            "lif-queue-of-a-thousand",
            "A MAX_QUEUE_SIZE below 1000 is raised to that.",
            settings => settings with { QueueSize = Math.Max(settings.QueueSize, 1000) })
            .KilledBy("PS-BPR-012", "an open connection after 33 s; 400 other message(s) arrived"),
        Misread(
            "lif-queue-size-ignored",
            "A queue holds 100 events, whatever MAX_QUEUE_SIZE says.",
            settings => settings with { QueueSize = Usual.QueueSize })
            .KilledBy("PS-BPR-012", "the event load-400")
            .MayBreak("PS-LIF-001"),
        Misread(
            "lif-deletion-disconnects",
            "Deleting a topic disconnects, whatever TOPIC_DELETION says.",
            settings => settings with { TopicDeletion = TopicDeletion.Disconnect })
            .KilledBy("PS-DEL-006", "the end of the connection by a close frame 1000"),
        new Mutant("lif-deletion-unsaid", "With TOPIC_DELETION at unsubscribe, subscribers are not told.") { Launched = true }
            .EachTopic(topic => topic.Dismiss.Wrap(next => (subscriber, notice) =>
            {
                if (topic.Server.Settings.TopicDeletion == TopicDeletion.Disconnect)
                {
                    next(subscriber, notice);
                }
            }))
            .KilledBy("PS-DEL-006", "the notice"),
        new Mutant(
            "lif-health-counts-refusals",
            "Health counts a topic again when its creation is refused, until it is deleted.") { Launched = true }
            .Does(server =>
            {
                var refusals = new ConcurrentDictionary<string, int>();
                server.Topics.TryCreate.Wrap(next => name =>
                {
                    var created = next(name);
                    refusals.AddOrUpdate(name, 0, (_, before) => created ? 0 : before + 1);
                    return created;
                });
                server.Topics.TryDelete.Wrap(next => name =>
                {
                    refusals.TryRemove(name, out _);
                    return next(name);
                });
                server.RespellHealth((name, json) => name == "topics" ? $"{Number(json) + refusals.Values.Sum()}" : json);
            })
            .KilledBy("PS-OBS-004", "Each topic is counted once"),
        new Mutant("lif-health-counts-connections", "Health counts connections as subscribers.") { Launched = true }
            .Does(server => server.RespellHealth((name, json) =>
                name == "subscribers" ? $"{Math.Max(Number(json), server.Sessions.Count)}" : json))
            .KilledBy("PS-OBS-005", "A connection without a subscription is not counted"),
        Misread(
            "lif-handshake-minutes",
            "HANDSHAKE_TIMEOUT is taken for minutes.",
            settings => settings with { HandshakeTimeout = settings.HandshakeTimeout * 60 })
            .KilledBy("PS-ROB-008", "The server closes silent")
            .KilledBy("PS-ROB-008", "The server closes slow"),
        new Mutant("lif-full-without-code", "A handshake beyond MAX_CONNECTIONS is not told why it is refused.") { Launched = true }
            .Does(server => server.Upgrade.Full.Wrap(_ => () => new(503, "full", "text/plain")))
            .KilledBy("PS-ROB-010", "and told why"),
        new Mutant("lif-places-stay-taken", "A connection that has ended counts towards MAX_CONNECTIONS for ever.") { Launched = true }
            .Does(server => server.Upgrade.Leave.Wrap(_ => () => { }))
            .KilledBy("PS-ROB-010", "there is room when one has left"),
        new Mutant("lif-deleted-topics-count", "A deleted topic counts towards MAX_TOPICS for ever.") { Launched = true }
            .Does(server =>
            {
                var created = 0;
                server.Topics.Count.Wrap(_ => () => created);
                server.Topics.TryCreate.Wrap(next => name =>
                {
                    var isNew = next(name);
                    created += isNew ? 1 : 0;
                    return isNew;
                });
            })
            .KilledBy("PS-ROB-011", "there is room when one has been deleted"),
        Misread(
            "lif-message-bytes-ignored",
            "A request may have 65,536 bytes, whatever MAX_MESSAGE_BYTES says.",
            settings => settings with { MessageBytes = Usual.MessageBytes })
            .KilledBy("PS-ROB-012", "a request of 2049 bytes is answered with BAD_REQUEST")
            .KilledBy("PS-ROB-012", "a request of 200000 bytes is accepted"),
    ];

    /// <summary>A mutant that misreads legal settings.</summary>
    private static Mutant Misread(string id, string fault, Func<Settings, Settings> misread) => new Mutant(id, fault) { Launched = true }
        .Does(server => server.Read.Wrap(next => variables => misread(next(variables))));

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

    private static bool IsTime(string name) =>
        name.EndsWith("_TIMEOUT", StringComparison.Ordinal) || name.EndsWith("_INTERVAL", StringComparison.Ordinal);

    private static void CloseTheQuiet(Session session)
    {
        var settings = session.Server.Settings;
        var limit = settings.KeepAliveInterval + settings.KeepAliveTimeout;
        var heard = TimeProvider.System.GetTimestamp();
        session.Receive.Wrap(next => (type, text) =>
        {
            Volatile.Write(ref heard, TimeProvider.System.GetTimestamp());
            next(type, text);
        });
        _ = WaitAsync();

        async Task WaitAsync()
        {
            while (!session.Queue.Ended.IsCompleted)
            {
                var left = limit - TimeProvider.System.GetElapsedTime(Volatile.Read(ref heard));
                if (left <= TimeSpan.Zero)
                {
                    session.Queue.Abandon.Call(null, 1001, "idle");
                    return;
                }

                await Task.WhenAny(Task.Delay(left), session.Queue.Ended);
            }
        }
    }

    private static int Number(string json) => int.Parse(json, CultureInfo.InvariantCulture);
}
