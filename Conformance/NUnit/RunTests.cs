using System.Collections.Concurrent;
using System.Globalization;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>A run executes the selected scenarios, in order and within its bounds, and reports exactly what it saw.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class RunTests
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

    // Order and number -----------------------------------------------------------------------------------------------

    [Test]
    public async Task Without_a_seed_scenarios_run_in_the_order_of_the_specification() =>
        Assert.That(await OrderAsync(seed: null), Is.EqualTo(Letters));

    [Test]
    public async Task The_same_seed_gives_the_same_order_and_another_seed_another_order()
    {
        var one = await OrderAsync(7);

        Assert.That(one, Is.EquivalentTo(Letters).And.Not.EqualTo(Letters));
        Assert.That(await OrderAsync(7), Is.EqualTo(one));
        Assert.That(await OrderAsync(8), Is.Not.EqualTo(one));
    }

    [Test]
    public async Task Each_repetition_has_its_own_order_which_the_seed_determines()
    {
        var twice = await OrderAsync(7, repeat: 2);

        Assert.That(twice, Has.Count.EqualTo(2 * Letters.Length));
        Assert.That(
            twice.Take(Letters.Length),
            Is.EquivalentTo(Letters).And.Not.EqualTo(twice.Skip(Letters.Length)),
            "each repetition runs the whole set");
        Assert.That(await OrderAsync(7, repeat: 2), Is.EqualTo(twice));
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(8)]
    public async Task Exactly_the_allowed_number_of_scenarios_run_at_once(int parallel)
    {
        var crowd = new Crowd(parallel);

        var results = await Script.PlayAsync(Many(12, crowd), new RunOptions { Parallel = parallel });

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(12));
        Assert.That(crowd.Most, Is.EqualTo(parallel));
    }

    [TestCase(8, 2)]
    [TestCase(1, 1)]
    public async Task Load_scenarios_run_last_and_at_most_two_at_once(int parallel, int most)
    {
        var crowd = new Crowd(most);
        var others = 0;
        var early = 0;
        Scenario[] scenarios =
        [
            .. Many(4, crowd, _ => early += Volatile.Read(ref others) == 3 ? 0 : 1).Select(scenario => scenario with { IsLoad = true }),
            .. Letters.Take(3).Select(letter => Script.Scene(letter, async stage =>
            {
                await Script.AskAsync(stage);
                Interlocked.Increment(ref others);
            })),
        ];

        var results = await Script.PlayAsync(scenarios, new RunOptions { Parallel = parallel, AllowLoad = true });

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(7));
        Assert.That((crowd.Most, early), Is.EqualTo((most, 0)));
    }

    [Test]
    public async Task A_scenario_that_is_left_out_is_not_run_and_gives_the_reason()
    {
        var played = new ConcurrentQueue<string>();
        Scenario[] scenarios = [.. Notes(played, "in", "out", "beside"), Notes(played, "load").Single() with { IsLoad = true }];
        var selection = new Selection { Include = [new("*/in"), new("*/out"), new("*/load")], Exclude = [new("*/out")] };

        var results = await Script.PlayAsync(scenarios, new RunOptions { Selection = selection });

        Assert.That(played, Is.EqualTo((string[])["in"]));
        Assert.That(
            results.Scenarios.Select(scenario => scenario.Id),
            Is.EqualTo(scenarios.Select(scenario => scenario.Id)),
            "all are listed, in order");
        Assert.That(results.Totals[Verdict.Disabled], Is.EqualTo(3));
        Assert.That(results.Of("out").Message, Does.Contain("excluded by '*/out'"));
        Assert.That(results.Of("beside").Message, Does.Contain("not among"));
        Assert.That(results.Of("load").Message, Does.Contain("--allow load"));
        Assert.That(
            results.Requirements.Single(requirement => requirement.Id == Script.IdOf(Level.Must)).Status,
            Is.EqualTo(RequirementStatus.PartlyEvaluated));
    }

    [Test]
    public async Task All_repetitions_are_listed_and_the_worst_one_counts()
    {
        var turn = 0;
        var flaky = Script.Scene("flaky", async stage =>
        {
            await stage.Rest.HealthAsync();
            stage.Expect.Equal("good", Interlocked.Increment(ref turn) == 2 ? "bad, this once" : "good", "the weather");
        });

        var results = await Script.PlayAsync([flaky, Script.Asks("steady")], new RunOptions { Repeat = 3 });

        Assert.That(results.Of("flaky").Repetitions, Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass]));
        Assert.That((results.Of("flaky").Verdict, results.Of("flaky").Observed), Is.EqualTo((Verdict.Fail, "\"bad, this once\"")));
        Assert.That(results.Of("steady").Repetitions, Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Pass, Verdict.Pass]));
        Assert.That(results.Totals.Values.Sum(), Is.EqualTo(2), "a scenario counts once, not once per repetition");
        Assert.That(
            (await Script.PlayAsync([Script.Asks("steady")])).Of("steady").Repetitions,
            Is.Empty,
            "a single run lists no repetitions");
    }

    [Test]
    public async Task Progress_is_reported_once_per_scenario_and_repetition_with_the_verdict()
    {
        await using var server = new MortalServer();
        var told = new Told();
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("bad"), Script.Asks("load") with { IsLoad = true }];

        await (Script.Setup(server, scenarios) with { Options = new() { Repeat = 2, Parallel = 1 }, Progress = told }).ExecuteAsync();

        Assert.That(told.Seen.Select(progress => progress.Done), Is.EqualTo((int[])[1, 2, 3, 4]));
        Assert.That(told.Seen.Select(progress => progress.Total), Is.All.EqualTo(4));
        Assert.That(
            told.Seen.Select(progress => progress.Scenario.Verdict),
            Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass, Verdict.Fail]));
    }

    // Expectations ---------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_known_failure_that_passes_is_stale_and_one_that_fails_is_not()
    {
        var open = new Dictionary<string, string> { [Script.IdOf(Level.Should)] = "It is optional." };
        await using var server = new MortalServer { Dialect = Dialect.V1 with { LeavesOpen = open } };
        Scenario[] scenarios = [Script.Asks("cured"), Script.Complains("ill"), Script.Complains("optional", Level.Should)];
        var selection = new Selection { KnownFailing = [new("*/cured"), new("*/ill"), new("*/optional")] };

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Selection = selection });

        Assert.That((results.Conclusion.Kind, results.Conclusion.ExitCode), Is.EqualTo((ConclusionKind.Stale, ExitCode.Stale)));
        Assert.That(results.Stale, Has.Count.EqualTo(2));
        Assert.That(results.Stale[0], Does.Contain("/cured").And.Contain("'*/cured'").And.Contain("passed"));
        Assert.That(results.Stale[1], Does.Contain("/optional"));
        Assert.That((results.Of("ill").Verdict, results.Of("ill").KnownFailing), Is.EqualTo((Verdict.Fail, "*/ill")), "its verdict stays");
        Assert.That(
            (await Script.PlayAsync(scenarios[..2], new RunOptions { Selection = new() { KnownFailing = [new("*/ill")] } }))
                .Conclusion.ExitCode,
            Is.EqualTo(ExitCode.Conformant));
    }

    [Test]
    public async Task A_known_failure_that_fails_only_sometimes_is_not_stale()
    {
        var turn = 0;
        var flaky = Script.Scene("flaky", async stage =>
        {
            await stage.Rest.HealthAsync();
            stage.Expect.True(Interlocked.Increment(ref turn) != 2, "the weather");
        });

        var results = await Script.PlayAsync(
            [flaky, Script.Asks("steady")], new RunOptions { Repeat = 3, Selection = new() { KnownFailing = [new("*/flaky")] } });

        Assert.That((results.Stale, results.Conclusion.ExitCode), Is.EqualTo((Array.Empty<string>(), ExitCode.Conformant)));
    }

    [Test]
    public async Task A_pattern_that_matches_nothing_is_stale()
    {
        var results = await Script.PlayAsync([Script.Asks("one")], new RunOptions { Selection = new() { Exclude = [new("*/two")] } });

        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Stale));
        Assert.That(results.Stale.Single(), Does.Contain("--exclude").And.Contain("*/two"));
    }

    [Test]
    public async Task In_a_strict_run_a_violated_SHOULD_is_a_violation()
    {
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("advice", Level.Should)];

        Assert.That((await Script.PlayAsync(scenarios)).Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That(
            (await Script.PlayAsync(scenarios, new RunOptions { Strict = true })).Conclusion.ExitCode,
            Is.EqualTo(ExitCode.Violation));
    }

    // Transcripts ----------------------------------------------------------------------------------------------------

    [TestCase(KeptTranscripts.None, false, false)]
    [TestCase(KeptTranscripts.Failed, false, true)]
    [TestCase(KeptTranscripts.All, true, true)]
    public async Task Transcripts_are_kept_for_the_scenarios_that_the_user_asked_for(KeptTranscripts kept, bool good, bool bad)
    {
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("bad"), Script.Complains("advice", Level.Should)];

        var results = await Script.PlayAsync(scenarios, new RunOptions { Transcripts = kept, Repeat = 2 });

        Assert.That(
            (results.Of("good").Transcript.Count > 0, results.Of("bad").Transcript.Count > 0, results.Of("advice").Transcript.Count > 0),
            Is.EqualTo((good, bad, bad)));
        Assert.That(results.Scenarios.Select(scenario => scenario.TranscriptDropped), Is.All.Zero);
    }

    [Test]
    public async Task A_long_transcript_keeps_its_beginning_and_end_and_counts_the_dropped_lines([Values(400, 2_000)] int count)
    {
        var talks = Script.Scene("talks", async stage =>
        {
            var raw = await stage.RawAsync("raw");
            for (var n = 0; n < count; n++)
            {
                await raw.SendTextAsync($"{n}");
            }

            stage.Expect.True(false, "the server is perfect");
        });

        var result = (await Script.PlayAsync([talks])).Of("talks");

        Assert.That(result.Transcript[^1].Data, Is.EqualTo($"{count - 1}"));
        Assert.That(result.Transcript.Select(line => line.Data), Does.Contain("0"));
        var gap = result.Transcript.Single(line => line.Kind == Transcript.DroppedKind);
        Assert.That(gap.Length, Is.EqualTo(result.TranscriptDropped));
        Assert.That(result.Transcript.Count - 1 + gap.Length, Is.EqualTo(count + 4), "plus two notes, the handshake and its answer");
    }

    [Test]
    public async Task Repeated_lines_of_a_transcript_are_folded_and_the_lines_around_them_are_kept()
    {
        var polls = Script.Scene("polls", async stage =>
        {
            var raw = await stage.RawAsync("raw");
            await raw.SendTextAsync("before");
            for (var n = 0; n < 600; n++)
            {
                await raw.SendTextAsync($$"""{"type":"ping","request_id":"r{{n}}"}""");
                await raw.SendTextAsync("are you there?");
            }

            await raw.SendTextAsync("behind");
            stage.Expect.True(false, "the server is perfect");
        });

        var result = (await Script.PlayAsync([polls])).Of("polls");

        Assert.That(result.Transcript, Has.Count.LessThan(20));
        Assert.That(result.Transcript.Select(line => line.Data), Does.Contain("before").And.Contain("behind"));
        var folded = result.Transcript.Where(line => line.Kind == Transcript.FoldedKind).ToList();
        Assert.That(folded[0].Data, Does.StartWith("the 2 lines before this came "));
        Assert.That(
            result.Transcript.Count(line => line.Connection != "suite") + folded.Sum(line => line.Length) + result.TranscriptDropped,
            Is.EqualTo(1206));
    }

    [Test]
    public async Task Results_are_the_same_after_writing_and_reading()
    {
        var torn = Script.Scene("torn", stage =>
        {
            stage.Expect.Equal("", $"{new string('x', 299)}\U0001f600\ud800", "a text is cut wherever it is too long");
            return Task.CompletedTask;
        });
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("bad"), torn, Script.Kills("last")];
        var results = await Script.PlayAsync(scenarios, new RunOptions { Transcripts = KeptTranscripts.All, Parallel = 1 });

        Assert.That(Written(Results.Parse(results.ToJson())), Is.EqualTo(Written(results)));

        // An unpaired surrogate is written as U+FFFD and read back as U+FFFD.
        static string Written(Results results) => results.ToJson().Replace(@"\uFFFD", "\ufffd", StringComparison.Ordinal);
    }

    [Test]
    public async Task Lists_that_an_older_suite_did_not_write_are_empty()
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse((await Script.PlayAsync([Script.Asks("good")])).ToJson())!.AsObject();
        json.Remove("stale");
        json.Remove("leftovers");
        json["scenarios"]![0]!.AsObject().Remove("observations");
        json["ending"]!.AsObject().Remove("lastRequests");
        json["target"]!.AsObject().Remove("fingerprint");

        var results = Results.Parse(json.ToJsonString());

        Assert.That(results.Stale.Count + results.Leftovers.Count + results.Scenarios[0].Observations.Count, Is.Zero);
        Assert.That(results.Ending.LastRequests.Count + results.Target.Fingerprint.Count, Is.Zero);
    }

    // The end --------------------------------------------------------------------------------------------------------

    [Test]
    public async Task At_the_deadline_decided_verdicts_stand_and_the_rest_is_not_evaluated()
    {
        var options = new RunOptions { Parallel = 1, Deadline = TimeSpan.FromSeconds(1) };

        var results = await Script.PlayAsync([Script.Asks("quick"), Waits("slow"), Script.Asks("late")], options);

        Assert.That((results.Ending.Kind, results.Conclusion.ExitCode), Is.EqualTo((EndingKind.Deadline, ExitCode.NotEvaluated)));
        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.NotEvaluated, Verdict.NotEvaluated]));
        Assert.That(results.Of("late").Message, Does.Contain("out of time"));
        Assert.That(results.DurationSeconds, Is.LessThan(10));
    }

    [Test]
    public async Task A_cancelled_run_cleans_up_and_reports_the_cancellation()
    {
        await using var server = new MortalServer();
        using var cancel = new CancellationTokenSource();
        var midway = Script.Scene("midway", async stage =>
        {
            await stage.TopicAsync();
            stage.Expect.True(server.Topics.Count == 2, "there are two topics: the scenario's and the run's own");
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, stage.Cancellation);
        });

        var results = await Script.PlayAsync(
            server, [Script.Asks("quick"), midway, Script.Asks("late")], new RunOptions { Parallel = 1 }, cancellation: cancel.Token);

        Assert.That(
            (results.Ending.Kind, results.Conclusion.Kind, results.Conclusion.ExitCode),
            Is.EqualTo((EndingKind.Cancelled, ConclusionKind.Cancelled, 130)));
        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.NotEvaluated, Verdict.NotEvaluated]));
        Assert.That(results.Of("late").Message, Does.Contain("cancelled"));
        Assert.That(server.Topics, Is.Empty);
    }

    [Test]
    public async Task A_run_that_is_cancelled_before_its_start_opens_no_connection()
    {
        var results = await Script.PlayAsync([Script.Asks("quick")], cancellation: new CancellationToken(canceled: true));

        Assert.That(
            (results.Conclusion.ExitCode, results.Traffic.Connections, results.Of("quick").Verdict),
            Is.EqualTo((130, 0L, Verdict.NotEvaluated)));
    }

    [Test]
    public async Task A_scenario_that_ignores_its_cancellation_is_abandoned()
    {
        await using var server = new MortalServer();
        var never = new TaskCompletionSource();
        var setup = Script.Setup(server, [Script.Scene("deaf", _ => never.Task), Script.Asks("next")]);
        var target = setup.Probed.Target;
        var soon = TimeSpan.FromMilliseconds(300);
        target = target with { Timeouts = target.Timeouts with { Scenario = soon, Cleanup = soon } };
        setup = setup with { Probed = setup.Probed with { Target = target }, Options = new() { Parallel = 1 } };

        var results = await setup.ExecuteAsync().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Inconclusive, Verdict.Pass]));
        Assert.That(results.Of("deaf").Message, Does.Contain("did not end in time"));
    }

    [Test]
    public async Task A_run_without_scenarios_is_not_evaluated()
    {
        var results = await Script.PlayAsync([]);

        Assert.That((results.Conclusion.ExitCode, results.Ending.Kind), Is.EqualTo((ExitCode.NotEvaluated, EndingKind.Completed)));
    }

    [Test]
    public async Task A_bug_in_a_scenario_and_an_endless_redaction_pattern_do_not_end_a_run()
    {
        await using var server = new MortalServer { Answer = _ => new(200, $"{new string('a', 60)}!") };
        Scenario[] scenarios =
        [
            Script.Scene("bug", _ => throw new InvalidOperationException("a bug")), Script.Complains("bad"), Script.Asks("good"),
        ];

        var setup = Script.Setup(server, scenarios) with
        {
            Options = new() { Transcripts = KeptTranscripts.All },
            Redaction = new Redaction(patterns: ["(a+)+$"]),
        };
        var results = await setup.ExecuteAsync();

        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Error, Verdict.Fail, Verdict.Pass]));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.SuiteError));
    }

    private static async Task<IReadOnlyList<string>> OrderAsync(int? seed, int repeat = 1)
    {
        var played = new ConcurrentQueue<string>();
        await Script.PlayAsync(Notes(played, Letters), new RunOptions { Parallel = 1, Seed = seed, Repeat = repeat });
        return [.. played];
    }

    private static Scenario[] Notes(ConcurrentQueue<string> played, params string[] slugs) =>
    [
        .. slugs.Select(slug => Script.Scene(slug, stage =>
        {
            played.Enqueue(slug);
            stage.Expect.True(true, "it is run");
            return Task.CompletedTask;
        })),
    ];

    private static Scenario[] Many(int count, Crowd crowd, Action<Stage>? act = null) =>
    [
        .. Enumerable.Range(0, count).Select(n => Script.Scene(n.ToString(CultureInfo.InvariantCulture), async stage =>
        {
            act?.Invoke(stage);
            await crowd.MeetAsync(stage);
        })),
    ];

    private static Scenario Waits(string slug) => Script.Scene(slug, async stage =>
    {
        stage.Expect.True(true, "it begins");
        await Task.Delay(Timeout.Infinite, stage.Cancellation);
    });

    /// <summary>Holds each scenario back until the expected number of scenarios run at once.</summary>
    private sealed class Crowd(int expected)
    {
        private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private int _present; // guarded by _gate

        public int Most { get; private set; }

        public async Task MeetAsync(Stage stage)
        {
            lock (_gate)
            {
                Most = Math.Max(Most, ++_present);
                if (_present == expected)
                {
                    _complete.TrySetResult();
                }
            }

            await _complete.Task.WaitAsync(stage.Cancellation);
            await Script.AskAsync(stage);
            lock (_gate)
            {
                _present--;
            }
        }
    }

    private sealed class Told : IProgress<Progress>
    {
        public ConcurrentQueue<Progress> Seen { get; } = [];

        public void Report(Progress value) => Seen.Enqueue(value);
    }
}
