using System.Buffers.Binary;
using System.Diagnostics;

namespace PubSub.Stress.Net;

/// <summary>A descriptor that any thread can make readable. Only the first signal until it is cleared costs a system call.</summary>
internal sealed class EventDescriptor : IDisposable
{
    private int _signalled;

    public EventDescriptor() => Handle = Libc.Checked(Libc.EventFd(0, Libc.NonBlocking | Libc.CloseOnExec), "eventfd");

    public int Handle { get; }

    public void Signal()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
        {
            Span<byte> one = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(one, 1);
            _ = Libc.Write(Handle, one, 8);
        }
    }

    public void Clear(bool signalled)
    {
        if (signalled)
        {
            Span<byte> count = stackalloc byte[8];
            _ = Libc.Read(Handle, count, 8);
            Volatile.Write(ref _signalled, 0); // last: at a signal before it the owner is awake and about to look
        }
    }

    public void Dispose() => _ = Libc.Close(Handle);
}

/// <summary>
/// A descriptor that becomes readable at a set time, as exactly as the kernel's clock. The timeout of epoll_wait has a resolution of
/// milliseconds, and the scheduler's slack delays it further.
/// </summary>
internal sealed class TimerDescriptor : IDisposable
{
    private const int Monotonic = 1; // the clock of Stopwatch
    private const int Absolute = 1;

    private long _moment;

    public TimerDescriptor() => Handle = Libc.Checked(Libc.TimerCreate(Monotonic, Libc.NonBlocking | Libc.CloseOnExec), "timerfd_create");

    public int Handle { get; }

    /// <param name="moment">Ticks of <see cref="Stopwatch"/>, which on Linux are nanoseconds.</param>
    public void Set(long moment)
    {
        if (moment == _moment)
        {
            return; // already set
        }

        _moment = moment;
        Span<byte> setting = stackalloc byte[32]; // struct itimerspec: the interval, which is zero, and the moment
        setting.Clear();
        var (seconds, rest) = Math.DivRem(moment, Stopwatch.Frequency);
        BinaryPrimitives.WriteInt64LittleEndian(setting[16..], seconds);
        BinaryPrimitives.WriteInt64LittleEndian(setting[24..], Math.Max(1, rest * 1_000_000_000 / Stopwatch.Frequency));
        Libc.Checked(Libc.TimerSet(Handle, Absolute, setting, 0), "timerfd_settime");
    }

    public void Clear(bool expired)
    {
        if (expired)
        {
            _moment = 0;
            Span<byte> count = stackalloc byte[8];
            _ = Libc.Read(Handle, count, 8);
        }
    }

    public void Dispose() => _ = Libc.Close(Handle);
}
