using System.Collections.Concurrent;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Servers that are correct until an event, and then crash, or call what is given instead: <see cref="SmallServer.Hang"/>,
/// <see cref="SmallServer.Restart"/>, <see cref="TcpServer.Close"/>.
/// </summary>
internal static class Crash
{
    private const int Publishes = 20;

    /// <summary>
    /// Crashes when so many connections have sent a burst, and answers nothing afterwards (PS-ROB-001, and every later scenario). A burst
    /// is 20 publishes on one connection without an idle read between them.
    /// </summary>
    public static Change AtBurst(int burst) => server =>
    {
        var runs = new ConcurrentDictionary<Session, (int Idles, int Publishes)>();
        var bursts = new ConcurrentDictionary<Session, bool>();
        server.Hear.Wrap(next => (session, request) =>
        {
            next(session, request);
            if (request.Type != "publish")
            {
                return;
            }

            var idles = session.Connection.Idles;
            var run = runs.GetValueOrDefault(session);
            run = run.Idles == idles ? (run.Idles, run.Publishes + 1) : (idles, 1);
            runs[session] = run;
            if (run.Publishes == Publishes && bursts.TryAdd(session, true) && bursts.Count == burst)
            {
                server.Crash();
            }
        });
    };

    /// <summary>A supervisor restarts the server this long after it died.</summary>
    public static Change Supervised(TimeSpan down) => server => server.Die.Wrap(_ => () => server.RestartAfter(down));

    /// <summary>Acts at every WebSocket message that contains the text, before it is answered.</summary>
    public static Change OnText(string text, Action<SmallServer> act) => server =>
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        server.EachSession(session => session.Receive.Wrap(next => (type, message) =>
        {
            if (message.Span.IndexOf(bytes) >= 0)
            {
                act(server);
            }

            next(type, message);
        }));
    };

    /// <summary>Acts at the TCP connection of this number, the first being 1, before anything is read from it.</summary>
    public static Change AtConnection(int number, Action<SmallServer> act) => server =>
    {
        var count = 0;
        server.EachConnection(_ =>
        {
            if (Interlocked.Increment(ref count) == number)
            {
                act(server);
            }
        });
    };

    /// <summary>
    /// A gateway whose server is gone: after so many HTTP requests, every further one is answered with 502, also handshakes. Open
    /// WebSockets stay open.
    /// </summary>
    public static Change BehindGateway(int requests) => server =>
    {
        var badGateway = new HttpResponse(502, "") { KeepsAlive = false };
        var count = 0;
        server.AnswerAsync.Wrap(next => (request, stopping) =>
            Interlocked.Increment(ref count) <= requests ? next(request, stopping) : Task.FromResult(badGateway));
        server.Rest.Refuse.Wrap(next => fault => Volatile.Read(ref count) <= requests ? next(fault) : badGateway);
    };
}
