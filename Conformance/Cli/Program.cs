using System.CommandLine;
using PubSub.Conformance;
using PubSub.Conformance.Cli;
using PubSub.Conformance.Network;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Verdicts;

// The terminal may be gone when SIGHUP arrives; writing to it must not end the process.
var output = LossyStream.ReplaceConsole();
using var signals = new StopSignals();

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

// No response files: --include and --known-failing read a @FILE themselves.
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

if (parsed.CommandResult.Command.Name == "run" && Descriptors.Shortage() is { } shortage)
{
    await Console.Error.WriteLineAsync(shortage);
    return ExitCode.SuiteError;
}

try
{
    var status = await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, signals.Token);
    if (output.Fault is not { } fault)
    {
        return status;
    }

    // The exit status of a run is its verdict. Any other command is useless without its output.
    await Console.Error.WriteLineAsync($"Standard output cannot be written: {fault}");
    return status == 0 && parsed.CommandResult.Command.Name != "run" ? ExitCode.Usage : status;
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
catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Cancelled.");
    return ExitCode.Cancelled;
}
catch (Exception e) when (Interference.Of(e) is { } interference)
{
    await Console.Error.WriteLineAsync($"{interference.Message.TrimEnd('.')}. The target is not to blame.");
    return interference.Kind == InterferenceKind.Machine ? ExitCode.SuiteError : ExitCode.Unreachable;
}
catch (Exception e)
{
    await Console.Error.WriteLineAsync($"The suite itself failed; the target is not to blame. Please report this:\n{e}");
    return ExitCode.SuiteError;
}
