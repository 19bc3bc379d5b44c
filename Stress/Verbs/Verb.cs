using System.CommandLine;

namespace PubSub.Stress.Verbs;

/// <summary>One question the tool can answer.</summary>
internal abstract class Verb : Command
{
    /// <param name="name">The verb on the command line.</param>
    /// <param name="question">The question it answers, in one sentence.</param>
    /// <param name="details">The method; shown by the verb's own help.</param>
    protected Verb(string name, string question, string details)
        : base(name, $"{question}\n\n{details}")
    {
        Question = question;
        SetAction(parsed => Run(parsed) ? ExitCode.Ok : ExitCode.Failed);
    }

    public string Question { get; }

    /// <returns>Whether every promise was kept.</returns>
    protected abstract bool Run(ParseResult parsed);
}
