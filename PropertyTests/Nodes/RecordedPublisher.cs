using System.Globalization;
using System.Net.WebSockets;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Nodes;

/// <summary>
/// Publishes one message after the other, and goes to the next node when its connection breaks. Each connection is a publisher of the
/// history. A publish that is answered UNAVAILABLE, or not answered before the connection breaks, has an unknown outcome.
/// </summary>
internal sealed class RecordedPublisher(HistoryRecorder history, string name, IReadOnlyList<Door> doors, int home, Random random)
{
    /// <summary>How long an answer may take, also when Redis or a node fails: settings of these tests wait for less.</summary>
    private static readonly TimeSpan AnswerBound = TimeSpan.FromSeconds(20);

    private Line? _line;
    private string _connection = "";
    private int _connections;
    private int _published;
    private volatile int _acked, _unavailable;

    public int Acked => _acked;

    /// <summary>Publishes that were answered UNAVAILABLE.</summary>
    public int Unavailable => _unavailable;

    /// <summary>Connections that ended before this client ended them.</summary>
    public int Ended { get; private set; }

    /// <summary>Publishes to random topics, with pauses of up to <paramref name="mostMilliseconds"/>, until it is stopped.</summary>
    public async Task RunAsync(string[] topics, int mostMilliseconds, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await PublishAsync(topics[random.Next(topics.Length)]);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(mostMilliseconds + 1)), CancellationToken.None);
        }

        _line?.Dispose();
    }

    /// <summary>Publishes a message.</summary>
    /// <returns>Its id if it was acked; null if it was refused, or its outcome is unknown.</returns>
    public async Task<string?> PublishAsync(string topic)
    {
        Invocation? publish = null;
        var id = string.Create(CultureInfo.InvariantCulture, $"{name}/{_published++}");
        try
        {
            if (_line is null)
            {
                _line = await doors[(home + _connections) % doors.Count].ConnectAsync();
                _connection = string.Create(CultureInfo.InvariantCulture, $"{name}.{_connections}");
            }

            publish = history.Publish(_connection, topic, id);
            await _line.SayAsync(Line.Publish(topic, id));
            using var bound = new CancellationTokenSource(AnswerBound);
            var answer = await _line.HearAsync(bound.Token);
            switch (answer.Error)
            {
                case "" when answer.RequestId == id:
                    publish.Acked(answer.Stamp);
                    _acked++;
                    return id;
                case "TOPIC_NOT_FOUND":
                    publish.Refused();
                    return null;
                case "UNAVAILABLE":
                    _unavailable++;
                    return null;
                default:
                    throw new InvalidOperationException($"{_connection} was told {answer}");
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{_connection} had no answer to {id} within {AnswerBound.TotalSeconds} s");
        }
        catch (Exception e) when (e is WebSocketException or IOException)
        {
            _line?.Dispose();
            _line = null;
            _connections++;
            Ended += publish is null ? 0 : 1;
            return null;
        }
    }
}
