using System.CommandLine;

namespace PubSub.Stress;

/// <summary>One question the tool can answer.</summary>
internal abstract class Verb : Command
{
    /// <param name="name">As it is typed.</param>
    /// <param name="question">What it answers, in one sentence.</param>
    /// <param name="details">How it goes about that; shown by its own help.</param>
    protected Verb(string name, string question, string details)
        : base(name, $"{question}\n\n{details}")
    {
        Question = question;
        SetAction(parsed => Run(parsed) ? ExitCode.Ok : ExitCode.Failed);
    }

    public string Question { get; }

    /// <summary>Returns whether every promise was kept.</summary>
    protected abstract bool Run(ParseResult parsed);
}
