using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Network;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about clients that behave badly.</summary>
internal static partial class Robustness
{
    private const int Deep = 1000;

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Crash and restart ------------------------------------------------------------------------------------------
        new Mutant("rob-restart-on-opcode", "A reserved opcode kills the process, which is started again at once.") { Alone = true }
            .Does(server => server.EachFilter(filter => filter.FromClient.Wrap(next => frame =>
            {
                if (!Enum.IsDefined(frame.Opcode))
                {
                    server.Restart();
                }

                return next(frame);
            })))
            .KilledBy("PS-ROB-001", "the others are undisturbed")
            .MayBreak("PS-WS-013"),
        new Mutant(
            "rob-restart-on-broken-json",
            "A request that breaks off deep inside kills the process, which is started again at once.") { Alone = true }
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                if (Count(text, '{') + Count(text, '[') - Count(text, '}') - Count(text, ']') >= 5)
                {
                    session.Server.Restart();
                }

                return next(text);
            }))
            .KilledBy("PS-ROB-001", "the others are undisturbed")

            // The server may read the broken requests only while the next scenario runs.
            .MayBreak("PS-ROB-002", "PS-ROB-003"),
        new Mutant("rob-restart-on-http-2", "The preface of HTTP/2 kills the process, which is started again at once.") { Alone = true }
            .Does(server => DieOfHttp2(server, server.Restart))
            .KilledBy("PS-ROB-001", "the others are undisturbed"),
        new Mutant(
            "rob-restart-on-a-large-message",
            "A message that is too large kills the process, which is started again at once.") { Alone = true, UnderLoad = true }
            .EachSession(session => session.RefuseTooLarge.Wrap(_ => _ =>
            {
                session.Server.Restart();
                session.Queue.Abandon.Call(null, 1006, "");
            }))
            .KilledBy("PS-ROB-001", "the others are undisturbed")
            .MayBreak("PS-ROB-004"),
        new Mutant(
            "rob-restart-on-half-a-message",
            "A connection that breaks within a message kills the process, which is started again at once.") { Alone = true }
            .Does(server => server.EachFilter(filter =>
            {
                var isWithinMessage = false;
                filter.FromClient.Wrap(next => frame =>
                {
                    isWithinMessage = frame.Opcode is Opcode.Text or Opcode.Binary or Opcode.Continuation ? !frame.Final : isWithinMessage;
                    return next(frame);
                });
                filter.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    try
                    {
                        return await next(buffer, cancellation);
                    }
                    catch (IOException) when (filter.IsWithinFrame || isWithinMessage)
                    {
                        server.Restart();
                        throw;
                    }
                });
            }))
            .KilledBy("PS-ROB-001", "the others are undisturbed"),
        new Mutant(
            "rob-restart-on-half-a-handshake",
            "A connection that is reset before it has asked for anything kills the process, which is started again at once.")
        {
            Alone = true,
        }
            .Does(server => server.EachConnection(connection => connection.ReadLineAsync.Wrap(next => async (longest, cancellation) =>
            {
                try
                {
                    return await next(longest, cancellation);
                }
                catch (IOException)
                {
                    server.Restart();
                    throw;
                }
            })))
            .KilledBy("PS-ROB-001", "the others are undisturbed"),
        new Mutant("rob-dies-of-http-2", "The preface of HTTP/2 kills the process.") { Dies = true }
            .Does(server => DieOfHttp2(server, server.Crash))
            .KilledBy("PS-ROB-001", "The server died of PS-ROB-001/no-http-at-all: it accepts no connections any more"),

        // How connections end ----------------------------------------------------------------------------------------
        new Mutant(
            "rob-publisher-pays",
            "An event that cannot be delivered, because the subscriber's connection was reset, ends the publisher's.")
            .Does(server =>
            {
                var broken = new ConcurrentDictionary<Topic, byte>();
                server.EachSession(session =>
                {
                    var wasReset = false;
                    session.Connection.Receive.Wrap(next => async (buffer, cancellation) =>
                    {
                        try
                        {
                            return await next(buffer, cancellation);
                        }
                        catch (IOException)
                        {
                            wasReset = true;
                            throw;
                        }
                    });
                    session.LeaveAll.Wrap(next => () =>
                    {
                        next();
                        foreach (var topic in wasReset ? session.Joined.Keys : [])
                        {
                            broken[topic] = 0;
                        }
                    });
                });
                server.EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    if (broken.TryRemove(topic, out _))
                    {
                        throw new IOException("Broken pipe.");
                    }

                    next(@event, publisher);
                }));
            })
            .KilledBy("PS-ROB-005", "the others are undisturbed: a publish is acked"),

        // Requests ---------------------------------------------------------------------------------------------------
        new Mutant("rob-deep-hangs-up", "A request that is nested too deep ends the connection.")
            .EachSession(session => OnDepth(session, () => session.Queue.Abandon.Call(null, 1011, "")))
            .KilledBy("PS-ROB-002", "a payload of arrays: a close frame 1011"),
        new Mutant("rob-deep-is-internal", "A request that is nested too deep is an internal error.")
            .EachSession(session => OnDepth(
                session, () => session.Queue.Reply.Call(session.Server.Messages.Error.Call("INTERNAL", "stack overflow", null))))
            .KilledBy("PS-ROB-002", "stack overflow")
            .KilledBy("PS-ROB-002", "brackets that are never closed: "),
        new Mutant("rob-deep-where-nobody-looks", "A member that is not defined may be nested to any depth.")
            .EachSession(session => session.Respell(text => IsDeep(text) ? DeepExtra().Replace(text, "\"extra\":0") : text))
            .KilledBy("PS-ROB-002", "an unknown member of a ping: "),
        new Mutant("rob-sixty-four-in-all", "The whole request, rather than its payload, may be nested 64 levels deep.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                var request = next(text);
                try
                {
                    JsonDocument.Parse(text).Dispose();
                    return request;
                }
                catch (JsonException)
                {
                    throw new BadRequest("the request must be nested at most 64 levels deep", request.RawRequestId);
                }
            }))
            .KilledBy("PS-ROB-003", "a payload nested 64 levels deep is accepted"),

        // Too large --------------------------------------------------------------------------------------------------
        new Mutant("rob-too-large-untold", "A message that is too large ends the connection without an error before.") { UnderLoad = true }
            .EachSession(session => session.RefuseTooLarge.Wrap(_ => _ => session.Queue.Abandon.Call(null, 1009, "too large")))
            .KilledBy("PS-ROB-004", "one byte more: no error"),
        new Mutant("rob-too-large-1008", "A message that is too large ends in a Close with 1008.") { UnderLoad = true }
            .EachSession(session => session.RefuseTooLarge.Wrap(_ => _ => FinishTooLarge(session, 1008)))
            .KilledBy("PS-ROB-004", "then a close frame 1008")
            .KilledBy("PS-ROB-004", "a message of 10 MB in one frame ends in a Close"),
        new Mutant("rob-too-large-binary-1003", "A binary message that is too large ends in a Close with 1003.")
            .EachSession(session => session.RefuseTooLarge.Wrap(_ => type =>
                FinishTooLarge(session, type == WebSocketMessageType.Binary ? 1003 : 1009)))
            .KilledBy("PS-ROB-004", "then a close frame 1003"),
        new Mutant("rob-one-byte-more", "The limit of a message is one byte more than it should be.") { Launched = true }
            .EachSession(session => session.LargestMessage.Wrap(next => () => next() + 1))
            .KilledBy("PS-ROB-012", "a request of 2049 bytes is answered with BAD_REQUEST"),
        new Mutant("rob-fragments-without-bound", "The limit is one of frames: their sum may be as large as it likes.")
            .EachFilter(filter =>
            {
                const int bound = 60_000;
                var length = 0;
                filter.FromClient.Wrap(next => frame =>
                {
                    length = frame.Opcode == Opcode.Continuation ? length + frame.Payload.Length : 0;
                    return length > bound && !frame.Final ? [] : next(frame);
                });
            })
            .KilledBy("PS-ROB-004", "fragments without end: "),
        new Mutant(
            "rob-claim-overflows",
            "What a fragment claims to be long is added to what there is, which may come to less than nothing.")
            .EachFilter(filter =>
            {
                // A continuation of 2^63-1 masked bytes. It arrives in one piece, since it is sent in one piece.
                byte[] claim = [0x00, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
                var isIgnoring = false;
                filter.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    var count = await next(buffer, cancellation);
                    var before = buffer.Span[..count].IndexOf(claim);
                    isIgnoring |= before >= 0;
                    if (before > 0)
                    {
                        return before;
                    }

                    while (isIgnoring && count > 0)
                    {
                        count = await next(buffer, cancellation);
                    }

                    return count;
                });
            })
            .KilledBy("PS-ROB-004", "a fragment that claims 2^63-1 bytes: "),

        // Surrogates -------------------------------------------------------------------------------------------------
        new Mutant("rob-surrogate-in-client-id", "An unpaired surrogate in a client_id is let pass.")
            .EachSession(session => session.Respell(text => LonelyClientId().Replace(text, "\"client_id\":\"?\"")))
            .KilledBy("PS-ROB-006", "as client_id is refused"),
        new Mutant("rob-surrogate-hangs-up", "An unpaired surrogate in a request_id ends the connection.")
            .EachSession(session => session.Refuse.Wrap(next => bad =>
            {
                if (bad.Message == "request_id must not contain an unpaired surrogate")
                {
                    session.Queue.Abandon.Call(null, 1007, "");
                    return;
                }

                next(bad);
            }))
            .KilledBy("PS-ROB-006", "the end of the connection"),

        // Half a connection ------------------------------------------------------------------------------------------
        new Mutant("rob-ghost-of-half-a-connection", "A client that ends its side of the connection without a Close stays subscribed.")
            .EachSession(session =>
            {
                var hasEnded = false;
                session.Connection.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    var count = await next(buffer, cancellation);
                    hasEnded |= count == 0 && buffer.Length > 0;
                    return count;
                });
                session.LeaveAll.Wrap(next => () =>
                {
                    if (!hasEnded)
                    {
                        next();
                    }
                });
            })
            .KilledBy("PS-ROB-007", "its subscription is no longer counted")

            // If a write meets the reset first, the next read only sees the end of the stream.
            .MayBreak("PS-OBS-011"),
        new Mutant("rob-waits-for-the-rest", "A client that ends its side of the connection within a frame is waited for.")
            .EachFilter(filter => filter.Receive.Wrap(next => async (buffer, cancellation) =>
            {
                int count;
                while ((count = await next(buffer, cancellation)) == 0 && filter.IsWithinFrame)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), cancellation);
                }

                return count;
            }))
            .KilledBy("PS-ROB-007", "The server closes subscriber"),

        // Few workers ------------------------------------------------------------------------------------------------
        new Mutant(
            "rob-fifty-at-the-door",
            "No more than 50 connections at a time can be about to send their first request.") { UnderLoad = true }
            .Does(server =>
            {
                var door = new SemaphoreSlim(50);
                server.EachConnection(connection => HoldPlaceUntilFirstRequest(connection, door));
            })
            .KilledBy("PS-ROB-009", "The server answers the WebSocket handshake"),
        new Mutant("rob-thirty-two-readers", "Half a frame keeps one of 32 readers waiting for the rest.") { UnderLoad = true }
            .Does(server =>
            {
                var readers = new SemaphoreSlim(32);
                server.EachFilter(filter => filter.Receive.Wrap(next => async (buffer, cancellation) =>
                {
                    var isWaiting = filter.IsWithinFrame;
                    var count = isWaiting ? 0 : await next(buffer, cancellation);
                    await readers.WaitAsync(cancellation);
                    try
                    {
                        return isWaiting ? await next(buffer, cancellation) : count;
                    }
                    finally
                    {
                        readers.Release();
                    }
                }));
            })
            .KilledBy("PS-ROB-009", "the others are undisturbed: a publish is acked")
            .MayBreak("PS-ROB-001"),
    ];

    private static void DieOfHttp2(SmallServer server, Action die) =>
        server.EachConnection(connection => connection.ReadLineAsync.Wrap(next => async (longest, cancellation) =>
        {
            var line = await next(longest, cancellation);
            if (line == "PRI * HTTP/2.0")
            {
                die();
            }

            return line;
        }));

    private static void OnDepth(Session session, Action answer) => session.Receive.Wrap(next => (type, text) =>
    {
        if (IsDeep(Encoding.UTF8.GetString(text.Span)))
        {
            answer();
            return;
        }

        next(type, text);
    });

    private static bool IsDeep(string text)
    {
        var depth = 0;
        return text.Any(letter => (depth += letter is '[' or '{' ? 1 : letter is ']' or '}' ? -1 : 0) > Deep);
    }

    private static int Count(ReadOnlyMemory<byte> text, char letter) => text.Span.Count((byte)letter);

    private static void FinishTooLarge(Session session, int code) =>
        session.Queue.Finish.Call(session.Server.Messages.Error.Call("BAD_REQUEST", "too large", null), code, "too large");

    private static void HoldPlaceUntilFirstRequest(Connection connection, SemaphoreSlim door)
    {
        var (hasEntered, hasPlace) = (false, false);
        connection.ReadLineAsync.Wrap(next => async (longest, cancellation) =>
        {
            if (!hasEntered)
            {
                await door.WaitAsync(cancellation);
                (hasEntered, hasPlace) = (true, true);
            }

            string? line = null;
            try
            {
                return line = await next(longest, cancellation);
            }
            finally
            {
                if (string.IsNullOrEmpty(line) && hasPlace)
                {
                    hasPlace = false;
                    door.Release();
                }
            }
        });
    }

    [GeneratedRegex("\"extra\":\\[+0\\]+")]
    private static partial Regex DeepExtra();

    [GeneratedRegex(@"""client_id"":""\\u[dD][89a-fA-F][0-9a-fA-F]{2}""")]
    private static partial Regex LonelyClientId();
}
