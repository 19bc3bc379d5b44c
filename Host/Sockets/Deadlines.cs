namespace PubSub.Hosting.Sockets;

/// <summary>
/// What a session waits for its peer to do, and since when. It is the sweep's own: the loops only count what they notice of the peer, and the sweep sees
/// whether it has become more. So a time begins with the sweep that first sees the need for it, and nobody has less time than is set.
/// </summary>
internal sealed class Deadlines(Settings settings, TimeProvider time)
{
    private long _received;
    private long _taken;

    // Timestamps of the time provider; 0 means "not now".
    private long _heard = time.GetTimestamp();
    private long _took;
    private long _waiting;
    private long _closing;
    private long _pinged;

    /// <param name="received">How often something came of the peer.</param>
    /// <param name="taken">How often the peer took something that it had let wait.</param>
    /// <param name="isWaiting">Whether something waits for the peer to take it.</param>
    /// <param name="isClosing">Whether the connection is to end.</param>
    /// <returns>What is to be done about the peer now.</returns>
    public Due Look(long received, long taken, bool isWaiting, bool isClosing)
    {
        var now = time.GetTimestamp();
        if (received != _received)
        {
            (_received, _heard) = (received, now);
        }

        if (taken != _taken)
        {
            (_taken, _took) = (taken, now);
        }

        _waiting = !isWaiting ? 0 : _waiting == 0 ? now : _waiting;
        if (isWaiting && IsOver(Math.Max(_waiting, _took), settings.WriteTimeout, now))
        {
            return Due.EndUnread;
        }

        if (isClosing)
        {
            _closing = _closing == 0 ? now : _closing;
            return IsOver(Math.Max(_closing, _took), settings.CloseTimeout, now) ? Due.End : Due.Nothing;
        }

        // A Ping would have to wait as well, and there is a deadline already.
        return isWaiting || settings.KeepAliveInterval == 0 ? Due.Nothing : KeepAlive(Math.Max(_heard, _took), now);
    }

    private Due KeepAlive(long alive, long now)
    {
        if (_pinged > alive)
        {
            return IsOver(_pinged, settings.KeepAliveTimeout, now) ? Due.EndSilent : Due.Nothing;
        }

        if (!IsOver(alive, settings.KeepAliveInterval, now))
        {
            return Due.Nothing;
        }

        _pinged = now;
        return Due.Ping;
    }

    private bool IsOver(long since, double seconds, long now) => time.GetElapsedTime(since, now).TotalSeconds >= seconds;
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
