using Microsoft.Extensions.Time.Testing;

namespace PubSub.PropertyTests.Sockets;

/// <summary>A clock that advances in small steps, and that can fail once.</summary>
internal sealed class SteppingClock : FakeTimeProvider
{
    /// <summary>Times in tests and the interval of the sweep are multiples of it, so each sweep runs exactly when it is due.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private Exception? _fault;

    /// <summary>
    /// Advances in steps: <see cref="FakeTimeProvider"/> shows the end of the whole advance to every timer that falls due within it, and
    /// the sweep takes that for a stall (<see cref="Hosting.Sockets.SweepClock"/>).
    /// </summary>
    public void Advance(double seconds)
    {
        var left = TimeSpan.FromSeconds(seconds);
        for (; left > Step; left -= Step)
        {
            Advance(Step);
        }

        Advance(left);
    }

    /// <summary>Makes the next call of <see cref="GetUtcNow"/> throw, and no other.</summary>
    public void FailNext(Exception fault) => _fault = fault;

    public override DateTimeOffset GetUtcNow() => Interlocked.Exchange(ref _fault, null) is { } fault ? throw fault : base.GetUtcNow();
}
