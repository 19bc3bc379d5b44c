using System.Runtime.CompilerServices;
using PubSub.Interleavings;

namespace System.Threading;

/// <summary>
/// As the runtime's own, which the compiler knows by this name, save that the schedule decides who gets it: before every acquisition and
/// after every release another fiber may have its turn.
/// </summary>
/// <param name="guards">The source file of what it guards: <c>Topic</c>, <c>Subscriber</c> or <c>Broker</c>.</param>
internal sealed class Lock([CallerFilePath] string guards = "")
{
    private static readonly object Harness = new();

    private object? _owner;
    private int _depth;

    /// <summary>What it guards, by the name of its source file.</summary>
    public string Guards { get; } = Path.GetFileNameWithoutExtension(guards);

    public bool IsHeldByCurrentThread => _owner == Me || IsPorous;

    public bool IsFreeFor(Fiber fiber) => _owner is null || _owner == fiber || IsPorous;

    private static object Me => Fiber.Current ?? Harness;

    /// <summary>Whether it lets everybody in, to show that it is needed.</summary>
    private bool IsPorous => Fiber.Current is { } fiber && fiber.Scheduler.Porous == Guards;

    public Scope EnterScope()
    {
        var fiber = Fiber.Current;
        fiber?.Pause(this);
        if (_owner is not null && _owner != Me && !IsPorous)
        {
            throw new SynchronizationLockException($"a lock of {Guards} was never released");
        }

        _owner = Me;
        _depth++;
        fiber?.Entered(this);
        return new Scope(this);
    }

    private void Exit()
    {
        if (--_depth == 0)
        {
            _owner = null;
        }

        Fiber.Current?.Left(this);
    }

    public readonly ref struct Scope(Lock entered)
    {
        public void Dispose() => entered.Exit();
    }
}
