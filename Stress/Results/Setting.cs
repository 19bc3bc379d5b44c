using System.Globalization;
using System.Runtime.InteropServices;

namespace PubSub.Stress.Results;

/// <summary>The machine, the software and the servers of a run: figures cannot be compared without them.</summary>
internal sealed record Setting(
    string CommandLine,
    DateTimeOffset Started,
    string Machine,
    int Cores,
    long MemoryBytes,
    string OperatingSystem,
    string Runtime,
    string Placement,
    IReadOnlyList<ContenderNote> Contenders)
{
    public static Setting Of(IReadOnlyList<ContenderNote> contenders) => new(
        "Stress " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1)),
        TimeProvider.System.GetUtcNow(),
        Processor(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        RuntimeInformation.OSDescription,
        $"{RuntimeInformation.FrameworkDescription} {RuntimeInformation.ProcessArchitecture}",
        "servers and load generator are processes on this machine and share its cores",
        contenders);

    public void Print()
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            command   {CommandLine}
            machine   {Machine}, {Cores} cores, {MemoryBytes / 1e9:0.#} GB, {OperatingSystem}
            client    {Runtime}
            note      {Placement}
            """));
        foreach (var contender in Contenders)
        {
            Console.WriteLine($"{(contender.Absent ? "absent " : "server ")}   {contender.Name}: {contender.Version}");
        }

        Console.WriteLine();
    }

    private static string Processor()
    {
        var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
        return line is null ? "unknown processor" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
