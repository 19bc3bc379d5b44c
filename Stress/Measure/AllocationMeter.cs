using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;

namespace PubSub.Stress;

/// <summary>Asks a server that was started with <see cref="StartupHook"/> what it has allocated.</summary>
internal sealed class AllocationMeter
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly string _pipe = $"stress-{Guid.NewGuid():N}";

    public AllocationMeter() => Environment = new Dictionary<string, string>
    {
        ["DOTNET_STARTUP_HOOKS"] = typeof(AllocationMeter).Assembly.Location,
        [StartupHook.PipeVariable] = _pipe,
    };

    /// <summary>What to start the server with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>What a question costs the server itself; to be subtracted.</summary>
    public long Overhead()
    {
        Read();
        var before = Read();
        return Read() - before;
    }

    /// <summary>Bytes on the managed heap since the start, whether or not they were collected since.</summary>
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
                // It was just closing the pipe of the question before.
            }
            catch (Exception e) when (e is TimeoutException or IOException or FormatException)
            {
                throw new RunFailed($"the server does not say what it has allocated: it has to be built for the JIT ({e.Message})");
            }
        }
    }
}
