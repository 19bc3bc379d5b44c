using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;

namespace PubSub.Conformance.Tests;

/// <summary>A run plays everything it was told to, in order and within its bounds, and says what it saw and nothing more.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class RunTests
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

    // Order and number -----------------------------------------------------------------------------------------------

    [Test]
    public async Task Without_a_seed_scenarios_are_played_in_the_order_of_the_specification() =>
        Assert.That(await OrderAsync(seed: null), Is.EqualTo(Letters));

    [Test]
    public async Task A_seed_gives_one_order_and_another_seed_another()
    {
        var one = await OrderAsync(7);

        Assert.That(one, Is.EquivalentTo(Letters).And.Not.EqualTo(Letters));
        Assert.That(await OrderAsync(7), Is.EqualTo(one));
        Assert.That(await OrderAsync(8), Is.Not.EqualTo(one));
    }

    [Test]
    public async Task Every_repetition_has_an_order_of_its_own_that_the_seed_gives_again()
    {
        var twice = await OrderAsync(7, repeat: 2);

        Assert.That(twice, Has.Count.EqualTo(2 * Letters.Length));
        Assert.That(twice.Take(Letters.Length), Is.EquivalentTo(Letters).And.Not.EqualTo(twice.Skip(Letters.Length)), "the whole set, and then the whole set again");
        Assert.That(await OrderAsync(7, repeat: 2), Is.EqualTo(twice));
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(8)]
    public async Task No_more_scenarios_than_allowed_are_played_at_one_time_and_no_fewer(int parallel)
    {
        await using var server = new MortalServer();
        var crowd = new Crowd(parallel);

        var results = await Script.PlayAsync(server, Many(12, crowd), new RunOptions { Parallel = parallel });

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(12));
        Assert.That(crowd.Most, Is.EqualTo(parallel));
    }

    [TestCase(8, 2)]
    [TestCase(1, 1)]
    public async Task Load_is_put_on_by_two_at_a_time_when_all_others_are_done(int parallel, int most)
    {
        await using var server = new MortalServer();
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

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Parallel = parallel, AllowLoad = true });

        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(7));
        Assert.That((crowd.Most, early), Is.EqualTo((most, 0)));
    }

    [Test]
    public async Task What_is_left_out_says_why_and_is_not_played()
    {
        await using var server = new MortalServer();
        var played = new ConcurrentQueue<string>();
        Scenario[] scenarios = [.. Notes(played, "in", "out", "beside"), Notes(played, "load").Single() with { IsLoad = true }];
        var selection = new Selection { Include = [new("*/in"), new("*/out"), new("*/load")], Exclude = [new("*/out")] };

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Selection = selection });

        Assert.That(played, Is.EqualTo((string[])["in"]));
        Assert.That(results.Scenarios.Select(scenario => scenario.Id), Is.EqualTo(scenarios.Select(scenario => scenario.Id)), "all are listed, in order");
        Assert.That(results.Totals[Verdict.Disabled], Is.EqualTo(3));
        Assert.That(results.Of("out").Message, Does.Contain("excluded by '*/out'"));
        Assert.That(results.Of("beside").Message, Does.Contain("not among"));
        Assert.That(results.Of("load").Message, Does.Contain("--allow load"));
        Assert.That(results.Requirements.Single(requirement => requirement.Id == Script.IdOf(Level.Must)).Status, Is.EqualTo(RequirementStatus.PartlyEvaluated));
    }

    [Test]
    public async Task Repetitions_are_all_listed_and_the_worst_of_them_counts()
    {
        await using var server = new MortalServer();
        var turn = 0;
        var flaky = Script.Scene("flaky", async stage =>
        {
            await stage.Rest.HealthAsync();
            stage.Expect.Equal("good", Interlocked.Increment(ref turn) == 2 ? "bad, this once" : "good", "the weather");
        });

        var results = await Script.PlayAsync(server, [flaky, Script.Asks("steady")], new RunOptions { Repeat = 3 });

        Assert.That(results.Of("flaky").Repetitions, Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass]));
        Assert.That((results.Of("flaky").Verdict, results.Of("flaky").Observed), Is.EqualTo((Verdict.Fail, "\"bad, this once\"")));
        Assert.That(results.Of("steady").Repetitions, Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Pass, Verdict.Pass]));
        Assert.That(results.Totals.Values.Sum(), Is.EqualTo(2), "a scenario is counted once however often it ran");
        Assert.That((await Script.PlayAsync(server, [Script.Asks("steady")])).Of("steady").Repetitions, Is.Empty, "once is no repetition");
    }

    [Test]
    public async Task Progress_is_told_once_for_every_scenario_with_its_verdict()
    {
        await using var server = new MortalServer();
        var told = new Told();
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("bad"), Script.Asks("load") with { IsLoad = true }];

        await new Run(Script.Catalogue, scenarios, server.Probed(), new RunOptions { Repeat = 2, Parallel = 1 }, progress: told).ExecuteAsync(default);

        Assert.That(told.Seen.Select(progress => progress.Done), Is.EqualTo((int[])[1, 2, 3, 4]));
        Assert.That(told.Seen.Select(progress => progress.Total), Is.All.EqualTo(4));
        Assert.That(told.Seen.Select(progress => progress.Scenario.Verdict), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass, Verdict.Fail]));
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
        Assert.That((results.Of("ill").Verdict, results.Of("ill").KnownFailing), Is.EqualTo((Verdict.Fail, "*/ill")), "it is shown as it is");
        Assert.That(
            (await Script.PlayAsync(server, scenarios[..2], new RunOptions { Selection = new() { KnownFailing = [new("*/ill")] } })).Conclusion.ExitCode,
            Is.EqualTo(ExitCode.Conformant));
    }

    [Test]
    public async Task A_known_failure_that_fails_only_sometimes_is_not_stale()
    {
        await using var server = new MortalServer();
        var turn = 0;
        var flaky = Script.Scene("flaky", async stage =>
        {
            await stage.Rest.HealthAsync();
            stage.Expect.True(Interlocked.Increment(ref turn) != 2, "the weather");
        });

        var results = await Script.PlayAsync(server, [flaky, Script.Asks("steady")], new RunOptions { Repeat = 3, Selection = new() { KnownFailing = [new("*/flaky")] } });

        Assert.That((results.Stale, results.Conclusion.ExitCode), Is.EqualTo((Array.Empty<string>(), ExitCode.Conformant)));
    }

    [Test]
    public async Task A_pattern_that_fits_nothing_is_stale()
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(server, [Script.Asks("one")], new RunOptions { Selection = new() { Exclude = [new("*/two")] } });

        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Stale));
        Assert.That(results.Stale.Single(), Does.Contain("--exclude").And.Contain("*/two"));
    }

    [Test]
    public async Task In_a_strict_run_a_recommendation_is_a_duty()
    {
        await using var server = new MortalServer();
        Scenario[] scenarios = [Script.Asks("good"), Script.Complains("advice", Level.Should)];

        Assert.That((await Script.PlayAsync(server, scenarios)).Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That((await Script.PlayAsync(server, scenarios, new RunOptions { Strict = true })).Conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
    }

    // Transcripts ----------------------------------------------------------------------------------------------------

    [TestCase(KeptTranscripts.None, false, false)]
    [TestCase(KeptTranscripts.Failed, false, true)]
    [TestCase(KeptTranscripts.All, true, true)]
    public async Task Transcripts_are_kept_of_whom_the_user_asked_for(KeptTranscripts kept, bool good, bool bad)
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(
            server, [Script.Asks("good"), Script.Complains("bad"), Script.Complains("advice", Level.Should)], new RunOptions { Transcripts = kept, Repeat = 2 });

        Assert.That(
            (results.Of("good").Transcript.Count > 0, results.Of("bad").Transcript.Count > 0, results.Of("advice").Transcript.Count > 0),
            Is.EqualTo((good, bad, bad)));
        Assert.That(results.Scenarios.Select(scenario => scenario.TranscriptDropped), Is.All.Zero);
    }

    [Test]
    public async Task Of_a_long_transcript_the_newest_lines_are_kept_and_the_others_counted()
    {
        await using var server = new MortalServer();
        var talks = Script.Scene("talks", async stage =>
        {
            var raw = await stage.RawAsync("raw");
            for (var n = 0; n < 400; n++)
            {
                await raw.SendTextAsync($"{n}");
            }

            stage.Expect.True(false, "the server is perfect");
        });

        var result = (await Script.PlayAsync(server, [talks])).Of("talks");

        Assert.That(result.Transcript[^1].Data, Is.EqualTo("399"));
        Assert.That(result.TranscriptDropped, Is.GreaterThan(50));
        Assert.That(result.Transcript.Count + result.TranscriptDropped, Is.EqualTo(404), "two notes, a handshake, its answer, and the rest");
    }

    [Test]
    public async Task Results_of_a_run_are_written_and_read_again()
    {
        await using var server = new MortalServer();

        var torn = Script.Scene("torn", stage =>
        {
            stage.Expect.Equal("", $"{new string('x', 299)}\U0001f600\ud800", "a text is cut wherever it is too long");
            return Task.CompletedTask;
        });
        var results = await Script.PlayAsync(
            server, [Script.Asks("good"), Script.Complains("bad"), torn, Script.Kills("last")], new RunOptions { Transcripts = KeptTranscripts.All, Parallel = 1 });

        Assert.That(Written(Results.Parse(results.ToJson())), Is.EqualTo(Written(results)));

        // Half a character is written as the sign for one that could not be read, and read again as that sign.
        static string Written(Results results) => results.ToJson().Replace(@"\uFFFD", "\ufffd", StringComparison.Ordinal);
    }

    [Test]
    public async Task Lists_that_an_older_suite_did_not_write_are_empty()
    {
        await using var server = new MortalServer();
        var json = System.Text.Json.Nodes.JsonNode.Parse((await Script.PlayAsync(server, [Script.Asks("good")])).ToJson())!.AsObject();
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
    public async Task Out_of_time_what_was_decided_stands_and_the_rest_was_not_evaluated()
    {
        await using var server = new MortalServer();
        var options = new RunOptions { Parallel = 1, Deadline = TimeSpan.FromSeconds(1) };

        var results = await Script.PlayAsync(server, [Script.Asks("quick"), Waits("slow"), Script.Asks("late")], options);

        Assert.That((results.Ending.Kind, results.Conclusion.ExitCode), Is.EqualTo((EndingKind.Deadline, ExitCode.NotEvaluated)));
        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.NotEvaluated, Verdict.NotEvaluated]));
        Assert.That(results.Of("late").Message, Does.Contain("out of time"));
        Assert.That(results.DurationSeconds, Is.LessThan(10));
    }

    [Test]
    public async Task A_run_that_is_cancelled_cleans_up_and_says_so()
    {
        await using var server = new MortalServer();
        using var cancel = new CancellationTokenSource();
        var midway = Script.Scene("midway", async stage =>
        {
            await stage.TopicAsync();
            stage.Expect.True(server.Topics.Count == 1, "there is a topic");
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, stage.Cancellation);
        });

        var results = await Script.PlayAsync(
            server, [Script.Asks("quick"), midway, Script.Asks("late")], new RunOptions { Parallel = 1 }, cancellation: cancel.Token);

        Assert.That((results.Ending.Kind, results.Conclusion.Kind, results.Conclusion.ExitCode), Is.EqualTo((EndingKind.Cancelled, ConclusionKind.Cancelled, 130)));
        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.NotEvaluated, Verdict.NotEvaluated]));
        Assert.That(results.Of("late").Message, Does.Contain("cancelled"));
        Assert.That(server.Topics, Is.Empty);
    }

    [Test]
    public async Task A_run_that_is_cancelled_before_it_began_touches_nothing()
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(server, [Script.Asks("quick")], cancellation: new CancellationToken(canceled: true));

        Assert.That((results.Conclusion.ExitCode, results.Traffic.Connections, results.Of("quick").Verdict), Is.EqualTo((130, 0L, Verdict.NotEvaluated)));
    }

    [Test]
    public async Task A_scenario_that_hears_of_no_end_is_left_behind()
    {
        await using var server = new MortalServer();
        var never = new TaskCompletionSource();
        var probed = server.Probed();
        probed = probed with { Target = probed.Target with { Timeouts = probed.Target.Timeouts with { Scenario = TimeSpan.FromMilliseconds(300), Cleanup = TimeSpan.FromMilliseconds(300) } } };

        var results = await new Run(Script.Catalogue, [Script.Scene("deaf", _ => never.Task), Script.Asks("next")], probed, new RunOptions { Parallel = 1 })
            .ExecuteAsync(default).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Inconclusive, Verdict.Pass]));
        Assert.That(results.Of("deaf").Message, Does.Contain("did not end in time"));
    }

    [Test]
    public async Task Nothing_to_play_is_nothing_decided()
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(server, []);

        Assert.That((results.Conclusion.ExitCode, results.Ending.Kind), Is.EqualTo((ExitCode.NotEvaluated, EndingKind.Completed)));
    }

    [Test]
    public async Task Neither_a_bug_in_a_scenario_nor_an_endless_pattern_of_the_user_ends_a_run()
    {
        await using var server = new MortalServer { Answer = _ => new(200, $"{new string('a', 60)}!") };
        Scenario[] scenarios = [Script.Scene("bug", _ => throw new InvalidOperationException("a bug")), Script.Complains("bad"), Script.Asks("good")];

        var results = await new Run(Script.Catalogue, scenarios, server.Probed(), new RunOptions { Transcripts = KeptTranscripts.All }, new Redaction(patterns: ["(a+)+$"]))
            .ExecuteAsync(default);

        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Error, Verdict.Fail, Verdict.Pass]));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.SuiteError));
    }

    // The target dies ------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_target_that_dies_is_seen_once_and_nothing_after_its_last_sign_of_life_counts(
        [Values] bool hangs, [Values(1, 8)] int parallel)
    {
        await using var server = Mortal(hangs);
        var early = new CountdownEvent(4);
        var connected = new CountdownEvent(Math.Min(parallel - 1, 3));
        var wait = TimeSpan.FromSeconds(1);
        Scenario[] scenarios =
        [
            .. Letters.Take(4).Select(letter => Script.Scene($"early-{letter}", async stage =>
            {
                await Script.AskAsync(stage);
                early.Signal();
            })),
            .. Enumerable.Range(0, connected.InitialCount).Select(n => Script.Scene($"meanwhile-{n}", async stage =>
            {
                var client = await stage.ConnectAsync("client");
                stage.Expect.True((await client.PingAsync()).IsPong, "a ping is answered");
                connected.Signal();
                await server.Ended.WaitAsync(stage.Cancellation);
                stage.Expect.True((await client.PingAsync()).IsPong, "another ping is answered");
            })),
            Script.Scene("killer", async stage =>
            {
                await Until(() => early.IsSet && connected.IsSet, stage.Cancellation);
                await Script.KillAsync(stage);
            }),
            .. Letters.Select(letter => Script.Scene($"late-{letter}", async stage =>
            {
                await server.Ended.WaitAsync(stage.Cancellation);
                await Script.AskAsync(stage);
            })),
        ];

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Parallel = parallel }, wait);

        AssertDeath(results, witnesses: 1);
        Assert.That(Verdicts(results, "early-"), Is.All.EqualTo(Verdict.Pass), "what was over before counts");
        Assert.That(Verdicts(results, "late-").Where(verdict => verdict is not (Verdict.NotEvaluated or Verdict.Inconclusive)), Is.Empty);
        Assert.That(Verdicts(results, "meanwhile-").Concat(Verdicts(results, "killer")), Is.All.EqualTo(Verdict.NotEvaluated).Or.EqualTo(Verdict.Inconclusive));
        Assert.That(results.Ending.Witness, Is.EqualTo(results.Scenarios.Single(scenario => scenario.Verdict == Verdict.Inconclusive).Id));
        Assert.That(results.Conclusion.Message, Does.Contain("stopped answering").And.Contain(results.Ending.Witness!));
    }

    [Test]
    public async Task A_target_that_dies_under_the_last_scenario_is_seen_too([Values] bool hangs)
    {
        await using var server = Mortal(hangs);

        var results = await Script.PlayAsync(server, [Script.Asks("early"), Script.Kills("killer")], new RunOptions { Parallel = 1 }, TimeSpan.FromSeconds(1));

        AssertDeath(results, witnesses: 1);
        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Inconclusive]));
    }

    [Test]
    public async Task A_scenario_that_passes_because_the_target_died_does_not_count([Values] bool isLast)
    {
        await using var server = Mortal(hangs: false);
        var fooled = Script.Scene("fooled", async stage =>
        {
            var raw = await stage.RawAsync("raw");
            await raw.SendTextAsync(MortalServer.Poison);
            await raw.ClosedAsync();
            stage.Expect.True(true, "the server hangs up on nonsense");
        });
        Scenario[] scenarios = [Script.Asks("early"), fooled, .. isLast ? [] : new[] { Script.Asks("late") }];

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Parallel = 1 });

        AssertDeath(results, witnesses: isLast ? 0 : 1);
        Assert.That(results.Of("early").Verdict, Is.EqualTo(Verdict.Pass));
        Assert.That(results.Of("fooled").Verdict, Is.EqualTo(Verdict.NotEvaluated));
    }

    [Test]
    public async Task Nobody_who_saw_only_its_silence_may_complain_of_a_dead_target()
    {
        await using var server = Mortal(hangs: true);
        var calm = Script.Scene("calm", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await client.SendAsync(Request.Of(MortalServer.Poison));
            stage.Expect.True(client.Unread.Count == 0, "nothing arrives");
        });

        var results = await Script.PlayAsync(server, [Script.Asks("early"), calm], new RunOptions { Parallel = 1 }, TimeSpan.FromSeconds(1));

        AssertDeath(results, witnesses: 0);
        Assert.That(results.Of("calm").Verdict, Is.EqualTo(Verdict.NotEvaluated), "a silence that any dead server would pass");
    }

    [Test]
    public async Task The_request_that_killed_is_named_even_when_it_came_after_a_silence()
    {
        await using var server = Mortal(hangs: false);
        var late = Script.Scene("late", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(300), stage.Cancellation);
            await client.RequestAsync(Request.Of(MortalServer.Poison));
        });

        AssertDeath(await Script.PlayAsync(server, [Script.Asks("early"), late], new RunOptions { Parallel = 1 }), witnesses: 1);
    }

    [Test]
    public async Task The_request_that_killed_is_named_even_when_many_more_were_sent_to_the_dead()
    {
        await using var server = Mortal(hangs: true);
        var flood = Script.Scene("flood", async stage =>
        {
            var client = await stage.RawAsync("client");
            await client.SendAsync(Request.Of(MortalServer.Poison));
            await server.Ended.WaitAsync(stage.Cancellation);
            for (var n = 0; n < 1_000; n++)
            {
                await client.SendAsync(Request.Ping());
            }

            await client.ReadMessageAsync();
        });

        AssertDeath(await Script.PlayAsync(server, [Script.Asks("early"), flood], new RunOptions { Parallel = 1 }, TimeSpan.FromSeconds(1)), witnesses: 1);
    }

    [Test]
    public async Task A_target_that_crashes_and_comes_back_is_judged_on()
    {
        await using var server = new MortalServer { WhenPoisoned = server => server.Restart() };

        var results = await Script.PlayAsync(server, [Script.Asks("early"), Script.Kills("killer"), Script.Asks("late")], new RunOptions { Parallel = 1 });

        Assert.That((results.Ending.Kind, results.Conclusion.ExitCode), Is.EqualTo((EndingKind.Completed, ExitCode.Violation)));
        Assert.That(Verdicts(results), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass]));
    }

    [Test]
    public async Task A_violation_is_no_sign_of_death()
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(server, [.. Letters.Select(letter => Script.Complains(letter)), Script.Asks("last")]);

        Assert.That((results.Ending.Kind, results.Totals[Verdict.Fail], results.Totals[Verdict.Pass]), Is.EqualTo((EndingKind.Completed, Letters.Length, 1)));
    }

    [Test]
    public async Task What_is_cancelled_while_it_is_unclear_whether_the_target_lives_is_not_held_against_it()
    {
        await using var server = Mortal(hangs: true);
        using var cancel = new CancellationTokenSource();
        var results = Script.PlayAsync(server, [Script.Kills("killer")], wait: TimeSpan.FromSeconds(1), cancellation: cancel.Token);
        await server.Ended;

        // The reply is awaited for a second; after that the pulse is taken, for three.
        cancel.CancelAfter(TimeSpan.FromSeconds(2));

        Assert.That((await results).Of("killer").Verdict, Is.EqualTo(Verdict.NotEvaluated));
        Assert.That((await results).Conclusion.ExitCode, Is.EqualTo(ExitCode.Cancelled));
    }

    [Test]
    public async Task A_pulse_is_felt_only_where_somebody_answers()
    {
        await using var server = new MortalServer();
        await using var strange = new MortalServer { Reply = _ => """{"\ud800":1,"type":"\ud800"}""" };
        var pulse = new Pulse(server.Target(TimeSpan.FromMilliseconds(500)), TimeProvider.System);

        Assert.That(await pulse.MissingAsync(default), Is.Null);
        Assert.That(
            await new Pulse(strange.Target(TimeSpan.FromMilliseconds(300)), TimeProvider.System).MissingAsync(default),
            Does.Contain("nothing of the kind"), "whatever is said, it is a sentence and not an exception");
        server.Hang();
        Assert.That(await pulse.MissingAsync(default), Does.Contain("none within 0.5 s"));
        server.Crash();
        Assert.That(await pulse.MissingAsync(default), Does.Contain("refused"));
    }

    private static MortalServer Mortal(bool hangs) => new() { WhenPoisoned = server => (hangs ? (Action)server.Hang : server.Crash)() };

    private static void AssertDeath(Results results, int witnesses)
    {
        Assert.That(
            (results.Ending.Kind, results.Conclusion.Kind, results.Conclusion.ExitCode),
            Is.EqualTo((EndingKind.TargetDied, ConclusionKind.NotEvaluated, ExitCode.NotEvaluated)), results.Conclusion.Message);
        Assert.That(results.Totals[Verdict.Fail] + results.Totals[Verdict.Warn] + results.Totals[Verdict.Error], Is.Zero);
        Assert.That(
            results.Scenarios.Count(scenario => scenario.Verdict == Verdict.Inconclusive && scenario.Message.Contains("stopped answering", StringComparison.Ordinal)),
            Is.EqualTo(witnesses));
        Assert.That(results.Totals[Verdict.Inconclusive], Is.EqualTo(witnesses));
        Assert.That(results.Ending.LastRequests.Select(request => request.Data), Has.Some.Contains(MortalServer.Poison));
        Assert.That(results.Ending.LastRequests.Select(request => request.AtSeconds), Is.Ordered);
        Assert.That(results.Ending.LastRequests, Has.Count.LessThanOrEqualTo(16));
        Assert.That(results.DurationSeconds, Is.LessThan(20));
    }

    private static async Task<IReadOnlyList<string>> OrderAsync(int? seed, int repeat = 1)
    {
        await using var server = new MortalServer();
        var played = new ConcurrentQueue<string>();
        await Script.PlayAsync(server, Notes(played, Letters), new RunOptions { Parallel = 1, Seed = seed, Repeat = repeat });
        return [.. played];
    }

    private static Scenario[] Notes(ConcurrentQueue<string> played, params string[] slugs) => [.. slugs.Select(slug => Script.Scene(slug, stage =>
    {
        played.Enqueue(slug);
        stage.Expect.True(true, "it is played");
        return Task.CompletedTask;
    }))];

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

    private static IReadOnlyList<Verdict> Verdicts(Results results, string slug = "") =>
        [.. results.Scenarios.Where(scenario => scenario.Id.Contains($"/{slug}", StringComparison.Ordinal)).Select(scenario => scenario.Verdict)];

    private static async Task Until(Func<bool> holds, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (!holds() && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation);
        }
    }

    /// <summary>Scenarios that leave only when as many as expected have been there at one time.</summary>
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
