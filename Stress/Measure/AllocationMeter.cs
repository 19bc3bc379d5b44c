using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;

namespace PubSub.Stress.Measure;

/// <summary>Asks a server started with <see cref="StartupHook"/> how many bytes it has allocated.</summary>
internal sealed class AllocationMeter
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly string _pipe = $"stress-{Guid.NewGuid():N}";

    public AllocationMeter() => Environment = new Dictionary<string, string>
    {
        ["DOTNET_STARTUP_HOOKS"] = typeof(AllocationMeter).Assembly.Location,
        [StartupHook.PipeVariable] = _pipe,
    };

    /// <summary>The environment variables to start the server with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Bytes that one reading allocates in the server, for the caller to subtract.</summary>
    public long Overhead()
    {
        Read();
        var before = Read();
        return Read() - before;
    }

    /// <summary>Bytes allocated on the managed heap since the start, including those collected since.</summary>
    public long Read()
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var pipe = new NamedPipeClientStream(".", _pipe, PipeDirection.In);
                pipe.Connect(AnswerTimeout);
                using var reader = new StreamReader(pipe);
                return long.Parse(reader.ReadLine() ?? "", CultureInfo.InvariantCulture);
            }
            catch (Exception e) when (e is IOException or FormatException && Stopwatch.GetElapsedTime(start) < AnswerTimeout)
            {
                // The server was still closing the pipe of the reading before.
            }
            catch (Exception e) when (e is TimeoutException or IOException or FormatException)
            {
                throw new RunFailed($"the server does not report its allocations: it must be a build for the JIT ({e.Message})");
            }
        }
    }
}
