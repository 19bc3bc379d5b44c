using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>
/// A subscriber in a process of its own, which can be stopped and killed, unlike a connection of this process. It is a hidden verb of
/// this tool.
/// </summary>
internal sealed class SubscriberProcess : Verb
{
    private const string VerbName = "subscriber";
    private const string Ready = "subscribed";
    private const int GoneMilliseconds = 10_000; // from the kill to its exit

    private static readonly ConcurrentDictionary<int, Process> Running = [];

    private readonly Option<string?> _url = OptionFactory.Text("--url", "The server.", "URL");
    private readonly Option<string?> _topic = OptionFactory.Text("--topic", "The topic to subscribe to.", "TOPIC");

    // A stopped process does not react to Ctrl-C.
    static SubscriberProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        Array.ForEach([.. Running.Values], process => process.Kill());

    public SubscriberProcess()
        : base(VerbName, "Subscribes and reads until it is killed; for the faults.", "")
    {
        Hidden = true;
        Options.Add(_url);
        Options.Add(_topic);
    }

    /// <summary>Starts a subscriber without waiting until it has subscribed.</summary>
    public static Process Start(PubSubContender server, string topic)
    {
        var start = new ProcessStartInfo(
            "dotnet", [typeof(SubscriberProcess).Assembly.Location, VerbName, "--url", server.Url.AbsoluteUri, "--topic", topic])
        {
            RedirectStandardOutput = true,
        };
        var process = new Process { StartInfo = start };
        process.Start();
        Running[process.Id] = process;
        return process;
    }

    public static void AwaitSubscribed(Process process)
    {
        if (process.StandardOutput.ReadLine() != Ready)
        {
            throw new RunFailed("the subscriber process did not subscribe");
        }
    }

    /// <summary>Kills the process, also if it is stopped.</summary>
    public static void End(Process process)
    {
        Running.TryRemove(process.Id, out _);
        process.Kill();
        process.WaitForExit(GoneMilliseconds);
        process.Dispose();
    }

    protected override bool Run(ParseResult parsed)
    {
        var url = new Uri(parsed.GetValue(_url) ?? throw new UsageError("--url is needed"));
        using var server = new PubSubContender(VerbName, "", url, Conformance.Targets.Dialect.V1, pid: null);
        using var loop = new Loop();
        var connection = server.Open(loop, FaultLoad.PayloadBytes);
        connection.MayEnd = true;
        connection.Subscribe(parsed.GetValue(_topic) ?? throw new UsageError("--topic is needed"), lastN: 0);
        connection.Flush();
        loop.Until(() => connection.Unanswered == 0, TimeSpan.FromSeconds(10), "for the subscribe to be answered");
        Console.WriteLine(Ready);
        while (connection.Ending is null)
        {
            loop.Turn(1000);
        }

        return true;
    }
}
