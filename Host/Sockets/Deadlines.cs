namespace PubSub.Hosting.Sockets;

/// <summary>
/// What a session waits for its peer to do, and since when. It is the sweep's own: the loops only count what they notice of the peer, and
/// the sweep sees whether it has become more. So a time begins with the sweep that first sees the need for it, and nobody has less time
/// than is set.
/// </summary>
internal sealed class Deadlines(Settings settings)
{
    private long _received;
    private long _taken;

    private TimeSpan? _heard;
    private TimeSpan _took;
    private TimeSpan? _waiting;
    private TimeSpan? _closing;
    private TimeSpan? _pinged;

    /// <param name="now">The time of the sweep (<see cref="SweepClock"/>).</param>
    /// <param name="received">How often something came of the peer.</param>
    /// <param name="taken">How often the peer took something that it had let wait.</param>
    /// <param name="isWaiting">Whether something waits for the peer to take it.</param>
    /// <param name="isClosing">Whether the connection is to end.</param>
    /// <returns>What is to be done about the peer now.</returns>
    public Due Look(TimeSpan now, long received, long taken, bool isWaiting, bool isClosing)
    {
        if (_heard is null || received != _received)
        {
            (_received, _heard) = (received, now);
        }

        if (taken != _taken)
        {
            (_taken, _took) = (taken, now);
        }

        _waiting = isWaiting ? _waiting ?? now : null;
        if (_waiting is { } waiting && IsOver(Later(waiting, _took), settings.WriteTimeout, now))
        {
            return Due.EndUnread;
        }

        if (isClosing)
        {
            var closing = _closing ??= now;
            return IsOver(Later(closing, _took), settings.CloseTimeout, now) ? Due.End : Due.Nothing;
        }

        // A Ping would have to wait as well, and there is a deadline already.
        return isWaiting || settings.KeepAliveInterval == 0 ? Due.Nothing : KeepAlive(Later(_heard.Value, _took), now);
    }

    private Due KeepAlive(TimeSpan alive, TimeSpan now)
    {
        if (_pinged is { } pinged && pinged > alive)
        {
            return IsOver(pinged, settings.KeepAliveTimeout, now) ? Due.EndSilent : Due.Nothing;
        }

        if (!IsOver(alive, settings.KeepAliveInterval, now))
        {
            return Due.Nothing;
        }

        _pinged = now;
        return Due.Ping;
    }

    private static bool IsOver(TimeSpan since, double seconds, TimeSpan now) => (now - since).TotalSeconds >= seconds;

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

/// <summary>What is to be done about a peer.</summary>
internal enum Due
{
    Nothing,

    /// <summary>Ask whether it is there: KEEPALIVE_INTERVAL is over.</summary>
    Ping,

    /// <summary>End it: it has not answered for KEEPALIVE_TIMEOUT.</summary>
    EndSilent,

    /// <summary>End it: it has taken nothing for WRITE_TIMEOUT (PS-BPR-011).</summary>
    EndUnread,

    /// <summary>End it: it is to go, and for CLOSE_TIMEOUT it has neither taken anything nor said goodbye.</summary>
    End,
}
