using System.Runtime.InteropServices;

namespace PubSub.Stress;

/// <summary>The circumstances without which a figure means nothing.</summary>
internal sealed record Setting(
    string CommandLine, DateTimeOffset Started, string Machine, int Cores, string OperatingSystem, string Runtime, string Placement, string[] Servers)
{
    public static Setting Of(params IEnumerable<string> servers) => new(
        "PubSub.Stress " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1)),
        TimeProvider.System.GetUtcNow(),
        Processor(),
        Environment.ProcessorCount,
        RuntimeInformation.OSDescription,
        $"{RuntimeInformation.FrameworkDescription} {RuntimeInformation.ProcessArchitecture}",
        "server and load generator are two processes on this machine and share its cores",
        [.. servers]);

    public void Print()
    {
        Console.WriteLine($"""
            command   {CommandLine}
            machine   {Machine}, {Cores} cores, {OperatingSystem}
            client    {Runtime}, one thread
            note      {Placement}
            """);
        foreach (var server in Servers)
        {
            Console.WriteLine($"server    {server}");
        }

        Console.WriteLine();
    }

    private static string Processor()
    {
        var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
        return line is null ? "unknown processor" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
