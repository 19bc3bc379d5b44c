using System.Globalization;
using NUnit.Framework;
using PubSub.Conformance.Histories;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>
/// Publishers and followers of some topics at all nodes, while a test makes faults. All is recorded in one history, which the history
/// checker judges at the end.
/// </summary>
internal sealed class Traffic : IAsyncDisposable
{
    /// <summary>Joiners at one time: before one more comes, the first leaves.</summary>
    private const int MostJoiners = 60;

    private readonly HistoryRecorder _history;
    private readonly IReadOnlyList<Door> _doors;
    private readonly string[] _topics;
    private readonly RecordedPublisher[] _publishers;
    private readonly Queue<(RecordedFollower Follower, CancellationTokenSource Leave)> _joiners = [];
    private readonly List<RecordedFollower> _followers = [];
    private readonly List<Task> _publishing, _following = [];
    private readonly CancellationTokenSource _publishersStop = new(), _followersStop = new();
    private int _joined;

    /// <param name="history">Has the creations of the topics.</param>
    /// <param name="doors">The nodes.</param>
    /// <param name="topics">Existing topics.</param>
    /// <param name="publishersEach">Publishers at each node; each publishes to all topics.</param>
    /// <param name="followersEach">Followers of each topic at each node.</param>
    /// <param name="mostMilliseconds">The longest pause between two messages of one publisher.</param>
    /// <param name="seed">Of the choices of the publishers.</param>
    public Traffic(
        HistoryRecorder history, IReadOnlyList<Door> doors, string[] topics, int publishersEach, int followersEach,
        int mostMilliseconds = 10, int seed = 1)
    {
        (_history, _doors, _topics) = (history, doors, topics);
        foreach (var topic in topics)
        {
            for (var number = 0; number < followersEach * doors.Count; number++)
            {
                Follow($"follower {topic} {number}", topic, number % doors.Count, lastN: int.MaxValue);
            }
        }

        _publishers =
        [
            .. Enumerable.Range(0, publishersEach * doors.Count).Select(number =>
                new RecordedPublisher(history, $"p{number}", doors, number % doors.Count, new Random(seed + number))),
        ];
        _publishing = [.. _publishers.Select(publisher => publisher.RunAsync(topics, mostMilliseconds, _publishersStop.Token))];
    }

    public int Acked => _publishers.Sum(publisher => publisher.Acked);

    public int Received => _followers.Sum(follower => follower.Received);

    /// <summary>Publishes that were answered UNAVAILABLE.</summary>
    public int Unavailable => _publishers.Sum(publisher => publisher.Unavailable);

    /// <summary>Resumes of which a node said that events are missing.</summary>
    public int Told => _followers.Sum(follower => follower.Told);

    /// <summary>Connections that a node ended with MISSED_EVENTS.</summary>
    public int Missed => _followers.Sum(follower => follower.Missed);

    /// <summary>Connections that ended, except by a deletion or by the client itself.</summary>
    public int Ended => _publishers.Sum(publisher => publisher.Ended) + _followers.Sum(follower => follower.Ended);

    /// <summary>Waits until each publisher and each follower has gone on: by some acks and some events.</summary>
    public async Task FlowAsync(int count = 5)
    {
        var acked = _publishers.Select(publisher => publisher.Acked + count).ToArray();
        var received = _followers.Select(follower => follower.Received + count).ToArray();
        await Eventually.IsAsync(
            () =>
            {
                ThrowFaults();
                return Task.FromResult(
                    _publishers.Zip(acked).Count(one => one.First.Acked < one.Second)
                    + _followers.Zip(received).Count(one => one.First.Received < one.Second));
            },
            Is.Zero);
    }

    /// <summary>Waits until a publish has been answered UNAVAILABLE.</summary>
    public Task BecomesUnavailableAsync()
    {
        var before = Unavailable;
        return Eventually.IsAsync(() => Task.FromResult(Unavailable), Is.GreaterThan(before));
    }

    /// <summary>A follower joins with a random last_n, breaks off at a random moment, and goes on elsewhere to the end.</summary>
    public async Task JoinAsync(int home, Random random)
    {
        using var breakOff = new CancellationTokenSource();
        var lastN = random.Next(3) switch { 0 => 0, 1 => random.Next(20), _ => int.MaxValue };
        var until = random.Next(30);
        if (_joiners.Count == MostJoiners)
        {
            var (first, firstLeave) = _joiners.Dequeue();
            await firstLeave.CancelAsync();
            _followers.Remove(first);
        }

        var leave = new CancellationTokenSource();
        var follower = Follow(
            $"joiner {_joined++}", _topics[random.Next(_topics.Length)], home, lastN, breakOff.Token, leave.Token);
        _joiners.Enqueue((follower, leave));
        await Eventually.IsAsync(() => Task.FromResult(follower.Since), Is.Not.Empty);
        await Task.Delay(TimeSpan.FromMilliseconds(until));
        await breakOff.CancelAsync();
    }

    /// <summary>
    /// Ends the publishers, waits until every follower has what they published, and lets the history checker judge all.
    /// </summary>
    /// <param name="retained">MAX_MESSAGES of the nodes.</param>
    public async Task EndAsync(int retained)
    {
        await _publishersStop.CancelAsync();
        await Task.WhenAll(_publishing).WaitAsync(Threads.Patience);
        var last = new Dictionary<string, string>();
        foreach (var topic in _topics)
        {
            last[topic] = await PublishLastAsync(topic);
        }

        var begun = TimeProvider.System.GetTimestamp();
        while (Behind().Count > 0 && TimeProvider.System.GetElapsedTime(begun) < Threads.Patience)
        {
            ThrowFaults();
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        var behind = Behind();
        await _followersStop.CancelAsync();
        await Task.WhenAll(_following).WaitAsync(Threads.Patience);
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Acked} acked, {Unavailable} unavailable, {Received} received, {Ended} ended, {Missed} MISSED_EVENTS, {Told} told of a gap"));
        Assert.That(HistoryChecker.Check(_history.ToHistory(), retained), Is.Empty);
        Assert.That(behind, Is.Empty, "followers that did not receive the last message");

        List<string> Behind() => [.. _followers
            .Where(follower => follower.Newest != last[follower.Topic])
            .Select(follower => $"{follower.Name}: {follower.Newest}")];
    }

    public async ValueTask DisposeAsync()
    {
        await _publishersStop.CancelAsync();
        await _followersStop.CancelAsync();
        await Task.WhenAll([.. _publishing, .. _following]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _publishersStop.Dispose();
        _followersStop.Dispose();
    }

    private RecordedFollower Follow(
        string name, string topic, int home, int lastN, CancellationToken breakOff = default, CancellationToken leave = default)
    {
        var follower = new RecordedFollower(_history, name, topic, _doors, home);
        _followers.Add(follower);
        _following.Add(follower.RunAsync(lastN, breakOff, leave, _followersStop.Token));
        return follower;
    }

    /// <summary>Publishes until one message is acked.</summary>
    /// <returns>Its id.</returns>
    private async Task<string> PublishLastAsync(string topic)
    {
        var publisher = new RecordedPublisher(_history, $"last of {topic}", _doors, 0, new Random(0));
        var begun = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begun) < Threads.Patience)
        {
            if (await publisher.PublishAsync(topic) is { } id)
            {
                return id;
            }
        }

        throw new TimeoutException($"no publish to {topic} was acked");
    }

    /// <summary>Shows why a client ended by itself.</summary>
    private void ThrowFaults() =>
        _publishing.Concat(_following).FirstOrDefault(client => client.IsFaulted)?.GetAwaiter().GetResult();
}
