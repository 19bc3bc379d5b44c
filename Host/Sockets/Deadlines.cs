namespace PubSub.Hosting.Sockets;

/// <summary>
/// What a session waits for its peer to do, and since when. Only the sweep uses it: the loops count what the peer does, and the sweep sees
/// whether the counts have grown. A deadline starts with the first sweep that needs it, so no peer has less time than is set.
/// </summary>
internal sealed class Deadlines(Settings settings)
{
    private long _received;
    private long _taken;

    private TimeSpan? _receivedAt;
    private TimeSpan _takenAt;
    private TimeSpan? _waitingSince;
    private TimeSpan? _closingSince;
    private TimeSpan? _pingedAt;

    /// <param name="now">The time of the sweep (<see cref="SweepClock"/>).</param>
    /// <param name="received">Reads that brought bytes of the peer.</param>
    /// <param name="taken">How often the socket accepted a part of a write that waited.</param>
    /// <param name="isWaiting">Whether a write waits for the peer.</param>
    /// <param name="isClosing">Whether the subscriber is closed.</param>
    /// <returns>What the session has to do now.</returns>
    public Due Check(TimeSpan now, long received, long taken, bool isWaiting, bool isClosing)
    {
        if (_receivedAt is null || received != _received)
        {
            (_received, _receivedAt) = (received, now);
        }

        if (taken != _taken)
        {
            (_taken, _takenAt) = (taken, now);
        }

        _waitingSince = isWaiting ? _waitingSince ?? now : null;
        if (_waitingSince is { } waiting && IsOver(Later(waiting, _takenAt), settings.WriteTimeout, now))
        {
            return Due.AbortUnread;
        }

        if (isClosing)
        {
            var closing = _closingSince ??= now;
            return IsOver(Later(closing, _takenAt), settings.CloseTimeout, now) ? Due.Abort : Due.Nothing;
        }

        // A Ping would wait behind the write, which has a deadline already.
        return isWaiting || settings.KeepAliveInterval == 0 ? Due.Nothing : KeepAlive(Later(_receivedAt.Value, _takenAt), now);
    }

    private Due KeepAlive(TimeSpan alive, TimeSpan now)
    {
        if (_pingedAt is { } pinged && pinged > alive)
        {
            return IsOver(pinged, settings.KeepAliveTimeout, now) ? Due.AbortSilent : Due.Nothing;
        }

        if (!IsOver(alive, settings.KeepAliveInterval, now))
        {
            return Due.Nothing;
        }

        _pingedAt = now;
        return Due.Ping;
    }

    private static bool IsOver(TimeSpan since, double seconds, TimeSpan now) => (now - since).TotalSeconds >= seconds;

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

/// <summary>What a session has to do when deadlines have been checked.</summary>
internal enum Due
{
    Nothing,

    /// <summary>Send a Ping: the peer has been silent for KEEPALIVE_INTERVAL.</summary>
    Ping,

    /// <summary>Abort: the peer has not answered a Ping for KEEPALIVE_TIMEOUT.</summary>
    AbortSilent,

    /// <summary>Abort: the peer has read nothing for WRITE_TIMEOUT (PS-BPR-011).</summary>
    AbortUnread,

    /// <summary>Abort: while closing, the peer has neither read anything nor answered the Close frame for CLOSE_TIMEOUT.</summary>
    Abort,
}
