using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Cli;

/// <summary>
/// The journal of one run, in a folder of the machine's temporary files. <c>cleanup</c> reads the journal of a killed run.
/// </summary>
internal sealed class Journals(string prefix) : IDisposable
{
    private Journal? _journal;
    private TopicNames? _names;

    public static string Folder { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "pubsub-conformance");

    public TopicNames Names => _names ?? throw new InvalidOperationException("The journal has not begun.");

    public string Path => _journal!.Path;

    /// <summary>From now on every topic is written to the journal before it is created.</summary>
    public void Begin(Uri target)
    {
        var names = new TopicNames(prefix);
        try
        {
            _journal = Journal.Begin(Folder, names.Run, target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WrongUsage($"The journal of the run cannot be written in {Folder}: {e.Message}");
        }

        _names = names.Journalled(_journal);
    }

    public void Dispose()
    {
        _journal?.Dispose();
        if (_journal?.Fault is { } fault)
        {
            Console.Error.WriteLine(
                $"The journal {Path} is incomplete: {fault}. To find the topics that a killed run leaves, use cleanup without --journal.");
        }
    }
}
