using System.CommandLine;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>probe</c>: says what a target is, with the evidence.</summary>
internal static class ProbeCommand
{
    private const string Description =
        """
        Says what a server is: where its interfaces are, which dialect it speaks, how fast it answers, with the evidence.
        Each --url is probed; --write writes what was found at the first.

        Example:
          pubsub-conformance probe --url http://localhost:8080 --write target.json
        """;

    public static Command Create()
    {
        var target = new TargetOptions();
        var write = CommandLine.Text(
            "--write", "Writes what was found as a target file, to be committed and given to 'run --target'.", "FILE");
        var command = new Command("probe", Description) { write };
        target.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var redaction = target.Redaction(parsed);
            var probing = target.Read(parsed);
            var others = target.Others(parsed);
            using var journal = new Journals(target.Namespace(parsed));
            journal.Begin(probing.Url);
            var probed = await TargetOptions.ProbeAsync(probing, journal.Names, redaction, cancellation);
            Console.WriteLine(Findings.Describe(probed, redaction));
            foreach (var door in others)
            {
                var other = await TargetOptions.ProbeAsync(probing with { Url = door }, journal.Names, redaction, cancellation);
                Console.WriteLine(Findings.Describe(other, redaction));
            }

            if (parsed.GetValue(write) is { } path)
            {
                var found = probed.ToFile();
                var file = found with { Dialect = target.DialectFile(parsed, path) ?? found.Dialect };
                CommandLine.WriteFile(path, "--write", file.ToJson() + "\n");
                Console.WriteLine($"Written to {path}.");
            }

            return ExitCode.Conformant;
        });
        return command;
    }
}
