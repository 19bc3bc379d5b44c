using System.CommandLine;
using System.Runtime.InteropServices;
using PubSub.Conformance;
using PubSub.Conformance.Cli;

// The first Ctrl-C or SIGTERM lets the run clean up after itself and report what it has; the second ends the process at once.
using var stopping = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var root = new RootCommand(
    "Asks any publish/subscribe server over WebSocket and REST, requirement by requirement, whether it conforms to PubSubSpec.")
{
    RunCommand.Create(),
    ProbeCommand.Create(),
    ListCommand.Create(),
    ExplainCommand.Create(),
    CompareCommand.Create(),
    MatrixCommand.Create(),
    CleanupCommand.Create(),
    SelfTestCommand.Create(),
};

if (!root.Subcommands.Any(command => command.Name == args.FirstOrDefault()))
{
    // The overview shows one line for each command; its own help shows the rest.
    foreach (var command in root.Subcommands)
    {
        command.Description = command.Description?.Split('\n')[0];
    }
}

// A @FILE is an option's own business.
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        await Console.Error.WriteLineAsync(error.Message);
    }

    await Console.Error.WriteLineAsync($"Try: {string.Join(' ', CommandLine.PathOf(parsed.CommandResult))} --help");
    return ExitCode.Usage;
}

try
{
    return await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stopping.Token);
}
catch (WrongUsage wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return ExitCode.Usage;
}
catch (Unreachable unreachable)
{
    await Console.Error.WriteLineAsync(unreachable.Message);
    return ExitCode.Unreachable;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Cancelled.");
    return ExitCode.Cancelled;
}
catch (Exception e)
{
    await Console.Error.WriteLineAsync($"The suite itself failed; the target is not to blame. Please report this:\n{e}");
    return ExitCode.SuiteError;
}

void Stop(PosixSignalContext signal)
{
    if (!stopping.IsCancellationRequested)
    {
        signal.Cancel = true;
        Console.Error.WriteLine("Stopping, and cleaning up. Once more ends it at once.");
        stopping.Cancel();
    }
}
