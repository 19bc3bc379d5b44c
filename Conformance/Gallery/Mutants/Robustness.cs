using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about clients that behave badly.</summary>
internal static partial class Robustness
{
    private const string NoHttp2 = "PRI * HTTP/2.0";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("rob-restart-on-opcode", "A reserved opcode kills the process, which is started again at once.")
        {
            Change = parts => Mortal(parts, (connection, die) => new DiesOfAnOpcode(connection, die)),
            Kills = [new("PS-ROB-001", "the others are undisturbed")],
            Also = ["PS-WS-013"],
            Alone = true,
        },
        new("rob-restart-on-broken-json", "A request that breaks off deep inside kills the process, which is started again at once.")
        {
            Change = parts => parts with { Session = seed => new DiesOfBrokenJson(seed) },
            Kills = [new("PS-ROB-001", "the others are undisturbed")],
            Also = ["PS-ROB-002"],
            Alone = true,
        },
        new("rob-restart-on-http-2", "The preface of HTTP/2 kills the process, which is started again at once.")
        {
            Change = parts => Mortal(parts, (socket, die) => new DiesOfHttp2(socket, die)),
            Kills = [new("PS-ROB-001", "the others are undisturbed")],
            Alone = true,
        },
        new("rob-restart-on-a-large-message", "A message that is too large kills the process, which is started again at once.")
        {
            Change = parts => parts with { Session = seed => new DiesOfALargeMessage(seed) },
            Kills = [new("PS-ROB-001", "the others are undisturbed")],
            Also = ["PS-ROB-004"],
            Alone = true,
            UnderLoad = true,
        },
        new("rob-restart-on-half-a-message", "A connection that breaks within a message kills the process, which is started again at once.")
        {
            Change = parts => Mortal(parts, (connection, die) => new DiesOfHalfAMessage(connection, die)),
            Kills = [new("PS-ROB-005", "the others are undisturbed")],
            Also = ["PS-ROB-001"],
            Alone = true,
        },
        new("rob-restart-on-half-a-handshake", "A connection that is reset before it has asked for anything kills the process, which is started again at once.")
        {
            Change = parts => Mortal(parts, (socket, die) => new DiesOfHalfAHandshake(socket, die)),
            Kills = [new("PS-ROB-005", "the others are undisturbed")],
            Alone = true,
        },
        new("rob-dies-of-http-2", "The preface of HTTP/2 kills the process.")
        {
            Change = parts => Mortal(parts, (socket, die) => new DiesOfHttp2(socket, die), forGood: true),
            Kills = [new("PS-ROB-001", "it accepts no connections any more")],
            Dies = true,
        },
        new("rob-publisher-pays", "An event that cannot be delivered, because the subscriber's connection was reset, ends the publisher's.")
        {
            Change = parts => parts with
            {
                Connection = socket => new Ending(socket),
                Session = seed => new BreaksItsTopics(seed),
                Topic = seed => new PublisherPays(seed),
            },
            Kills = [new("PS-ROB-005", "the others are undisturbed: a publish is acked")],
        },
        new("rob-deep-hangs-up", "A request that is nested too deep ends the connection.")
        {
            Change = parts => parts with { Session = seed => new HangsUpOnDepth(seed) },
            Kills = [new("PS-ROB-002", "the end of the connection")],
        },
        new("rob-deep-is-internal", "A request that is nested too deep is an internal error.")
        {
            Change = parts => parts with { Session = seed => new InternalDepth(seed) },
            Kills = [new("PS-ROB-002", "a payload nested 10,000 levels deep is refused"), new("PS-ROB-002", "10,000 opening brackets are refused")],
        },
        new("rob-deep-where-nobody-looks", "What nobody asked for may be nested as deep as it likes.")
        {
            Change = parts => parts with { Session = seed => new DeepExtras(seed) },
            Kills = [new("PS-ROB-002", "a request nested 10,000 levels deep is refused wherever it is deep")],
        },
        new("rob-sixty-four-in-all", "The whole request, rather than its payload, may be nested 64 levels deep.")
        {
            Change = parts => parts with { Session = seed => new SixtyFourInAll(seed) },
            Kills = [new("PS-ROB-003", "a payload nested 64 levels deep is accepted")],
        },
        new("rob-too-large-untold", "A message that is too large ends the connection without an error before.")
        {
            Change = parts => parts with { Session = seed => new UntoldLargeness(seed) },
            Kills = [new("PS-ROB-004", "the end of the connection by a close frame 1009")],
            UnderLoad = true,
        },
        new("rob-too-large-1008", "A message that is too large ends in a Close with 1008.")
        {
            Change = parts => parts with { Session = seed => new PolicyLargeness(seed) },
            Kills = [new("PS-ROB-004", "ends in a Close with 1009"), new("PS-ROB-004", "a message of 10 MB in one frame ends in a Close")],
            UnderLoad = true,
        },
        new("rob-too-large-binary-1003", "A binary message that is too large ends in a Close with 1003.")
        {
            Change = parts => parts with { Session = seed => new BinaryLargeness(seed) },
            Kills = [new("PS-ROB-004", "a binary message of one byte more than the limit ends in a Close with 1009")],
        },
        new("rob-one-byte-more", "The limit of a message is one byte more than it should be.")
        {
            Change = parts => parts with { Session = seed => new OneByteMore(seed) },
            Kills = [new("PS-ROB-004", "a message of one byte more than the limit is answered with BAD_REQUEST")],
        },
        new("rob-fragments-without-bound", "The limit is one of frames: their sum may be as large as it likes.")
        {
            Change = parts => parts with { Wire = connection => new FragmentsWithoutBound(connection) },
            Kills = [new("PS-ROB-004", "the answer to a message of endless fragments")],
        },
        new("rob-claim-overflows", "What a fragment claims to be long is added to what there is, which may come to less than nothing.")
        {
            Change = parts => parts with { Wire = connection => new OverflowingClaim(connection) },
            Kills = [new("PS-ROB-004", "the answer to a fragment that claims 2^63-1 bytes")],
        },
        new("rob-surrogate-in-client-id", "An unpaired surrogate in a client_id is let pass.")
        {
            Change = parts => parts with { Session = seed => new SurrogateInClientId(seed) },
            Kills = [new("PS-ROB-006", "as client_id is refused")],
        },
        new("rob-surrogate-hangs-up", "An unpaired surrogate in a request_id ends the connection.")
        {
            Change = parts => parts with { Session = seed => new HangsUpOnSurrogate(seed) },
            Kills = [new("PS-ROB-006", "the end of the connection")],
        },
        new("rob-ghost-of-half-a-connection", "Who ends one side of the connection without a Close stays subscribed.")
        {
            Change = parts => parts with { Connection = socket => new Ending(socket), Session = seed => new StaysAfterEnd(seed) },
            Kills = [new("PS-ROB-007", "its subscription is no longer counted")],

            // When a write meets the reset first, the read after it sees no more than an end.
            Also = ["PS-OBS-011"],
        },
        new("rob-waits-for-the-rest", "Who ends one side of the connection within a frame is waited for.")
        {
            Change = parts => parts with { Wire = connection => new WaitsForTheRest(connection) },
            Kills = [new("PS-ROB-007", "The server closes subscriber")],
        },
        new("rob-fifty-at-the-door", "No more than 50 connections at a time can be about to send their first request.")
        {
            Change = parts => Gated(parts),
            Kills = [new("PS-ROB-009", "The server answers the WebSocket handshake")],
            UnderLoad = true,
        },
        new("rob-thirty-two-readers", "Half a frame keeps one of 32 readers waiting for the rest.")
        {
            Change = parts => Staffed(parts),
            Kills = [new("PS-ROB-009", "the others are undisturbed: a publish is acked")],
            Also = ["PS-ROB-001"],
            UnderLoad = true,
        },
    ];

    // Death and resurrection -----------------------------------------------------------------------------------------

    private static Parts Mortal(Parts parts, Func<Connection, Action, Stream> wire)
    {
        SmallServer? mortal = null;
        return parts with { Topics = server => new Servers.Topics(mortal = server), Wire = connection => wire(connection, () => mortal!.Restart()) };
    }

    private static Parts Mortal(Parts parts, Func<Socket, Action, Connection> connection, bool forGood = false)
    {
        SmallServer? mortal = null;
        return parts with
        {
            Topics = server => new Servers.Topics(mortal = server),
            Connection = socket => connection(socket, () => Die(mortal!, forGood)),
        };
    }

    private static void Die(SmallServer server, bool forGood)
    {
        if (forGood)
        {
            server.Crash();
        }
        else
        {
            server.Restart();
        }
    }

    private sealed class DiesOfAnOpcode(Stream wire, Action die) : FrameFilter(wire)
    {
        protected override IEnumerable<Frame> FromClient(Frame frame)
        {
            if (!Enum.IsDefined(frame.Opcode))
            {
                die();
            }

            return [frame];
        }
    }

    private sealed class DiesOfHalfAMessage(Stream wire, Action die) : FrameFilter(wire)
    {
        private bool _isWithin;

        protected override IEnumerable<Frame> FromClient(Frame frame)
        {
            _isWithin = frame.Opcode is Opcode.Text or Opcode.Binary or Opcode.Continuation ? !frame.Final : _isWithin;
            return [frame];
        }

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            try
            {
                return await base.ReceiveAsync(buffer, cancellation);
            }
            catch (IOException) when (IsWithinFrame || _isWithin)
            {
                die();
                throw;
            }
        }
    }

    private sealed class DiesOfHttp2(Socket socket, Action die) : Connection(socket)
    {
        public override async Task<string?> ReadLineAsync(int longest, CancellationToken cancellation)
        {
            var line = await base.ReadLineAsync(longest, cancellation);
            if (line == NoHttp2)
            {
                die();
            }

            return line;
        }
    }

    private sealed class DiesOfHalfAHandshake(Socket socket, Action die) : Connection(socket)
    {
        public override async Task<string?> ReadLineAsync(int longest, CancellationToken cancellation)
        {
            try
            {
                return await base.ReadLineAsync(longest, cancellation);
            }
            catch (IOException)
            {
                die();
                throw;
            }
        }
    }

    private sealed class DiesOfBrokenJson(SessionSeed seed) : Session(seed)
    {
        private const int Deep = 5;

        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            if (text.Span.Count((byte)'{') + text.Span.Count((byte)'[') - text.Span.Count((byte)'}') - text.Span.Count((byte)']') >= Deep)
            {
                Server.Restart();
            }

            return base.Read(text);
        }
    }

    private sealed class DiesOfALargeMessage(SessionSeed seed) : Session(seed)
    {
        protected override void RefuseTooLarge(WebSocketMessageType type)
        {
            Server.Restart();
            Outbox.Abandon(null, 1006, "");
        }
    }

    // How connections end --------------------------------------------------------------------------------------------

    /// <summary>Knows whether the peer ended it, or reset it.</summary>
    private sealed class Ending(Socket socket) : Connection(socket)
    {
        public bool WasEnded { get; private set; }
        public bool WasReset { get; private set; }

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            try
            {
                var count = await base.ReceiveAsync(buffer, cancellation);
                WasEnded |= count == 0 && buffer.Length > 0;
                return count;
            }
            catch (IOException)
            {
                WasReset = true;
                throw;
            }
        }
    }

    private sealed class BreaksItsTopics(SessionSeed seed) : Session(seed)
    {
        protected override void LeaveAll()
        {
            base.LeaveAll();
            if (Connection is Ending { WasReset: true })
            {
                foreach (var topic in Joined.Keys.OfType<PublisherPays>())
                {
                    topic.Break();
                }
            }
        }
    }

    private sealed class StaysAfterEnd(SessionSeed seed) : Session(seed)
    {
        protected override void LeaveAll()
        {
            if (Connection is Ending { WasEnded: false })
            {
                base.LeaveAll();
            }
        }
    }

    private sealed class PublisherPays(TopicSeed seed) : Topic(seed)
    {
        private int _isBroken;

        public void Break() => Interlocked.Exchange(ref _isBroken, 1);

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            if (Interlocked.Exchange(ref _isBroken, 0) == 1)
            {
                throw new IOException("Broken pipe.");
            }

            base.Deliver(@event, publisher);
        }
    }

    private sealed class WaitsForTheRest(Stream wire) : FrameFilter(wire)
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            int count;
            while ((count = await base.ReceiveAsync(buffer, cancellation)) == 0 && IsWithinFrame)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellation);
            }

            return count;
        }
    }

    // Requests -------------------------------------------------------------------------------------------------------

    private static bool IsDeep(ReadOnlyMemory<byte> text)
    {
        const int deep = 1000;
        var depth = 0;
        foreach (var letter in text.Span)
        {
            depth += letter is (byte)'[' or (byte)'{' ? 1 : letter is (byte)']' or (byte)'}' ? -1 : 0;
            if (depth > deep)
            {
                return true;
            }
        }

        return false;
    }

    private sealed class HangsUpOnDepth(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (IsDeep(text))
            {
                Outbox.Abandon(null, 1011, "");
                return;
            }

            base.Answer(type, text);
        }
    }

    private sealed class InternalDepth(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (IsDeep(text))
            {
                Outbox.Reply(Messages.Error("INTERNAL", "stack overflow"));
                return;
            }

            base.Answer(type, text);
        }
    }

    private sealed partial class DeepExtras(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text) =>
            base.Read(IsDeep(text) ? Encoding.UTF8.GetBytes(Extra().Replace(Encoding.UTF8.GetString(text.Span), "\"extra\":0")) : text);

        [GeneratedRegex("\"extra\":\\[+0\\]+")]
        private static partial Regex Extra();
    }

    private sealed class SixtyFourInAll(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            try
            {
                JsonDocument.Parse(text).Dispose();
                return request;
            }
            catch (JsonException)
            {
                throw new BadRequest("the request must be nested at most 64 levels deep", request.RawRequestId);
            }
        }
    }

    private sealed partial class SurrogateInClientId(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text) =>
            base.Read(Encoding.UTF8.GetBytes(Lonely().Replace(Encoding.UTF8.GetString(text.Span), "\"client_id\":\"?\"")));

        [GeneratedRegex(@"""client_id"":""\\u[dD][89a-fA-F][0-9a-fA-F]{2}""")]
        private static partial Regex Lonely();
    }

    private sealed partial class HangsUpOnSurrogate(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad)
        {
            if (bad.Message == "request_id must not contain an unpaired surrogate")
            {
                Outbox.Abandon(null, 1007, "");
                return;
            }

            base.Refuse(bad);
        }
    }

    // Too large ------------------------------------------------------------------------------------------------------

    private sealed class OneByteMore(SessionSeed seed) : Session(seed)
    {
        protected override int LargestMessage => base.LargestMessage + 1;
    }

    private sealed class UntoldLargeness(SessionSeed seed) : Session(seed)
    {
        protected override void RefuseTooLarge(WebSocketMessageType type) => Outbox.Abandon(null, 1009, "too large");
    }

    private sealed class PolicyLargeness(SessionSeed seed) : Session(seed)
    {
        protected override void RefuseTooLarge(WebSocketMessageType type) => Outbox.Finish(Messages.Error("BAD_REQUEST", "too large"), 1008, "too large");
    }

    private sealed class BinaryLargeness(SessionSeed seed) : Session(seed)
    {
        protected override void RefuseTooLarge(WebSocketMessageType type) =>
            Outbox.Finish(Messages.Error("BAD_REQUEST", "too large"), type == WebSocketMessageType.Binary ? 1003 : 1009, "too large");
    }

    private sealed class FragmentsWithoutBound(Stream wire) : FrameFilter(wire)
    {
        private const int Bound = 60_000;
        private int _length;

        protected override IEnumerable<Frame> FromClient(Frame frame)
        {
            _length = frame.Opcode == Opcode.Continuation ? _length + frame.Payload.Length : 0;
            return _length > Bound && !frame.Final ? [] : [frame];
        }
    }

    /// <summary>A header arrives in one piece here, since it is sent in one piece.</summary>
    private sealed class OverflowingClaim(Stream wire) : FrameFilter(wire)
    {
        private static readonly byte[] Claim = [0x00, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]; // a continuation of 2^63-1 masked bytes

        private bool _collects;

        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var count = await base.ReceiveAsync(buffer, cancellation);
            var before = buffer.Span[..count].IndexOf(Claim);
            if (before > 0)
            {
                _collects = true;
                return before;
            }

            _collects |= before == 0;
            while (_collects && count > 0)
            {
                count = await base.ReceiveAsync(buffer, cancellation);
            }

            return count;
        }
    }

    // Few who work ---------------------------------------------------------------------------------------------------

    private static Parts Gated(Parts parts)
    {
        var gate = new SemaphoreSlim(50);
        return parts with { Connection = socket => new AtTheDoor(socket, gate) };
    }

    private static Parts Staffed(Parts parts)
    {
        var readers = new SemaphoreSlim(32);
        return parts with { Wire = connection => new ReadByFew(connection, readers) };
    }

    private sealed class AtTheDoor(Socket socket, SemaphoreSlim gate) : Connection(socket)
    {
        private Place _place;

        private enum Place
        {
            Outside,
            AtTheDoor,
            Inside,
        }

        public override async Task<string?> ReadLineAsync(int longest, CancellationToken cancellation)
        {
            if (_place == Place.Outside)
            {
                await gate.WaitAsync(cancellation);
                _place = Place.AtTheDoor;
            }

            string? line = null;
            try
            {
                return line = await base.ReadLineAsync(longest, cancellation);
            }
            finally
            {
                if (string.IsNullOrEmpty(line) && _place == Place.AtTheDoor)
                {
                    _place = Place.Inside;
                    gate.Release();
                }
            }
        }
    }

    private sealed class ReadByFew(Stream wire, SemaphoreSlim readers) : FrameFilter(wire)
    {
        protected override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var isWaiting = IsWithinFrame;
            var count = isWaiting ? 0 : await base.ReceiveAsync(buffer, cancellation);
            await readers.WaitAsync(cancellation);
            try
            {
                return isWaiting ? await base.ReceiveAsync(buffer, cancellation) : count;
            }
            finally
            {
                readers.Release();
            }
        }
    }
}
