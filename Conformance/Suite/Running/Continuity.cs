using System.Globalization;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Running;

/// <summary>
/// Tells whether the server is still the same process: a server behind a supervisor may die and soon answer again. It compares an idle
/// connection, a topic of the run and the uptime. Two signs of three are needed, because each alone has harmless causes.
/// </summary>
public sealed class Continuity(Target target, TopicNames names, TimeProvider time)
{
    private const int SignsOfRestart = 2;

    /// <summary>How long an unanswered request is retried: a server that died again may soon be back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>How far the computed start time may move: uptimes are whole seconds, and clocks drift.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1.5);

    private RawClient? _idle;
    private Task _reading = Task.CompletedTask;
    private string? _topic;
    private bool _isRefused;
    private (double Seconds, long At)? _uptime;
    private long _lost;

    /// <summary>When the idle connection was lost, as a timestamp; 0 before.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>The target has answered at least once since <see cref="BeginAsync"/>.</summary>
    public bool HasAnswered => _topic is not null || _uptime is not null;

    /// <summary>Opens the connection, creates the topic and notes the uptime, as far as the server lets it.</summary>
    public async Task BeginAsync(CancellationToken cancellation)
    {
        await OpenAsync(cancellation);
        await AskAsync(new Rest(target, cancellation));
    }

    /// <summary>The signs that the process was restarted; null when there are not enough.</summary>
    public async Task<string?> BreakAsync(CancellationToken cancellation)
    {
        if (_idle is not null && Lost == 0)
        {
            return null;
        }

        var signs = new List<string>();
        if (_idle is not null)
        {
            signs.Add("an idle connection was lost");
        }

        var rest = new Rest(target, cancellation);
        var before = _uptime;
        var isSame = false;
        if (before is { } then && await UptimeAsync(rest) is { } now)
        {
            _uptime = now;
            var elapsed = time.GetElapsedTime(then.At, now.At);
            isSame = now.Seconds > Tolerance.TotalSeconds * 2 && Moved(then, now) < Tolerance;
            if (now.Seconds < then.Seconds || (Moved(then, now) > Tolerance && await RunsAsync(rest, now, cancellation)))
            {
                signs.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"its uptime went from {then.Seconds:0.#} s to {now.Seconds:0.#} s in {elapsed.TotalSeconds:0.#} s"));
            }
        }

        if (!isSame && _topic is { } topic && await TryAsync(rest.ListTopicsAsync) is { Topics: { } topics }
            && topics.All(listed => listed.Name != topic))
        {
            signs.Add("a topic of the run is gone");
        }

        if (!isSame && signs.Count >= SignsOfRestart)
        {
            return string.Join(", ", signs);
        }

        // The server closed the idle connection for another reason, or did not answer when the comparison began.
        await CloseAsync();
        await OpenAsync(cancellation);
        await AskAsync(rest);
        return null;
    }

    /// <summary>Creates the topic and reads the uptime, as far as the server has not answered yet.</summary>
    private async Task AskAsync(Rest rest)
    {
        if (_topic is null && !_isRefused)
        {
            var topic = names.Next("running");
            names.Journal?.Made(topic);
            var answer = await TryAsync(() => rest.CreateTopicAsync(topic));
            if (answer is { IsSuccess: true })
            {
                _topic = topic;
            }
            else if (answer is not null)
            {
                _isRefused = true;
                names.Journal?.Gone(topic);
            }
        }

        _uptime ??= await UptimeAsync(rest);
    }

    /// <summary>Deletes the topic.</summary>
    public async Task DeleteTopicAsync()
    {
        if (_topic is not { } topic)
        {
            return;
        }

        _topic = null;
        await Cleanup.DeleteAsync(target, topic, names.Journal, new Transcript(time));
    }

    /// <summary>Ends the idle connection.</summary>
    public async Task CloseAsync()
    {
        if (_idle is { } idle)
        {
            _idle = null;
            await idle.DisposeAsync();
            await _reading;
        }
    }

    private static TimeSpan Moved((double Seconds, long At) then, (double Seconds, long At) now) =>
        TimeProvider.System.GetElapsedTime(then.At, now.At) - TimeSpan.FromSeconds(Math.Clamp(now.Seconds - then.Seconds, -1e9, 1e9));

    private async Task OpenAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _lost, 0);
        _idle = await TryAsync(() =>
            RawClient.OpenAsync("idle", target, new Transcript(time), new ConnectOptions(), CancellationToken.None));
        if (_idle is { } idle && await TryAsync(() => idle.HandshakeAsync(), again: false) is not { Status: 101 })
        {
            _idle = null;
            await idle.DisposeAsync();
        }

        cancellation.ThrowIfCancellationRequested();
        _reading = _idle is null ? Task.CompletedTask : ReadAsync(_idle);
    }

    /// <summary>Reads, and answers Pings, until the connection is lost.</summary>
    private async Task ReadAsync(RawClient idle)
    {
        while (await idle.ReceiveAsync(CancellationToken.None) is not null)
        {
            // Notices are of no interest.
        }

        Volatile.Write(ref _lost, time.GetTimestamp());
    }

    /// <summary>True when the uptime grows; a constant uptime proves nothing.</summary>
    private async Task<bool> RunsAsync(Rest rest, (double Seconds, long At) since, CancellationToken cancellation)
    {
        await Task.Delay(Tolerance, time, cancellation);
        return await UptimeAsync(rest) is { } later && later.Seconds > since.Seconds;
    }

    private async Task<(double Seconds, long At)?> UptimeAsync(Rest rest) =>
        await TryAsync(rest.HealthAsync) is { UptimeSeconds: { } seconds } ? (seconds, time.GetTimestamp()) : null;

    private async Task<T?> TryAsync<T>(Func<Task<T>> ask, bool again = true) where T : class
    {
        for (var start = time.GetTimestamp(); ;)
        {
            try
            {
                return await ask();
            }
            catch (Violation) when (again && time.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(Pause, time);
            }
            catch (Violation)
            {
                return null;
            }
        }
    }
}
