using System.Collections.Concurrent;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Servers that are correct until something happens, and then crash, or do what is given instead: <see cref="SmallServer.Hang"/>,
/// <see cref="SmallServer.Restart"/>, <see cref="TcpServer.Close"/>.
/// </summary>
internal static class Crash
{
    private const int Publishes = 20;

    /// <summary>
    /// Crashes when so many connections have sent a burst: then nothing answers any more (PS-ROB-001, and all that comes after). A burst is
    /// 20 publishes read on one connection that never had nothing to read between them.
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

    /// <summary>A supervisor starts the server again, this long after it died.</summary>
    public static Change Supervised(TimeSpan down) => server => server.Die.Wrap(_ => () => server.RestartAfter(down));

    /// <summary>At every WebSocket message that contains the text, before it is answered.</summary>
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

    /// <summary>At the TCP connection of this number, the first being 1, before anything is read from it.</summary>
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
    /// A gateway whose server is gone: after so many requests over HTTP, every further one is answered with 502, handshakes among them.
    /// WebSockets that are open go on.
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
