using System.Globalization;
using System.IO.Pipes;

/// <summary>
/// Runs inside a .NET server that is started with <c>DOTNET_STARTUP_HOOKS</c> naming this assembly. Before the server's own code runs,
/// it starts one thread that answers how many bytes the process has allocated on its managed heap. The server itself is not changed.
/// The runtime requires exactly this type name, outside any namespace.
/// </summary>
internal static class StartupHook
{
    public const string PipeVariable = "STRESS_ALLOCATIONS";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(PipeVariable) is { Length: > 0 } pipe)
        {
            new Thread(() => Answer(pipe)) { IsBackground = true, Name = "allocations" }.Start();
        }
    }

    private static void Answer(string name)
    {
        while (true)
        {
            using var pipe = new NamedPipeServerStream(name, PipeDirection.Out, 1);
            pipe.WaitForConnection();
            var answer = GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture) + "\n";
            pipe.Write(System.Text.Encoding.ASCII.GetBytes(answer));
        }
    }
}
