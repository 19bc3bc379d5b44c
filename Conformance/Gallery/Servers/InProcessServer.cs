using System.Text;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// A small server that looks like a process: it starts with settings, has an output, reacts to signals, and ends with an exit code.
/// </summary>
internal sealed class InProcessServer : LaunchedServer
{
    private const int Refused = 1;
    private const int Killed = 137;

    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly Lifetime? _lifetime;

    /// <param name="change">The fault; null for a correct server.</param>
    /// <param name="settings">The settings by the names of their variables.</param>
    /// <param name="timeouts">The timeouts of the launcher.</param>
    public InProcessServer(Change? change, IReadOnlyDictionary<string, string> settings, Timeouts? timeouts = null)
        : base(timeouts ?? new Timeouts())
    {
        Func<CannotStart, string> complain = fault => fault.Message;
        try
        {
            var server = new SmallServer(change ?? (_ => { }), ReadSettings);
            _lifetime = server.Lifetime;
            ListensAt(server.Origin, settings);
            Exited = ExitAsync(server);
        }
        catch (CannotStart e)
        {
            Keep(_errors, complain(e));
            Exited = Task.FromResult(Refused);
        }

        void ReadSettings(SmallServer server)
        {
            complain = server.Complaint.Call;
            server.Write.Wrap(_ => line => Keep(_output, line));
            server.Settings = server.Read.Call(settings);
        }
    }

    public override Task<int> Exited { get; }

    public override string StandardOutput => Text(_output);

    public override string StandardError => Text(_errors);

    public override void Terminate() => _lifetime?.Terminate.Call();

    public override void Interrupt() => _lifetime?.Interrupt.Call();

    public override void Kill() => _lifetime?.End(Killed);

    protected override ValueTask ReleaseAsync() => ValueTask.CompletedTask;

    private static async Task<int> ExitAsync(SmallServer server)
    {
        var code = await server.Lifetime.Over;
        await server.DisposeAsync();
        return code;
    }

    private static void Keep(StringBuilder text, string line)
    {
        lock (text)
        {
            text.Append(line).Append('\n');
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
