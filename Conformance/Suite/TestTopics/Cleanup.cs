using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.TestTopics;

/// <summary>Deletes topics that are no longer needed.</summary>
internal static class Cleanup
{
    private const int DeletionsAtOnce = 8;

    /// <summary>Deletes a topic within <see cref="Timeouts.Cleanup"/>. Null without an answer: the journal keeps the topic.</summary>
    public static async Task<HttpAnswer?> DeleteAsync(Target target, string topic, Journal? journal, Transcript transcript)
    {
        using var limit = new CancellationTokenSource(target.Timeouts.Cleanup, transcript.Time);
        try
        {
            var answer = await new Rest(target, transcript, limit.Token).DeleteTopicAsync(topic);
            if (answer.IsGone)
            {
                journal?.Gone(topic);
            }

            return answer;
        }
        catch (Exception e) when (e is Violation or Interference or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Tries again to delete the topics that are left. A topic that the server does not list was never created.</summary>
    public static async Task DeleteLeftoversAsync(Journal? journal, Target target, TimeProvider time)
    {
        if (journal is not { Left.Count: > 0 })
        {
            return;
        }

        using var limit = new CancellationTokenSource(target.Timeouts.Cleanup * 4, time);
        try
        {
            var rest = new Rest(target, limit.Token);
            var listed = (await rest.ListTopicsAsync()).Topics?.Select(topic => topic.Name).ToHashSet(StringComparer.Ordinal);
            await Parallel.ForEachAsync(journal.Left, new ParallelOptions { MaxDegreeOfParallelism = DeletionsAtOnce }, async (topic, _) =>
            {
                if (listed?.Contains(topic) == false || (await rest.DeleteTopicAsync(topic)).IsGone)
                {
                    journal.Gone(topic);
                }
            });
        }
        catch (Exception e) when (e is Violation or Interference or OperationCanceledException)
        {
            // The server does not answer; the journal keeps what is left.
        }
    }
}
