using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about ping and pong.</summary>
internal static class Ping
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("ping-rate-limited", "The twentieth ping on a connection, and every one that follows, is an error.")
        {
            Change = parts => parts with { Session = seed => new RateLimited(seed) },
            Kills = [new("PS-PING-001", "the answer to a ping is a reply and no error")],
            Also = ["PS-ENV-009"],
        },
        new("ping-answered-twice", "Every tenth ping on a connection is answered twice.")
        {
            Change = parts => parts with { Session = seed => new AnsweredTwice(seed) },
            Kills = [new("PS-PING-001", "a ping is answered by exactly one reply")],
            Also = ["PS-ENV-006", "PS-ENV-007", "PS-ENV-009", "PS-ENV-011"],
        },
        new("ping-needs-subscription", "A connection that never subscribed to anything may not ping.")
        {
            Change = parts => parts with { Session = seed => new NeedsSubscription(seed) },
            Kills = [new("PS-PING-001", "a ping is answered on a connection that has done nothing else"), new("PS-PING-002", "the reply to a ping is a pong")],
            Also = ["PS-ENV-009", "PS-ERR-010", "PS-ROB-002", "PS-WS-015"],
        },
        new("ping-acked", "A ping is answered by an ack.")
        {
            Change = parts => parts with { Messages = server => new Acked(server) },
            Kills = [new("PS-PING-002", "the reply to a ping is a pong")],
            Also = ["PS-ERR-002", "PS-WS-015"],
        },
        new("ping-undated", "A pong has no timestamp.")
        {
            Change = parts => parts with { Messages = server => new Undated(server) },
            Kills = [new("PS-PING-002", "a pong has a timestamp")],
            Also = ["PS-ENV-003"],
        },
        new("ping-id-invented", "A pong has a request_id even where the ping had none.")
        {
            Change = parts => parts with { Messages = server => new IdInvented(server) },
            Kills = [new("PS-PING-003", "a pong that answers a ping without request_id has none")],
            Also = ["PS-ENV-005"],
        },
        new("ping-overtakes", "Events are collected for a moment and written together, and a pong goes ahead of everything that waits.")
        {
            Change = parts => parts with { Outbox = server => new Collecting(server), Session = seed => new Overtakes(seed) },
            Kills = [new("PS-PING-004", "a pong comes after the events of messages already acked")],
            Also = ["PS-ENV-011"],
        },
    ];

    private sealed class RateLimited(SessionSeed seed) : Session(seed)
    {
        private int _pings;

        protected override bool Ping(ClientRequest request)
        {
            if (++_pings < 20)
            {
                return base.Ping(request);
            }

            Outbox.Reply(Messages.Error("BAD_REQUEST", "there must be no more than 19 pings", request.RawRequestId));
            return true;
        }
    }

    private sealed class AnsweredTwice(SessionSeed seed) : Session(seed)
    {
        private int _pings;

        protected override bool Ping(ClientRequest request)
        {
            if (++_pings % 10 == 0)
            {
                base.Ping(request);
            }

            return base.Ping(request);
        }
    }

    private sealed class NeedsSubscription(SessionSeed seed) : Session(seed)
    {
        protected override bool Ping(ClientRequest request)
        {
            if (!Joined.IsEmpty)
            {
                return base.Ping(request);
            }

            Outbox.Reply(Messages.Error("BAD_REQUEST", "a ping must come behind a subscribe", request.RawRequestId));
            return true;
        }
    }

    private sealed class Acked(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Pong(ClientRequest request) => Text($$"""{"type":"ack"{{Id(request.RawRequestId)}},"status":"ok"{{Time}}}""");
    }

    private sealed class Undated(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Pong(ClientRequest request) => Text($$"""{"type":"pong"{{Id(request.RawRequestId)}}}""");
    }

    private sealed class IdInvented(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Pong(ClientRequest request) =>
            base.Pong(request with { RawRequestId = request.RawRequestId ?? $"\"{Guid.NewGuid()}\"" });
    }

    private sealed class Collecting(SmallServer server) : Outbox(server)
    {
        protected override Task CollectAsync() => Outstanding.Events > 0 ? Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System) : Task.CompletedTask;
    }

    private sealed class Overtakes(SessionSeed seed) : Session(seed)
    {
        protected override bool Ping(ClientRequest request)
        {
            Outbox.ReplyFirst(Messages.Pong(request));
            return true;
        }
    }
}
