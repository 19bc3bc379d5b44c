using System.Net.WebSockets;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Nodes;

/// <summary>
/// Follows a topic: when its connection ends, it goes on from its position at the next node; when the topic is deleted, it subscribes to
/// the next topic of that name from its beginning.
/// </summary>
internal sealed class RecordedFollower(HistoryRecorder history, string name, string topic, IReadOnlyList<Door> doors, int home)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(20);

    private readonly SubscriberRecorder _log = history.Subscriber(name);
    private string _epoch = "";
    private volatile int _received, _told, _missed, _ended;

    public string Name => name;

    public string Topic => topic;

    public int Received => _received;

    /// <summary>Resumes of which the server said that events are missing.</summary>
    public int Told => _told;

    /// <summary>Connections that the server ended with MISSED_EVENTS.</summary>
    public int Missed => _missed;

    /// <summary>Connections that ended, except by a deletion.</summary>
    public int Ended => _ended;

    /// <summary>The id of the last event.</summary>
    public string Newest { get; private set; } = "";

    /// <summary>The timestamp of the last event; before the first, that of the ack.</summary>
    public string Since { get; private set; } = "";

    /// <summary>Follows until it is stopped.</summary>
    /// <param name="lastN">Of the first subscribe.</param>
    /// <param name="breakOff">Ends the first connection, which then goes on at the next node.</param>
    /// <param name="leave">Ends the follower, which breaks off.</param>
    /// <param name="stop">Ends the follower; it is then still subscribed, as far as the history is concerned.</param>
    public async Task RunAsync(int lastN, CancellationToken breakOff, CancellationToken leave, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(leave, stop);
        using var first = CancellationTokenSource.CreateLinkedTokenSource(breakOff, end.Token);
        for (var connections = 0; !end.IsCancellationRequested; connections++)
        {
            var mayEnd = breakOff.IsCancellationRequested ? end.Token : first.Token;
            try
            {
                using var line = await doors[(home + connections) % doors.Count].ConnectAsync();
                await FollowAsync(line, connections == 0 ? lastN : int.MaxValue, mayEnd);
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
            {
                if (stop.IsCancellationRequested && !leave.IsCancellationRequested)
                {
                    return;
                }

                _ended += mayEnd.IsCancellationRequested ? 0 : 1; // ended by this client: also a WebSocketException
            }

            _log.Cut();
            await Task.Delay(RetryInterval, CancellationToken.None);
        }
    }

    private async Task FollowAsync(Line line, int lastN, CancellationToken stop)
    {
        var isResume = Since.Length > 0;
        var asked = isResume ? _log.Resume(topic, Frames.StampOf(Since)) : _log.Subscribe(topic, lastN);
        await line.SayAsync(isResume ? Line.Resume(topic, Since, _epoch) : Line.Subscribe(topic, lastN));
        while (true)
        {
            var heard = await line.HearAsync(stop);
            switch (heard.Type)
            {
                case "ack":
                    asked.Acked(heard.Stamp);
                    _epoch = heard.Epoch;
                    Since = isResume ? Since : heard.Timestamp;
                    if (heard.IsTorn)
                    {
                        _told++;
                        _log.Gap(topic);
                    }

                    break;
                case "event":
                    _log.Received(topic, heard.Id, heard.Stamp);
                    (Since, Newest) = (heard.Timestamp, heard.Id);
                    _received++;
                    break;
                case "info" when heard.Short == "topic_deleted":
                    _log.TopicDeleted(topic);
                    Since = "";
                    return;
                case "error" when heard.Error == "TOPIC_NOT_FOUND":
                    asked.Refused();
                    Since = "";
                    return;
                case "error" when heard.Error is "UNAVAILABLE":
                    return;
                case "error" when heard.Error is "MISSED_EVENTS":
                    _missed++;
                    break;
                default:
                    throw new InvalidOperationException($"{name} was told {heard}");
            }
        }
    }
}
