using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Servers that are correct until they crash: then nothing answers any more (PS-ROB-001, and all that comes after).</summary>
internal static class Crash
{
    private const int Publishes = 20;

    /// <summary>
    /// Crashes when so many bursts have been read. A burst is 20 publishes read on one connection that never had nothing to read between
    /// them; what goes on without such a pause is still the same burst.
    /// </summary>
    public static Change AtBurst(int burst) => server =>
    {
        var runs = new ConcurrentDictionary<Session, (int Idles, int Publishes)>();
        var bursts = 0;
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
            if (run.Publishes == Publishes && Interlocked.Increment(ref bursts) == burst)
            {
                server.Crash();
            }
        });
    };
}
