using System.CommandLine;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Running;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>cleanup</c>: deletes the topics that runs of this suite have left behind, and no others.</summary>
internal static class CleanupCommand
{
    private const string Description =
        """
        Deletes the topics that interrupted runs have left behind. Only names of this suite's own form are ever deleted:
        PREFIX-RUN-NUMBER-..., the run being eight hexadecimal digits. Without --run, --all or --journal it only lists what it would
        delete.

        Examples:
          pubsub-conformance cleanup --url http://localhost:8080
          pubsub-conformance cleanup --url http://localhost:8080 --run 1a2b3c4d
          pubsub-conformance cleanup --journal 1a2b3c4d.journal
        """;

    public static Command Create()
    {
        var target = new TargetOptions();
        var run = CommandLine.Text("--run", "Only the topics of this run.", "ID");
        var all = CommandLine.Flag("--all", "The topics of every run, also of those that are still under way.");
        var journal = CommandLine.Text("--journal", "The topics that this journal has left; it also names the target.", "FILE");
        var command = new Command("cleanup", Description) { run, all, journal };
        target.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var prefix = target.Namespace(parsed);
            var path = parsed.GetValue(journal);
            var wanted = parsed.GetValue(run)?.ToLowerInvariant();
            if (wanted is not (null or { Length: 8 }) || wanted?.All(char.IsAsciiHexDigit) == false)
            {
                throw new WrongUsage($"--run must be the eight hexadecimal digits of a run, but is '{wanted}'.");
            }

            if (target.Urls(parsed).Count > 1)
            {
                throw new WrongUsage("cleanup takes one --url: the topics of a server are the same behind each of its doors.");
            }

            var (where, noted) = path is null ? (null, null) : ReadJournal(path);
            var redaction = target.Redaction(parsed);
            var probing = target.Read(parsed, where);
            var really = noted is not null || wanted is not null || parsed.GetValue(all);
            try
            {
                var probed = await StallWatch.OfProcess.UnstalledAsync(
                    () => Probe.ExecuteAsync(probing, new TopicNames(prefix), cancellation: cancellation), cancellation);
                var left = await DeleteAsync(new Rest(probed.Target, cancellation), IsMeant, really);
                if (left == 0 && path is not null)
                {
                    Forget(path);
                }

                return left == 0 ? ExitCode.Conformant : ExitCode.Violation;
            }
            catch (Exception e) when (e is Unreachable or Violation)
            {
                throw new Unreachable(redaction.Clean(e.Message));
            }

            // The topics in a journal have the prefix of its own run, which may not be today's --namespace.
            bool IsMeant(string name) => noted is not null
                ? noted.Contains(name) && TopicNames.RunOf(name, name.Split('-')[0]) is not null
                : TopicNames.RunOf(name, prefix) is { } id && (wanted is null || wanted == id);
        });
        return command;
    }

    /// <summary>Returns how many could not be deleted.</summary>
    private static async Task<int> DeleteAsync(Rest rest, Func<string, bool> isMeant, bool really)
    {
        var listed = (await rest.ListTopicsAsync()).Topics ?? [];
        var ours = listed.Select(topic => topic.Name).OfType<string>().Where(isMeant).ToList();
        var left = 0;
        foreach (var name in ours)
        {
            var answer = really ? await rest.DeleteTopicAsync(name) : null;
            left += answer is null or { IsGone: true } ? 0 : 1;
            var outcome = answer is null ? "would delete" : answer.IsSuccess ? "deleted" : $"{answer.SentStatus} for";
            Console.WriteLine($"{outcome} {name}");
        }

        var hint = really ? "" : "; name a --run, or --all, to delete them";
        Console.WriteLine($"{ours.Count} of {listed.Count} topics are this suite's{hint}.");
        return left;
    }

    private static void Forget(string journal)
    {
        try
        {
            File.Delete(journal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A second cleanup with this journal will find nothing to delete.
        }
    }

    private static (Uri? Target, IReadOnlyList<string> Topics) ReadJournal(string path)
    {
        CommandLine.ReadFile(path, "The journal");
        var (target, topics) = Journal.Read(path);
        return (Uri.TryCreate(target, UriKind.Absolute, out var url) ? url : null, topics);
    }
}
