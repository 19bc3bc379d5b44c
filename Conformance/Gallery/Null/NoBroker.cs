using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Network;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Changes that remove the broker from a server; only its TCP, HTTP and handshake are used.</summary>
internal static class NoBroker
{
    private const int LargestBody = 1024 * 1024;
    private static readonly HttpResponse Yes = new(200, "{}") { KeepsAlive = false };

    /// <summary>Accepts every connection, and neither reads nor writes nor closes it.</summary>
    public static Change Hangs { get; } = server =>
    {
        server.Settings = server.Settings with { HandshakeTimeout = TimeSpan.FromDays(1) };
        server.EachConnection(connection => connection.ReadLineAsync.Wrap(_ => async (_, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return null;
        }));
    };

    /// <summary>Sends 1,024 random bytes, which are not HTTP, on every connection at once, and closes it.</summary>
    public static Change SendsGarbage { get; } = server => server.EachConnection(connection => connection.ReadLineAsync.Wrap(_ =>
        async (_, cancellation) =>
        {
            var garbage = new byte[1024];
            Random.Shared.NextBytes(garbage);
            garbage[0] |= 0x80;
            await connection.WriteAsync(garbage, cancellation);
            return null;
        }));

    /// <summary>Upgrades, reads everything, and sends nothing.</summary>
    public static Change Mute { get; } = Upgrades(session => session.Connection.CopyToAsync(Stream.Null));

    /// <summary>Sends every frame back unchanged, and every body with status 200.</summary>
    public static Change Echoes { get; } = Upgrades(
        session => EachFrameAsync(session.Connection, frame => frame),
        (_, body) => Yes with { Body = Encoding.UTF8.GetString(body) });

    /// <summary>Acks every message and does nothing else; over REST every request succeeds, and the listings are empty.</summary>
    public static Change Acks { get; } = Upgrades(
        session => EachFrameAsync(session.Connection, frame => frame.Opcode is Opcode.Continuation or Opcode.Text or Opcode.Binary
            ? new Frame(Opcode.Text, Ack(session.Server.Messages, frame.TextPayload))
            : null),
        (request, _) => (request.Method, request.Path) switch
        {
            ("POST", _) => Yes with { Status = 201 },
            (_, "/v1/topics") => Yes with { Body = """{"topics":[]}""" },
            (_, "/v1/health") => Yes with { Body = """{"uptime_seconds":0,"topics":0,"subscribers":0}""" },
            (_, "/v1/stats") => Yes with { Body = """{"topics":{}}""" },
            _ => Yes,
        });

    /// <summary>Gives this answer to every request, including handshakes and bytes that are not HTTP.</summary>
    public static Change Answers(int status, string body) => server =>
    {
        var answer = new HttpResponse(status, body) { KeepsAlive = false };
        server.AnswerAsync.Wrap(_ => (_, _) => Task.FromResult(answer));
        server.Rest.Refuse.Wrap(_ => _ => answer);
    };

    /// <summary>Upgrades, sends these bytes and closes.</summary>
    public static Change ClosesWith(params byte[] last) => Upgrades(session => session.Connection.WriteAsync(last).AsTask());

    /// <summary>Upgrades, sends meaningless info messages without end, and reads nothing.</summary>
    /// <param name="pause">The pause between twenty messages and the next twenty, so that other work gets the processor.</param>
    public static Change Chatters(TimeSpan pause)
    {
        var info = (Frame.Text("""{"type":"info","msg":"chatter"}""") with { Masked = false }).Encode();
        byte[] chatter = [.. Enumerable.Repeat(info, 20).SelectMany(frame => frame)];
        return Upgrades(async session =>
        {
            while (true)
            {
                await session.Connection.WriteAsync(chatter);
                await Task.Delay(pause);
            }
        });
    }

    /// <summary>Accepts every handshake, and answers every other request with success.</summary>
    /// <param name="talk">Runs after the handshake; when it returns the connection ends.</param>
    /// <param name="answer">Makes the answer to a request and its body; by default 201 for a POST and 200 otherwise.</param>
    private static Change Upgrades(Func<Session, Task> talk, Func<HttpRequest, byte[], HttpResponse>? answer = null) => server =>
    {
        answer ??= (request, _) => request.Method == "POST" ? Yes with { Status = 201 } : Yes;
        server.AnswerAsync.Wrap(_ => async (request, stopping) => Handshake.IsValid(request)
            ? Handshake.Accept(request)
            : answer(request, await request.ReadBodyAsync(LargestBody, stopping)));
        server.Rest.Refuse.Wrap(_ => _ => Yes);
        server.EachSession(session => session.RunAsync.Wrap(_ => () => talk(session)));
    };

    private static async Task EachFrameAsync(Connection connection, Func<Frame, Frame?> answer)
    {
        var reader = PipeReader.Create(connection);
        try
        {
            ReadResult read;
            do
            {
                read = await reader.ReadAsync();
                var bytes = read.Buffer;
                while (Frame.TryRead(ref bytes, out var frame))
                {
                    if (answer(frame) is { } reply)
                    {
                        await connection.WriteAsync((reply with { Masked = false }).Encode());
                    }
                }

                reader.AdvanceTo(bytes.Start, bytes.End);
            }
            while (!read.IsCompleted);
        }
        catch (Violation)
        {
            // A frame that is too large for any server ends the connection.
        }
    }

    private static byte[] Ack(Messages messages, string text)
    {
        var id = Member(text, "request_id") is { } given ? Messages.Quote(given) : null;
        return messages.Ack.Call(new ClientRequest("", id, Member(text, "topic") ?? "", "", "", 0));
    }

    private static string? Member(string text, string name)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.GetProperty(name).GetString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // A message without such a member is acked too.
            return null;
        }
    }
}
