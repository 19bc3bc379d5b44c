using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;

namespace PubSub.Conformance.Gallery;

/// <summary>Servers that end connections late or in an unusual way, and servers behind a gateway.</summary>
internal static class Closings
{
    private const string Subprotocol = "pubsub.v1";
    private const string Host = "broker.example";
    private const string Page = "https://app.example";
    private const int RequestsPerSecond = 500;
    private const int Burst = 80;

    private static readonly TimeSpan UsualCloseTimeout = TimeSpan.FromSeconds(5);

    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger("stranger-both-halves",
                "Sends its FIN behind the Close frames, and counts the connection as open until the client's FIN has come; "
                    + "also a client that is gone without a Close.")
            .EachSession(LeavesWhenBothHalvesEnd),

        new Stranger("stranger-leaves-tcp-to-the-client",
                "Answers a Close with a Close, and then waits for the client to end the TCP connection.")
            .EachSession(session => session.RunAsync.Wrap(next => async () =>
            {
                await next();
                if (!session.IsLost)
                {
                    await session.Connection.CopyToAsync(Stream.Null);
                }
            }))
            .Violates("PS-WS-008", "an open TCP connection"),

        new Stranger("stranger-five-seconds",
                "Behind its Close for a frame that RFC 6455 forbids, a third of its connections stay open for exactly 5 s, "
                    + "as the close timeout of a library is.")
            .Does(server =>
            {
                var lost = 0;
                server.EachSession(session => session.RunAsync.Wrap(next => async () =>
                {
                    await next();
                    if (session.IsLost && Interlocked.Increment(ref lost) % 3 == 0)
                    {
                        await Task.Delay(UsualCloseTimeout);
                    }
                }));
            }),

        new Stranger("stranger-behind-a-rate-limit",
                "A gateway lets 500 requests a second through, 80 at once, and answers 429 with Retry-After to the others, "
                    + "handshakes included.")
            .Does(Limited),

        new Stranger("stranger-behind-a-shaky-gateway",
                "A gateway answers some single requests itself, with 502, 503, 504, 508 or 520, and without a Retry-After.")
            .Does(Shaky),

        new Stranger("stranger-wants-host-and-subprotocol",
            "Answers only to a Host of its own, and upgrades only with its subprotocol, which it names; the options of the run give both.")
        {
            Probing = door => new ProbeOptions
            {
                Url = door.Origin,
                Headers = new Dictionary<string, string> { ["Host"] = Host, ["Sec-WebSocket-Protocol"] = Subprotocol },
            },
        }.Does(WantsHostAndSubprotocol),

        new Stranger("stranger-wants-an-origin",
            "Upgrades only for the page of its own; the options of the run give its Origin.")
        {
            Probing = door => new ProbeOptions { Url = door.Origin, Origin = Page },
        }
            .Does(server => server.Upgrade.IsAllowed.Wrap(_ => request => request["Origin"] == Page))
            .Lacks("PS-WS-014", "the options name"),
    ];

    private static void LeavesWhenBothHalvesEnd(Session session)
    {
        Action leave = () => { };
        var hasEnded = false;
        session.LeaveAll.Wrap(next =>
        {
            leave = next;
            return () =>
            {
                if (Volatile.Read(ref hasEnded))
                {
                    next();
                }
            };
        });
        session.RunAsync.Wrap(next => async () =>
        {
            try
            {
                await next();
                await session.Connection.EndOutput.Call();
                await session.Connection.CopyToAsync(Stream.Null);
            }
            finally
            {
                Volatile.Write(ref hasEnded, true);
                leave();
            }
        });
    }

    private static void Limited(SmallServer server)
    {
        var gate = new Lock();
        var clock = TimeProvider.System;
        var then = clock.GetTimestamp();
        double tokens = Burst;
        var refusal = Plain(429) with { Headers = ["Retry-After: 1"] };
        server.AnswerAsync.Wrap(next => (request, stopping) =>
        {
            lock (gate)
            {
                tokens = Math.Min(Burst, tokens + (clock.GetElapsedTime(then).TotalSeconds * RequestsPerSecond));
                then = clock.GetTimestamp();
                if (tokens < 1)
                {
                    return Task.FromResult(refusal);
                }

                tokens--;
            }

            return next(request, stopping);
        });
    }

    private static void Shaky(SmallServer server)
    {
        const int every = 499;
        int[] statuses = [502, 503, 504, 508, 520];
        var requests = 0;
        server.AnswerAsync.Wrap(next => (request, stopping) =>
            Interlocked.Increment(ref requests) is var number && number % every == 0 && number <= every * statuses.Length
                ? Task.FromResult(Plain(statuses[(number / every) - 1]))
                : next(request, stopping));
    }

    private static void WantsHostAndSubprotocol(SmallServer server)
    {
        server.AnswerAsync.Wrap(next => (request, stopping) =>
            request["Host"] == Host ? next(request, stopping) : Task.FromResult(Plain(421)));
        server.IsHost.Wrap(_ => name => name == Host);
        server.Upgrade.Accept.Wrap(next => request =>
            request["Sec-WebSocket-Protocol"]?.Split(',').Any(name => name.Trim() == Subprotocol) == true
                ? Naming(next(request))
                : Plain(400));
    }

    private static HttpResponse Naming(HttpResponse answer) =>
        answer with { Headers = [.. answer.Headers, $"Sec-WebSocket-Protocol: {Subprotocol}"] };

    private static HttpResponse Plain(int status) => new(status, "<html><body>not now</body></html>\n", "text/html") { KeepsAlive = false };
}
