using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// v1 and correct, until it has read so many bursts: then it crashes, and nothing answers any more (PS-ROB-001, and all that comes
/// after). A burst is 20 publishes read on one connection that never had nothing to read between them; what goes on without
/// such a pause is still the same burst.
/// </summary>
internal sealed class CrashingServer(int burst = 3) : SmallServer
{
    private const int Publishes = 20;

    private readonly ConcurrentDictionary<Connection, (int Idles, int Publishes)> _runs = [];
    private int _bursts;

    public override void Hear(Connection connection, ClientRequest request)
    {
        if (request.Type != "publish")
        {
            return;
        }

        var run = _runs.GetValueOrDefault(connection);
        run = run.Idles == connection.Idles ? (run.Idles, run.Publishes + 1) : (connection.Idles, 1);
        _runs[connection] = run;
        if (run.Publishes == Publishes && Interlocked.Increment(ref _bursts) == burst)
        {
            Crash();
        }
    }
}
