using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>The cleanup deletes the topics that runs have left behind, and no others.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CleanupTests
{
    private static readonly string[] Others =
    [
        "orders", "conformance", "conformance-1", "conformance-1a2b3c4-1-a", "conformance-1A2B3C4D-1-a", "my-conformance-1a2b3c4d-1-a",
    ];

    [Test]
    public async Task The_cleanup_only_lists_topics_unless_an_option_tells_it_to_delete_them()
    {
        const string One = "conformance-1a2b3c4d-1-a", Same = "conformance-1a2b3c4d-12-b/c";
        const string Another = "conformance-00000000-1-a", Foreign = "mine-1a2b3c4d-1-a";
        await using var server = new SmallServer();
        foreach (var topic in (string[])[One, Same, Another, Foreign, .. Others])
        {
            await server.CreateAsync(topic);
        }

        var told = await Tool.ExitsAsync(0, $"cleanup --url {server.Origin}");
        Assert.That(
            told.Out.Split('\n').Where(line => line.StartsWith("would delete ", StringComparison.Ordinal)),
            Is.EquivalentTo([$"would delete {One}", $"would delete {Same}", $"would delete {Another}"]));
        Assert.That(told.Out, Does.Contain("--all"));
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([One, Same, Another, Foreign, .. Others]), "nothing is deleted yet");

        await Tool.ExitsAsync(0, $"cleanup --url {server.Origin} --run 1A2B3C4D");
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([Another, Foreign, .. Others]));

        await Tool.ExitsAsync(0, $"cleanup --url {server.Origin} --all");
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo([Foreign, .. Others]));

        await Tool.ExitsAsync(0, $"cleanup --url {server.Origin} --all --namespace mine");
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo(Others));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task A_killed_run_can_be_cleaned_up_with_its_journal()
    {
        await using var server = new SmallServer(LongLine.Far(TimeSpan.FromMilliseconds(50)));
        using var folder = new Folder();
        await server.CreateAsync("orders");
        await using var tool = Tool.Start(
            Tool.Words($"run --url {server.Origin} --include FAN --repeat 100 --parallel 8 --namespace mine"), folder.Temporary);
        await tool.SaysAsync("scenarios, 8 at one time");
        await server.HasTopicAsync("mine-");

        tool.Kill();
        await tool.EndAsync();
        await server.CreateAsync("mine-1a2b3c4d-1-another-run");
        Assert.That(folder.Journals, Has.Count.EqualTo(1));
        Assert.That(Journal.Read(folder.Journals[0]).Topics, Is.Not.Empty);

        await Tool.ExitsAsync(0, $"cleanup --journal {folder.Journals[0]}");
        Assert.That(await server.TopicsAsync(), Is.EquivalentTo(["orders", "mine-1a2b3c4d-1-another-run"]));
        Assert.That(folder.Journals, Is.Empty, "the journal is deleted with the last topic");
    }

    [Test]
    public async Task A_topic_in_a_journal_that_no_run_can_have_created_is_not_deleted()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        await server.CreateAsync("orders");
        var journal = folder.Write("some.journal", $"[\"target\",\"{server.Origin}\"]\n[\"made\",\"orders\"]\n");

        await Tool.ExitsAsync(0, $"cleanup --journal {journal}");

        Assert.That(await server.TopicsAsync(), Is.EqualTo(["orders"]));
    }

    [TestCase("1a2b3c4")]
    [TestCase("*")]
    [TestCase("the-last")]
    public async Task A_malformed_run_id_is_wrong_usage(string id)
    {
        var run = await Tool.ExitsAsync(ExitCode.Usage, $"cleanup --url http://localhost --run {id}");

        run.Complains("--run", "eight hexadecimal digits", id);
    }

    [Test]
    public async Task An_unreachable_server_exits_with_3()
    {
        await using var server = new SmallServer();
        server.Crash();

        await Tool.ExitsAsync(ExitCode.Unreachable, $"cleanup --url {server.Origin} --all");
    }
}
