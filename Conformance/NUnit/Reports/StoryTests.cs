using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The text of a run fits the width of the terminal, and its colours change no text.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class StoryTests
{
    [TestCase(40)]
    [TestCase(80)]
    [TestCase(200)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        var story = Story.Render(SampleResults.EvilEverywhere(), width, verbose: true);

        Assert.That(story.Split('\n').Where(line => line.Length > width), Is.Empty);
    }

    [Test]
    public void Colour_is_written_only_when_asked_for_and_changes_no_text()
    {
        var plain = Story.Render(SampleResults.Every());
        var coloured = Story.Render(SampleResults.Every(), colour: true);

        Assert.That(plain, Does.Not.Contain('\u001b'));
        Assert.That(coloured, Does.Contain('\u001b'));
        Assert.That(Ansi().Replace(coloured, ""), Is.EqualTo(plain));
    }

    [GeneratedRegex("\u001b\\[[0-9;]*m")]
    private static partial Regex Ansi();
}
