using System.Runtime.CompilerServices;
using PubSub.Interleavings.Harness;

namespace System.Threading;

/// <summary>
/// Replaces the runtime's own, which the compiler knows by this name. The schedule decides which fiber gets the lock: another fiber may get
/// the turn before every acquisition and after every release.
/// </summary>
/// <param name="guards">The source file of the data it guards: <c>Topic</c>, <c>Subscriber</c> or <c>Broker</c>.</param>
internal sealed class Lock([CallerFilePath] string guards = "")
{
    private static readonly object Harness = new();

    private object? _owner;
    private int _depth;

    /// <summary>The source file of the data it guards, without path and extension.</summary>
    public string Guards { get; } = Path.GetFileNameWithoutExtension(guards);

    public bool IsHeldByCurrentThread => _owner == Me;

    public bool IsFreeFor(Fiber fiber) => _owner is null || _owner == fiber;

    private static object Me => Fiber.Current ?? Harness;

    public Scope EnterScope()
    {
        var fiber = Fiber.Current;
        fiber?.Pause(this);
        if (_owner is not null && _owner != Me)
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
