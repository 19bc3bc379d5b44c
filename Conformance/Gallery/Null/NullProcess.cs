using PubSub.Conformance.Launching;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>A null target as a process: it starts with any settings, ends at a signal, and writes nothing.</summary>
internal sealed class NullProcess : LaunchedServer
{
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly OpenTarget _open;

    public NullProcess(NullTarget target, IReadOnlyDictionary<string, string> settings, Timeouts timeouts)
        : base(timeouts)
    {
        _open = target.Open();
        ListensAt(_open.Origin, settings);
    }

    public override Task<int> Exited => _exited.Task;

    public override string StandardOutput => "";

    public override string StandardError => "";

    public override void Terminate() => _exited.TrySetResult(0);

    public override void Interrupt() => _exited.TrySetResult(0);

    public override void Kill() => _exited.TrySetResult(137);

    protected override ValueTask ReleaseAsync() => _open.Server.DisposeAsync();
}
