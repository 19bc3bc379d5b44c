using System.Diagnostics;
using NUnit.Framework;

namespace PubSub.Conformance.Tests;

/// <summary>A target that dies during a run is seen once, and nothing that only its death explains is held against it.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DeathTests
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

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
        Assert.That(results.Verdicts("early-"), Is.All.EqualTo(Verdict.Pass), "what was over before counts");
        Assert.That(results.Verdicts("late-").Where(verdict => verdict is not (Verdict.NotEvaluated or Verdict.Inconclusive)), Is.Empty);
        Assert.That(results.Verdicts("meanwhile-").Concat(results.Verdicts("killer")), Is.All.EqualTo(Verdict.NotEvaluated).Or.EqualTo(Verdict.Inconclusive));
        Assert.That(results.Ending.Witness, Is.EqualTo(results.Scenarios.Single(scenario => scenario.Verdict == Verdict.Inconclusive).Id));
        Assert.That(results.Conclusion.Message, Does.Contain("stopped answering").And.Contain(results.Ending.Witness!));
    }

    /// <summary>How the target dies under a scenario: whether it hangs, whether the scenario sees it, and what the scenario does.</summary>
    private static readonly Dictionary<string, (bool Hangs, bool Seen, Func<MortalServer, Stage, Task> Body)> Deaths = new()
    {
        ["it_crashes_before_its_reply"] = (false, true, (_, stage) => Script.KillAsync(stage)),
        ["it_hangs_before_its_reply"] = (true, true, (_, stage) => Script.KillAsync(stage)),
        ["it_hangs_up_as_expected"] = (false, false, async (_, stage) =>
        {
            var raw = await stage.RawAsync("raw");
            await raw.SendTextAsync(MortalServer.Poison);
            await raw.ClosedAsync();
            stage.Expect.True(true, "the server hangs up on nonsense");
        }
        ),
        ["it_is_silent_as_expected"] = (true, false, async (server, stage) =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await client.SendAsync(Request.Of(MortalServer.Poison));
            await server.Ended.WaitAsync(stage.Cancellation);
            stage.Expect.True(client.Unread.Count == 0, "nothing arrives");
        }
        ),
        ["the_request_that_kills_comes_after_a_silence"] = (false, true, async (_, stage) =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(300), stage.Cancellation);
            await client.RequestAsync(Request.Of(MortalServer.Poison));
        }
        ),
        ["many_more_requests_are_sent_to_the_dead_target"] = (true, true, async (server, stage) =>
        {
            var client = await stage.RawAsync("client");
            await client.SendAsync(Request.Of(MortalServer.Poison));
            await server.Ended.WaitAsync(stage.Cancellation);
            for (var n = 0; n < 1_000; n++)
            {
                await client.SendAsync(Request.Ping());
            }

            await client.ReadMessageAsync();
        }
        ),
    };

    [TestCase("it_crashes_before_its_reply")]
    [TestCase("it_hangs_before_its_reply")]
    [TestCase("it_hangs_up_as_expected")]
    [TestCase("it_hangs_up_as_expected", false)]
    [TestCase("it_is_silent_as_expected")]
    [TestCase("the_request_that_kills_comes_after_a_silence")]
    [TestCase("many_more_requests_are_sent_to_the_dead_target")]
    public async Task A_scenario_under_which_the_target_dies_never_counts_and_the_request_that_killed_is_named(
        string name, bool isLast = true)
    {
        var (hangs, seen, body) = Deaths[name];
        await using var server = Mortal(hangs);
        Scenario[] scenarios = [Script.Asks("early"), Script.Scene("killer", stage => body(server, stage)), Script.Asks("late")];
        scenarios = isLast ? scenarios[..2] : scenarios;

        var results = await Script.PlayAsync(server, scenarios, new RunOptions { Parallel = 1 }, hangs ? TimeSpan.FromSeconds(1) : null);

        AssertDeath(results, witnesses: seen || !isLast ? 1 : 0);
        Assert.That(results.Of("early").Verdict, Is.EqualTo(Verdict.Pass));
        Assert.That(results.Of("killer").Verdict, Is.EqualTo(seen ? Verdict.Inconclusive : Verdict.NotEvaluated));
    }

    [Test]
    public async Task A_target_that_crashes_and_comes_back_is_judged_on()
    {
        await using var server = new MortalServer { WhenPoisoned = server => server.Restart() };

        var results = await Script.PlayAsync(server, [Script.Asks("early"), Script.Kills("killer"), Script.Asks("late")], new RunOptions { Parallel = 1 });

        Assert.That((results.Ending.Kind, results.Conclusion.ExitCode), Is.EqualTo((EndingKind.Completed, ExitCode.Violation)));
        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass]));
    }

    [Test]
    public async Task A_violation_is_no_sign_of_death()
    {
        var results = await Script.PlayAsync([.. Letters.Select(letter => Script.Complains(letter)), Script.Asks("last")]);

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

    private static async Task Until(Func<bool> holds, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (!holds() && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation);
        }
    }
}
