using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>What a run has left behind goes, and nothing that is somebody else's.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CleanupTests
{
    private static readonly string[] Others = ["orders", "conformance", "conformance-1", "conformance-1a2b3c4-1-a", "conformance-1A2B3C4D-1-a", "my-conformance-1a2b3c4d-1-a"];

    [Test]
    public async Task It_says_what_it_would_do_and_does_what_it_is_told()
    {
        const string One = "conformance-1a2b3c4d-1-a", Same = "conformance-1a2b3c4d-12-b/c", Another = "conformance-00000000-1-a", Foreign = "mine-1a2b3c4d-1-a";
        await using var server = new SmallServer();
        string[] url = ["--url", server.Origin.AbsoluteUri];
        foreach (var topic in (string[])[One, Same, Another, Foreign, .. Others])
        {
            await server.CreateAsync(topic);
        }

        var told = await Tool.RunAsync(["cleanup", .. url]);
        Assert.That(told.Exit, Is.Zero, told.ToString());
        Assert.That(
            told.Out.Split('\n').Where(line => line.StartsWith("would delete ", StringComparison.Ordinal)).Select(line => line["would delete ".Length..]),
            Is.EquivalentTo([One, Same, Another]));
        Assert.That(told.Out, Does.Contain("--all"));
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([One, Same, Another, Foreign, .. Others]), "it only said so");

        await Tool.RunAsync(["cleanup", .. url, "--run", "1A2B3C4D"]);
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([Another, Foreign, .. Others]));

        await Tool.RunAsync(["cleanup", .. url, "--all"]);
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([Foreign, .. Others]));

        await Tool.RunAsync(["cleanup", .. url, "--all", "--namespace", "mine"]);
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo(Others));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task The_journal_of_a_run_that_was_killed_is_enough_to_clean_up_after_it()
    {
        await using var server = new SmallServer(LongLine.Far(TimeSpan.FromMilliseconds(50)));
        using var folder = new Folder();
        await server.CreateAsync("orders");
        await server.CreateAsync("mine-1a2b3c4d-1-another-run");
        await using var tool = Tool.Start(
            ["run", "--url", server.Origin.AbsoluteUri, "--include", "FAN", "--repeat", "100", "--namespace", "mine"], folder.Temporary);
        await tool.SaysAsync("scenarios, 8 at one time");
        await server.HasTopicAsync("mine-");

        tool.Kill();
        await tool.EndAsync();
        Assert.That(folder.Journals, Has.Count.EqualTo(1));
        Assert.That(Journal.Read(folder.Journals[0]).Topics, Is.Not.Empty);

        var cleaned = await Tool.RunAsync("cleanup", "--journal", folder.Journals[0]);
        Assert.That(cleaned.Exit, Is.Zero, cleaned.ToString());
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo(["orders", "mine-1a2b3c4d-1-another-run"]));
        Assert.That(folder.Journals, Is.Empty, "there is nothing left to do");
    }

    [Test]
    public async Task A_journal_deletes_no_topic_that_no_run_can_have_made()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        await server.CreateAsync("orders");
        var journal = folder.Write("some.journal", $"[\"target\",\"{server.Origin}\"]\n[\"made\",\"orders\"]\n");

        var run = await Tool.RunAsync("cleanup", "--journal", journal);

        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(await server.TopicsAsync(), Is.EqualTo(["orders"]));
    }

    [TestCase("1a2b3c4")]
    [TestCase("*")]
    [TestCase("the-last")]
    public async Task A_run_that_cannot_be_is_wrong_usage(string id)
    {
        var run = await Tool.RunAsync("cleanup", "--url", "http://localhost", "--run", id);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Usage), run.ToString());
        Assert.That(run.Errors, Does.Contain("--run").And.Contain("eight hexadecimal digits").And.Contain(id));
    }

    [Test]
    public async Task Nobody_there_is_3()
    {
        await using var server = new SmallServer();
        server.Crash();

        var run = await Tool.RunAsync("cleanup", "--url", server.Origin.AbsoluteUri, "--all");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Unreachable), run.ToString());
    }
}
