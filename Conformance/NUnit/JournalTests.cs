using System.Collections.Concurrent;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>After every kind of ending, the topics that the run made can be found and deleted, and no other topics are deleted.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class JournalTests
{
    // Scenarios use these names, and names of one character, without the prefix of the run, if the server does not have them yet.
    // Servers refuse the first two.
    private static readonly string[] Bare = [".", "..", "__proto__", "constructor"];

    private static readonly Uri Somewhere = new("http://127.0.0.1:9/v1");

    private static IEnumerable<TestCaseData> Hostile =>
    [
        new TestCaseData("plain").SetArgDisplayNames("plain"),
        new TestCaseData("\"],[\"gone\",\"plain\"]").SetArgDisplayNames("quotes"),
        new TestCaseData("a\nb\r\n[\"gone\",\"c\"]").SetArgDisplayNames("newlines"),
        new TestCaseData("back\\slash\\\\").SetArgDisplayNames("backslashes"),
        new TestCaseData("\u0000\u0001\u007f\u0085\u2028\u2029\ufeff").SetArgDisplayNames("controls"),
        new TestCaseData("\U0001f600 \u20ac \ufffd").SetArgDisplayNames("beyond ASCII"),
        new TestCaseData("\ud800").SetArgDisplayNames("a lone surrogate"),
        new TestCaseData("a\udc00\ud800b").SetArgDisplayNames("surrogates the wrong way round"),
        new TestCaseData(new string('x', 10_000)).SetArgDisplayNames("10,000 characters"),
        new TestCaseData("").SetArgDisplayNames("nothing"),
        new TestCaseData(" ").SetArgDisplayNames("a space"),
    ];

    [TestCaseSource(nameof(Hostile))]
    public void A_topic_of_any_name_is_read_back_from_the_journal(string topic)
    {
        using var folder = new Folder();
        using var journal = Journal.Begin(folder.Path, "deadbeef", Somewhere);

        journal.Made("before");
        journal.Made(topic);
        journal.Made("after");

        Assert.That(Journal.Read(journal.Path).Topics, Is.EquivalentTo((string[])["before", topic, "after"]));
        journal.Gone(topic);
        Assert.That(Journal.Read(journal.Path).Topics, Is.EquivalentTo((string[])["before", "after"]));
        Assert.That(File.ReadLines(journal.Path).Count(), Is.EqualTo(5), "every name takes one line");
    }

    [Test]
    public void A_journal_names_its_target_and_the_topics_left_on_it()
    {
        using var folder = new Folder();
        using var journal = Journal.Begin(System.IO.Path.Combine(folder.Path, "not", "there", "yet"), "deadbeef", Somewhere);

        journal.Made("a");
        journal.Made("a");
        journal.Made("b");
        journal.Gone("a");
        journal.Gone("a");
        journal.Gone("never made");

        Assert.That(Journal.Read(journal.Path).Target, Is.EqualTo(Somewhere.AbsoluteUri));
        Assert.That(Journal.Read(journal.Path).Topics, Is.EqualTo((string[])["b"]));
        Assert.That(journal.Left, Is.EqualTo((string[])["b"]));
        Assert.That(System.IO.Path.GetFileName(journal.Path), Is.EqualTo("deadbeef.journal"));
    }

    [Test]
    public void A_journal_is_deleted_when_no_topic_is_left_and_kept_otherwise()
    {
        using var folder = new Folder();
        var tidy = Journal.Begin(folder.Path, "aaaaaaaa", Somewhere);
        var untidy = Journal.Begin(folder.Path, "bbbbbbbb", Somewhere);
        tidy.Made("a");
        untidy.Made("a");
        tidy.Gone("a");

        tidy.Dispose();
        untidy.Dispose();
        untidy.Dispose();

        Assert.That(File.Exists(tidy.Path), Is.False);
        Assert.That(Journal.Read(untidy.Path).Topics, Is.EqualTo((string[])["a"]));
    }

    [Test]
    public void A_disposed_journal_ignores_further_topics()
    {
        using var folder = new Folder();
        var journal = Journal.Begin(folder.Path, "aaaaaaaa", Somewhere);
        journal.Dispose();

        Assert.That(() => journal.Made("late"), Throws.Nothing);
        Assert.That(() => journal.Gone("late"), Throws.Nothing);
        Assert.That(Directory.EnumerateFiles(folder.Path), Is.Empty);
    }

    [TestCase("[\"made\",\"half")]
    [TestCase("[\"made\"")]
    [TestCase("[")]
    [TestCase("[\"gone\",\"whole\"")]
    [TestCase("\u0000\u0000\u0000\u0000")]
    [TestCase("{}")]
    [TestCase("[\"made\",7]")]
    [TestCase("[\"made\"]")]
    [TestCase("[\"stolen\",\"whole\"]")]
    public void A_damaged_last_line_is_ignored_and_the_other_lines_are_read(string last)
    {
        using var folder = new Folder();
        var path = System.IO.Path.Combine(folder.Path, "deadbeef.journal");
        File.WriteAllText(path, $"[\"target\",\"http://h/v1\"]\n[\"made\",\"gone\"]\n[\"made\",\"whole\"]\n[\"gone\",\"gone\"]\n{last}");

        var (target, topics) = Journal.Read(path);

        Assert.That((target, topics.Single()), Is.EqualTo(("http://h/v1", "whole")));
    }

    [Test]
    public void An_empty_journal_has_no_target_and_no_topics()
    {
        using var folder = new Folder();
        var path = System.IO.Path.Combine(folder.Path, "deadbeef.journal");
        File.WriteAllText(path, "");

        Assert.That(Journal.Read(path).Target, Is.Null);
        Assert.That(Journal.Read(path).Topics, Is.Empty);
    }

    [Test]
    public void Many_threads_can_write_to_a_journal_at_once()
    {
        using var folder = new Folder();
        using var journal = Journal.Begin(folder.Path, "deadbeef", Somewhere);

        Parallel.For(0, 2_000, n =>
        {
            journal.Made($"topic {n}");
            if (n % 2 == 0)
            {
                journal.Gone($"topic {n}");
            }
        });

        Assert.That(Journal.Read(journal.Path).Topics, Is.EqualTo(journal.Left).And.Count.EqualTo(1_000));
    }

    // In a run -------------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_topic_is_in_the_journal_before_the_server_is_asked_to_create_it()
    {
        using var kept = new KeptJournal();
        var early = new ConcurrentQueue<string>();
        await using var server = new MortalServer
        {
            Answer = heard =>
            {
                if (heard.Method == "POST"
                    && !Journal.Read(kept.Journal.Path).Topics.Any(topic => heard.Body.Contains(topic, StringComparison.Ordinal)))
                {
                    early.Enqueue(heard.Body);
                }

                return null;
            },
        };
        Scenario[] scenarios =
        [
            Script.Scene("usual", async stage => stage.Expect.True((await stage.TopicAsync()).Length > 0, "there is a topic")),
            Script.Scene("by-hand", async stage =>
                stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(stage.FreshName()), "it is created")),
            Script.Scene("exact", async stage =>
            {
                await stage.CreateAsync($"{stage.FreshName()}/\" more");
                stage.Expect.True(true, "there is a topic");
            }),
        ];

        var results = await kept.ExecuteAsync(Script.Setup(server, scenarios));

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(3));
        Assert.That(server.Asked, Has.Count.EqualTo(4), "three, and the run's own topic, which shows a restart");
        Assert.That(early, Is.Empty);
        Assert.That(server.Topics, Is.Empty);
        Assert.That((kept.Journal.Left, results.Leftovers), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
    }

    [Test]
    public async Task A_deletion_that_is_refused_once_is_tried_again_at_the_end()
    {
        using var kept = new KeptJournal();
        var refusals = 0;
        await using var server = new MortalServer
        {
            Answer = heard => heard.Method == "DELETE" && Interlocked.Increment(ref refusals) == 1 ? new(503, "") : null,
        };

        var results = await kept.ExecuteAsync(Script.Setup(server, [Makes("one")]));

        Assert.That(refusals, Is.EqualTo(3), "the scenario's topic twice, the run's own topic once");
        Assert.That(server.Topics, Is.Empty);
        Assert.That(results.Leftovers, Is.Empty);
    }

    [TestCase(400)]
    [TestCase(403)]
    [TestCase(405)]
    [TestCase(500)]
    public async Task A_topic_that_the_server_does_not_delete_is_a_leftover_and_stays_in_the_journal(int status)
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer { Answer = heard => heard.Method == "DELETE" ? new(status, "") : null };

        var results = await kept.ExecuteAsync(Script.Setup(server, [Makes("one")]));
        kept.Journal.Dispose();

        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant), "leftovers do not change the verdict");
        Assert.That(results.Leftovers, Is.EquivalentTo(server.Topics).And.Count.EqualTo(2), "the scenario's topic and the run's own");
        Assert.That(Journal.Read(kept.Journal.Path).Topics, Is.EquivalentTo(server.Topics));
    }

    [Test]
    public async Task A_topic_that_was_never_created_is_not_a_leftover_when_its_deletion_fails()
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer
        {
            Answer = heard =>
                heard.Method == "DELETE" && !heard.Path.EndsWith("-running", StringComparison.Ordinal) ? new(400, "") : null,
        };
        var scenario = Script.Scene("only-a-name", stage =>
        {
            stage.Expect.True(stage.FreshName().Length > 0, "there is a name");
            return Task.CompletedTask;
        });

        var results = await kept.ExecuteAsync(Script.Setup(server, [scenario]));
        kept.Journal.Dispose();

        Assert.That(results.Leftovers, Is.Empty);
        Assert.That(File.Exists(kept.Journal.Path), Is.False);
    }

    [Test]
    public async Task The_topics_of_a_target_that_died_stay_in_the_journal()
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer();
        var scenario = Script.Scene("dies", async stage =>
        {
            await stage.TopicAsync();
            await Script.KillAsync(stage);
        });

        var results = await kept.ExecuteAsync(Script.Setup(server, [scenario]) with { Options = Script.Unsupervised });
        kept.Journal.Dispose();

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Leftovers, Has.Count.EqualTo(2), "the scenario's topic and the run's own");
        Assert.That(Journal.Read(kept.Journal.Path).Topics, Is.EqualTo(results.Leftovers));
        Assert.That(TopicNames.RunOf(results.Leftovers[0]), Is.EqualTo(results.Run));
    }

    [Test]
    public async Task Topics_on_a_server_that_a_scenario_starts_itself_are_not_in_the_journal()
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer();
        await using var own = new MortalServer();
        IReadOnlyList<string> written = ["not looked"];
        var scenario = Script.Scene("elsewhere", async stage =>
        {
            await stage.TopicAsync("topic", own.Target());
            written = kept.Journal.Left;
            stage.Expect.Equal(1, own.Topics.Count, "it is made there");
        });

        await kept.ExecuteAsync(Script.Setup(server, [scenario]));

        Assert.That(written, Has.All.EndsWith("-running"), "only the run's own topic");
        Assert.That(own.Topics, Is.Empty, "they are deleted nevertheless");
    }

    [Test]
    public async Task Topics_on_a_server_launched_for_a_scenario_are_not_in_the_journal()
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer();
        IReadOnlyList<string> written = ["not looked"];
        var scenario = Script.Scene("launched", async stage =>
        {
            await stage.TopicAsync();
            written = kept.Journal.Left;
            stage.Expect.Equal(1, (await stage.Rest.ListTopicsAsync()).Topics?.Count, "it is made there");
        }) with
        { Launch = new Dictionary<string, string>() };

        var results = await kept.ExecuteAsync(Script.Setup(server, [scenario]) with { Launch = HostServer.LaunchAsync });

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(1), results.Scenarios[0].Message);
        Assert.That(written, Has.All.EndsWith("-running"), "only the run's own topic");
        Assert.That(server.Asked, Has.Count.EqualTo(1), "only the run's own topic");
    }

    // All scenarios --------------------------------------------------------------------------------------------------

    /// <summary>They include the bare names that some scenarios would otherwise use.</summary>
    [Test]
    public async Task Topics_of_other_users_survive_every_scenario()
    {
        using var host = new WatchedHost();
        var target = Target.From(host.Origin);
        var rest = new Rest(target, CancellationToken.None);
        string[] theirs = [.. Bare[2..], "conformance", "conformance-deadbeef-1-topic", "a/b", "orders", "topic", "0"];
        foreach (var topic in theirs)
        {
            await rest.CreateTopicAsync(topic);
        }

        var scenarios = All.Scenarios.Where(scenario => scenario is { IsLoad: false, Area: "REST" or "DEL" }).ToList();
        var setup = new RunSetup { Catalogue = Catalogue.Embedded, Scenarios = scenarios, Probed = new(target, host.Origin) };
        await setup.ExecuteAsync(TestContext.CurrentContext.CancellationToken);

        Assert.That((await rest.ListTopicsAsync()).Topics!.Select(topic => topic.Name), Is.EquivalentTo(theirs));
        Assert.That(host.Made, Has.Count.GreaterThan(100));
    }

    [Test]
    public async Task Scenarios_create_only_topics_of_their_run_and_leave_none()
    {
        using var kept = new KeptJournal();
        using var host = new WatchedHost();
        var target = Target.From(host.Origin) with { Lacks = [Capability.Access, Capability.Metrics] }; // off by default
        var rest = new Rest(target, CancellationToken.None);
        await rest.CreateTopicAsync("another client's");

        var setup = new RunSetup { Catalogue = Catalogue.Embedded, Scenarios = All.Scenarios, Probed = new(target, host.Origin) };
        var results = await kept.ExecuteAsync(setup);
        kept.Journal.Dispose();

        var made = host.Made.Skip(1).ToList();
        Assert.That(results.Conclusion.ExitCode, Is.Zero, results.Conclusion.Message);
        Assert.That(made, Has.Count.GreaterThan(100));
        Assert.That(
            made.Where(topic => TopicNames.RunOf(topic) != results.Run && !Bare.Contains(topic) && topic.EnumerateRunes().Count() > 1),
            Is.Empty);
        Assert.That((await rest.ListTopicsAsync()).Topics!.Select(topic => topic.Name), Is.EqualTo((string[])["another client's"]));
        Assert.That(results.Leftovers, Is.Empty);
        Assert.That(File.Exists(kept.Journal.Path), Is.False);
    }

    /// <summary>The server creates a topic for every request, also for malformed ones.</summary>
    [Test]
    public async Task A_server_that_accepts_every_name_is_left_without_topics()
    {
        using var kept = new KeptJournal();
        await using var server = new MortalServer { TakesEverything = true };
        var probed = server.Probed(TimeSpan.FromSeconds(1));
        var patient = probed.Target.Timeouts with { Cleanup = TimeSpan.FromSeconds(10) };

        var results = await kept.ExecuteAsync(new RunSetup
        {
            Catalogue = Catalogue.Embedded,
            Scenarios = [.. All.Scenarios.Where(scenario => scenario is { IsLoad: false, IsLaunched: false, Area: "REST" or "ERR" })],
            Probed = probed with { Target = probed.Target with { Timeouts = patient } },
            Options = new() { Parallel = 16 },
        });

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Completed));
        Assert.That(server.Asked, Has.Count.GreaterThan(50));
        Assert.That(server.Topics, Is.Empty);
    }

    private static Scenario Makes(string slug) => Script.Scene(slug, async stage =>
    {
        await stage.TopicAsync();
        stage.Expect.True(true, "there is a topic");
    });

    /// <summary>The journal of one run, in a folder that is deleted with the test.</summary>
    private sealed class KeptJournal : IDisposable
    {
        private readonly Folder _folder = new();
        private readonly TopicNames _names = new();

        public KeptJournal() => Journal = Journal.Begin(_folder.Path, _names.Run, Somewhere);

        public Journal Journal { get; }

        public Task<Results> ExecuteAsync(RunSetup setup) =>
            (setup with { Names = _names.Journalled(Journal) }).ExecuteAsync(TestContext.CurrentContext.CancellationToken);

        public void Dispose()
        {
            Journal.Dispose();
            _folder.Dispose();
        }
    }

    /// <summary>A temporary folder, deleted with the test.</summary>
    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("conformance-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
