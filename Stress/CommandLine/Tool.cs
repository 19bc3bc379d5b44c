using System.CommandLine;
using System.Runtime.InteropServices;
using PubSub.Stress.Bars;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.CommandLine;

/// <summary>The command line as a whole.</summary>
internal static class Tool
{
    private const string Purpose =
        """
        Loads publish/subscribe servers over WebSocket, measures them, and checks every promise they make.

        Every verb starts its own server, a published Release build of Host, unless --url or --server names another. A run that lost,
        duplicated, reordered or leaked a message has failed, even if it was fast.

        Exit status: 0 every promise kept, 1 one broken, 2 wrong usage.
        """;

    /// <summary>What the tool says on other systems.</summary>
    public const string LinuxOnly = "the load generator runs on Linux only";

    public static int Run(string[] arguments) => Run(arguments, OperatingSystem.IsLinux());

    public static int Run(string[] arguments, bool isLinux)
    {
        if (!isLinux)
        {
            Console.Error.WriteLine(LinuxOnly);
            return ExitCode.Usage;
        }

        // Exit in order, so that the ProcessExit handlers end servers and delete folders.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

        var root = new RootCommand(Purpose);
        Verb[] verbs = [];
        verbs =
        [
            new FanOut(), new Pairs(), new HttpPublish(), new Latency(), new WrongKeys(), new Saturation(), new Payload(), new Idle(),
            new Connect(), new Topics(), new Churn(), new JoinStorm(), new Reconnect(), new Slow(), new Faults(), new Soak(), new Memory(),
            new Allocations(), new ClusterVerb(), new BarsVerb(),
            new ReportVerb(() => verbs.ToDictionary(verb => verb.Name, verb => verb.Question)), new SubscriberProcess(),
        ];
        foreach (var verb in verbs)
        {
            root.Subcommands.Add(verb);
            if (verb.Name != arguments.FirstOrDefault())
            {
                verb.Description = verb.Question; // one line in the overview; the verb's own help shows the details
            }
        }

        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine(error.Message);
            }

            Console.Error.WriteLine($"Try: {(parsed.CommandResult.Command is Verb verb ? $"{verb.Name} " : "")}--help");
            return ExitCode.Usage;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UsageError e)
        {
            Progress.Done();
            Console.Error.WriteLine(e.Message);
            return ExitCode.Usage;
        }
        catch (RunFailed e)
        {
            Progress.Done();
            Console.Error.WriteLine($"FAILED: {e.Message}");
            return ExitCode.Failed;
        }
        catch (Exception e)
        {
            // An error in this tool. Servers have been ended and files closed on the way here, as with any other failure.
            Progress.Done();
            Console.Error.WriteLine($"FAILED with an unexpected error: {e}");
            return ExitCode.Failed;
        }
    }

    private static void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        Environment.Exit(ExitCode.Interrupted);
    }
}
