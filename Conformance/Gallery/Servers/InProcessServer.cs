using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// A small server that is taken for a process: it is started with settings, has an output, minds signals, and ends with an exit code.
/// </summary>
internal sealed class InProcessServer : LaunchedServer
{
    private const int Refused = 1;
    private const int Killed = 137;

    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly Lifetime? _lifetime;

    /// <param name="parts">A correct server's, or others.</param>
    /// <param name="settings">By the names of their variables.</param>
    /// <param name="timeouts">Of who started it.</param>
    public InProcessServer(Parts parts, IReadOnlyDictionary<string, string> settings, Timeouts? timeouts = null)
        : base(timeouts ?? new Timeouts())
    {
        try
        {
            var server = new SmallServer(parts with { Settings = parts.Read(settings), Write = line => Keep(_output, line) });
            _lifetime = server.Lifetime;
            ListensAt(server.Origin, settings);
            Exited = ExitAsync(server);
        }
        catch (CannotStart e)
        {
            Keep(_errors, parts.Complaint(e));
            Exited = Task.FromResult(Refused);
        }
    }

    public override Task<int> Exited { get; }

    public override string StandardOutput => Text(_output);

    public override string StandardError => Text(_errors);

    public override void Terminate() => _lifetime?.Terminate();

    public override void Interrupt() => _lifetime?.Interrupt();

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
