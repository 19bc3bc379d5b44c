using System.Diagnostics;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>
/// A target that dies during a run violates one requirement, and the scenario that killed it fails. Failures that only the death explains
/// do not count.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DeathTests
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

    [Test]
    public async Task A_death_is_reported_once_and_no_later_failure_counts(
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

        var results = await Script.PlayAsync(server, scenarios, Script.Unsupervised with { Parallel = parallel }, wait);

        AssertDeath(results, "killer");
        Assert.That(results.Verdicts("early-"), Is.All.EqualTo(Verdict.Pass), "scenarios that ended before the death count");
        Assert.That(results.Verdicts("late-").Concat(results.Verdicts("meanwhile-")), Is.All.EqualTo(Verdict.NotEvaluated));
        Assert.That(
            results.Conclusion.Message,
            Does.Contain("1 scenario failed").And.Contain("not evaluated").And.Contain("stopped answering"));
    }

    /// <summary>Ways to kill the target, by name: whether it hangs instead of crashing, and the body of the scenario.</summary>
    private static readonly Dictionary<string, (bool Hangs, Func<MortalServer, Stage, Task> Body)> Deaths = new()
    {
        ["it_crashes_before_its_reply"] = (false, (_, stage) => Script.KillAsync(stage)),
        ["it_hangs_before_its_reply"] = (true, (_, stage) => Script.KillAsync(stage)),
        ["it_hangs_up_as_expected"] = (false, async (_, stage) =>
        {
            var raw = await stage.RawAsync("raw");
            await raw.SendTextAsync(MortalServer.Poison);
            await raw.ClosedAsync();
            stage.Expect.True(true, "the server hangs up on nonsense");
        }
        ),
        ["it_is_silent_as_expected"] = (true, async (server, stage) =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await client.SendAsync(Request.Of(MortalServer.Poison));
            await server.Ended.WaitAsync(stage.Cancellation);
            stage.Expect.True(client.Unread.Count == 0, "nothing arrives");
        }
        ),
        ["the_request_that_kills_comes_after_a_silence"] = (false, async (_, stage) =>
        {
            var client = await stage.ConnectAsync("client");
            await client.PingAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(300), stage.Cancellation);
            await client.RequestAsync(Request.Of(MortalServer.Poison));
        }
        ),
        ["many_more_requests_are_sent_to_the_dead_target"] = (true, async (server, stage) =>
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
    public async Task The_scenario_that_kills_the_target_fails_and_its_request_is_named(
        string name, bool isLast = true)
    {
        var (hangs, body) = Deaths[name];
        await using var server = Mortal(hangs);
        Scenario[] scenarios = [Script.Asks("early"), Script.Scene("killer", stage => body(server, stage)), Script.Asks("late")];
        scenarios = isLast ? scenarios[..2] : scenarios;

        var results = await Script.PlayAsync(
            server, scenarios, Script.Unsupervised with { Parallel = 1 }, hangs ? TimeSpan.FromSeconds(1) : null);

        AssertDeath(results, "killer");
        Assert.That(results.Of("early").Verdict, Is.EqualTo(Verdict.Pass));
    }

    [Test]
    public async Task A_run_goes_on_when_the_target_restarts_by_itself()
    {
        await using var server = new MortalServer { WhenPoisoned = server => server.Restart() };

        var results = await Script.PlayAsync(
            server, [Script.Asks("early"), Script.Kills("killer"), Script.Asks("late")], new RunOptions { Parallel = 1 });

        AssertConfirmed(results, RestartedBy.Itself, "killer");
        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.Pass]));
        Assert.That(results.Deaths[0].How, Does.Contain("an idle connection was lost").And.Contain("a topic of the run is gone"));
    }

    [TestCase(1)]
    [TestCase(8)]
    public async Task A_run_goes_on_when_the_launcher_restarts_the_target_and_the_killer_is_confirmed(int parallel)
    {
        await using var phoenix = new Phoenix();
        Scenario[] scenarios =
        [
            .. Letters.Select(Script.Asks),
            Script.Kills("killer"),
            .. Letters.Select(letter => Script.Asks($"late-{letter}")),
        ];

        var results = await phoenix.PlayAsync(scenarios, new RunOptions { Parallel = parallel });

        AssertConfirmed(results, RestartedBy.Launcher, "killer");
        Assert.That(results.Totals[Verdict.Pass], Is.EqualTo(2 * Letters.Length));
        Assert.That(results.Deaths[0].Message, Does.Contain("confirmed by playing it alone").And.Contain(MortalServer.Poison));
        Assert.That(results.Deaths[0].BackAfterSeconds, Is.Not.Null.And.LessThan(10));
        Assert.That(results.Deaths[0].LastRequests[^1].Scenario, Is.EqualTo(results.Of("killer").Id));
        Assert.That(results.Of("killer").CountsFor, Is.EqualTo(DeathResult.Requirement));
        Assert.That(phoenix.Starts, Is.EqualTo(2));
    }

    [Test]
    public async Task Each_of_several_killers_is_reported()
    {
        await using var phoenix = new Phoenix();

        var results = await phoenix.PlayAsync(
            [Script.Kills("one"), Script.Asks("good"), Script.Kills("two"), Script.Kills("three")], new RunOptions { Parallel = 4 });

        Assert.That(
            results.Deaths.SelectMany(death => death.Culprits),
            Is.EquivalentTo([results.Of("one").Id, results.Of("two").Id, results.Of("three").Id]));
        Assert.That(results.Deaths.Select(death => death.Proof), Is.All.EqualTo(DeathProof.Confirmed));
        Assert.That(results.Of("good").Verdict, Is.EqualTo(Verdict.Pass));
    }

    [Test]
    public async Task A_death_that_does_not_happen_again_is_reported_as_seen_once()
    {
        await using var phoenix = new Phoenix { Dies = start => start == 1 };

        var results = await phoenix.PlayAsync([Script.Asks("good"), Script.Kills("killer")], new RunOptions { Parallel = 1 });

        Assert.That(results.Deaths.Single().Proof, Is.EqualTo(DeathProof.SeenOnce));
        Assert.That(results.Of("killer").Message, Does.Contain("seen once, not confirmed by playing it alone"));
        Assert.That(
            (results.Ending.Kind, results.Conclusion.ExitCode, results.Of("good").Verdict),
            Is.EqualTo((EndingKind.Completed, ExitCode.Violation, Verdict.Pass)));
    }

    [Test]
    public async Task Scenarios_that_kill_only_together_are_confirmed_together()
    {
        await using var phoenix = new Phoenix { Poisons = 2 };
        Scenario[] scenarios = [Poisons("one"), Poisons("two")];

        var results = await phoenix.PlayAsync(scenarios, new RunOptions { Parallel = 2 });

        var death = results.Deaths.Single();
        Assert.That((death.Proof, death.Times), Is.EqualTo((DeathProof.ConfirmedTogether, 2)));
        Assert.That(death.Culprits, Is.EquivalentTo(scenarios.Select(scenario => scenario.Id)));
        Assert.That(results.Totals[Verdict.Fail], Is.EqualTo(1));

        // Each sends one poison and stays for 300 ms, so that both poisons arrive together.
        static Scenario Poisons(string slug) => Script.Scene(slug, async stage =>
        {
            var client = await stage.ConnectAsync("client");
            await client.SendAsync(Request.Of(MortalServer.Poison));
            await Task.Delay(TimeSpan.FromMilliseconds(300), stage.Cancellation);
            stage.Expect.True((await client.PingAsync()).IsPong, "a ping is answered");
        });
    }

    [Test]
    public async Task A_killer_is_not_run_in_later_repetitions()
    {
        await using var phoenix = new Phoenix();

        var results = await phoenix.PlayAsync([Script.Kills("killer"), Script.Asks("good")], new RunOptions { Parallel = 1, Repeat = 3 });

        Assert.That(phoenix.Starts, Is.EqualTo(2));
        Assert.That(results.Of("killer").Repetitions, Is.EqualTo((Verdict[])[Verdict.Fail]));
        Assert.That(results.Of("good").Repetitions, Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Pass, Verdict.Pass]));
    }

    [Test]
    public async Task A_target_that_cannot_be_started_again_ends_the_run()
    {
        await using var phoenix = new Phoenix { Refuses = true };

        var results = await phoenix.PlayAsync(
            [Script.Asks("early"), Script.Kills("killer"), Script.Asks("late")], new RunOptions { Parallel = 1 });

        AssertDeath(results, "killer");
        Assert.That(results.Verdicts(), Is.EqualTo((Verdict[])[Verdict.Pass, Verdict.Fail, Verdict.NotEvaluated]));
    }

    [Test]
    public async Task A_death_during_the_cleanup_is_reported()
    {
        MortalServer? dying = null;
        await using var server = dying = new MortalServer
        {
            Answer = heard =>
            {
                if (heard.Method == "DELETE")
                {
                    dying!.Crash();
                }

                return null;
            },
        };

        var results = await Script.PlayAsync(server, [Script.Asks("good")]);

        Assert.That(results.Deaths.Single().Culprits, Is.EqualTo([DeathResult.CleanUp]));
        Assert.That((results.Of("good").Verdict, results.Conclusion.ExitCode), Is.EqualTo((Verdict.Pass, ExitCode.Violation)));
    }

    [Test]
    public async Task Dangerous_scenarios_run_late_and_load_runs_last()
    {
        var played = new List<string>();
        Scenario[] scenarios =
        [
            Note("load") with { IsLoad = true },
            Note("hostile") with { Danger = Danger.Hostile },
            Note("poison") with { Danger = Danger.Poison },
            Note("plain"),
            Note("also-plain"),
        ];

        await Script.PlayAsync(scenarios, new RunOptions { Parallel = 1, AllowLoad = true });

        Assert.That(played, Is.EqualTo(["plain", "also-plain", "poison", "hostile", "load"]));

        Scenario Note(string slug) => Script.Scene(slug, async stage =>
        {
            played.Add(slug);
            await Script.AskAsync(stage);
        });
    }

    [Test]
    public async Task A_target_that_is_restarting_is_asked_again()
    {
        await using var server = new SmallServer(_ => { });
        var continuity = new Continuity(Target.From(server.Origin), new TopicNames(), TimeProvider.System);
        server.RestartAfter(TimeSpan.FromMilliseconds(500));
        await continuity.BeginAsync(default);
        Assert.That(continuity.HasAnswered, Is.True, "before the run");

        server.RestartAfter(TimeSpan.FromMilliseconds(500));
        while (continuity.Lost == 0)
        {
            await Task.Delay(10);
        }

        Assert.That(
            await continuity.BreakAsync(default),
            Does.Contain("an idle connection was lost").And.Contain("a topic of the run is gone"));
        await continuity.CloseAsync();
    }

    [Test]
    public async Task A_short_dangerous_scenario_ends_before_the_next_one_begins()
    {
        int now = 0, most = 0;
        await Script.PlayAsync([.. Letters.Select(letter => Dangerous($"letter-{letter}", async stage =>
        {
            most = Math.Max(most, Interlocked.Increment(ref now));
            await Script.AskAsync(stage);
            Interlocked.Decrement(ref now);
        }))]);

        Assert.That(most, Is.EqualTo(1));
    }

    [Test]
    public async Task A_long_dangerous_scenario_does_not_delay_the_others()
    {
        var both = new Barrier(2);
        var results = await Script.PlayAsync(
        [
            .. Letters.Take(both.ParticipantCount).Select(slug => Dangerous(slug, async stage =>
            {
                await Task.Run(() => stage.Expect.True(both.SignalAndWait(TimeSpan.FromSeconds(10)), "the other has begun"));
                await Script.AskAsync(stage);
            })),
        ]);

        Assert.That(results.Verdicts(), Is.All.EqualTo(Verdict.Pass));
    }

    private static Scenario Dangerous(string slug, Func<Stage, Task> body) => Script.Scene(slug, body) with { Danger = Danger.Refusal };

    [Test]
    public async Task A_target_that_hangs_during_the_probe_is_reported_as_killed_by_the_probe()
    {
        await using var server = new SmallServer(Hangs);
        var probe = new GuardedProbe((options, token) => Probe.ExecuteAsync(options, cancellation: token), restart: null, TimeSpan.Zero);

        var probed = await probe.ExecuteAsync(new ProbeOptions { Url = server.Origin, TimeoutScale = 0.1 });
        var setup = new RunSetup
        {
            Catalogue = Script.Catalogue,
            Scenarios = [Script.Asks("good")],
            Probed = probed,
            EarlierDeaths = probe.Deaths,
        };
        var results = Run.Unbegun(setup, probe.Ending!, TimeProvider.System.GetUtcNow());

        Assert.That(results.Deaths.Single().Culprits, Is.EqualTo([DeathResult.Probe]));
        Assert.That(results.Deaths.Single().LastRequests, Is.Not.Empty);
        Assert.That((results.Conclusion.ExitCode, results.Ending.Kind), Is.EqualTo((ExitCode.Violation, EndingKind.TargetDied)));
        Assert.That(results.Of("good").Verdict, Is.EqualTo(Verdict.NotEvaluated));

        static void Hangs(SmallServer server)
        {
            var answers = 0;
            server.AnswerAsync.Wrap(next => (request, stopping) =>
            {
                if (Interlocked.Increment(ref answers) > 1)
                {
                    server.Hang();
                }

                return next(request, stopping);
            });
        }
    }

    [Test]
    public async Task A_target_that_was_never_reached_is_unreachable_and_not_dead() =>
        Assert.That(
            async () => await new GuardedProbe(
                    (options, token) => Probe.ExecuteAsync(options, cancellation: token), restart: null, TimeSpan.Zero)
                .ExecuteAsync(new ProbeOptions { Url = new Uri("http://127.0.0.1:1") }),
            Throws.TypeOf<Unreachable>());

    [Test]
    public async Task A_violation_is_not_taken_for_a_death()
    {
        var results = await Script.PlayAsync([.. Letters.Select(letter => Script.Complains(letter)), Script.Asks("last")]);

        Assert.That(
            (results.Ending.Kind, results.Totals[Verdict.Fail], results.Totals[Verdict.Pass]),
            Is.EqualTo((EndingKind.Completed, Letters.Length, 1)));
    }

    [Test]
    public async Task A_scenario_cancelled_before_the_target_is_known_to_be_dead_is_not_evaluated()
    {
        await using var server = Mortal(hangs: true);
        using var cancel = new CancellationTokenSource();
        var results = Script.PlayAsync(server, [Script.Kills("killer")], wait: TimeSpan.FromSeconds(1), cancellation: cancel.Token);
        await server.Ended;

        // The scenario waits 1 s for its reply. After that the run checks the pulse, for 3 s.
        cancel.CancelAfter(TimeSpan.FromSeconds(2));

        Assert.That((await results).Of("killer").Verdict, Is.EqualTo(Verdict.NotEvaluated));
        Assert.That((await results).Conclusion.ExitCode, Is.EqualTo(ExitCode.Cancelled));
    }

    [Test]
    public async Task The_pulse_check_says_how_a_target_fails_to_answer()
    {
        await using var server = new MortalServer();
        await using var strange = new MortalServer { Reply = _ => """{"\ud800":1,"type":"\ud800"}""" };
        var pulse = new Pulse(server.Target(TimeSpan.FromMilliseconds(500)), TimeProvider.System);

        Assert.That(await pulse.MissingAsync(default), Is.Null);
        Assert.That(
            (await new Pulse(strange.Target(TimeSpan.FromMilliseconds(300)), TimeProvider.System).MissingAsync(default))?.How,
            Does.Contain("nothing of the kind"), "a malformed reply gives a sentence and not an exception");
        server.Hang();
        Assert.That((await pulse.MissingAsync(default))?.How, Does.Contain("none within 0.5 s"));
        server.Crash();
        Assert.That(
            await pulse.MissingAsync(default),
            Has.Property(nameof(Missing.How)).Contains("refused").And.Property(nameof(Missing.IsDeath)).True);
    }

    private static MortalServer Mortal(bool hangs) => new() { WhenPoisoned = server => (hangs ? (Action)server.Hang : server.Crash)() };

    private static void AssertDeath(Results results, string killer)
    {
        Assert.That(
            (results.Ending.Kind, results.Conclusion.Kind, results.Conclusion.ExitCode),
            Is.EqualTo((EndingKind.TargetDied, ConclusionKind.Violation, ExitCode.Violation)), results.Conclusion.Message);
        Assert.That((results.Totals[Verdict.Fail], results.Totals[Verdict.Warn] + results.Totals[Verdict.Error]), Is.EqualTo((1, 0)));
        Assert.That((results.Of(killer).Verdict, results.Of(killer).Blames), Is.EqualTo((Verdict.Fail, DeathResult.Requirement)));
        Assert.That(results.Of(killer).Message, Does.Contain("The server died of"));
        var death = results.Deaths.Single();
        Assert.That(
            (death.Culprits.Single(), death.Proof, death.RestartedBy),
            Is.EqualTo((results.Of(killer).Id, DeathProof.SeenOnce, RestartedBy.Nothing)));
        Assert.That(results.Ending.LastRequests.Select(request => request.Data), Has.Some.Contains(MortalServer.Poison));
        Assert.That(results.Ending.LastRequests.Select(request => request.AtSeconds), Is.Ordered);
        Assert.That(results.Ending.LastRequests, Has.Count.LessThanOrEqualTo(16));
        Assert.That(results.DurationSeconds, Is.LessThan(20));
    }

    private static void AssertConfirmed(Results results, RestartedBy by, string killer)
    {
        Assert.That(
            (results.Ending.Kind, results.Conclusion.ExitCode),
            Is.EqualTo((EndingKind.Completed, ExitCode.Violation)), results.Conclusion.Message);
        var death = results.Deaths.Single();
        Assert.That(
            (death.Culprits.Single(), death.Proof, death.RestartedBy, death.Times),
            Is.EqualTo((results.Of(killer).Id, DeathProof.Confirmed, by, 2)));
        Assert.That(results.Restarts, Is.EqualTo(2));
    }

    private static async Task Until(Func<bool> holds, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (!holds() && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation);
        }
    }

    /// <summary>A server that dies of poison. Each restart replaces it with a new one.</summary>
    private sealed class Phoenix : IRestart, IAsyncDisposable
    {
        private MortalServer? _server;

        /// <summary>Whether poison kills the server of this start; the first start is 1.</summary>
        public Func<int, bool> Dies { get; init; } = _ => true;

        /// <summary>The number of poisons within 250 ms that kill it.</summary>
        public int Poisons { get; init; } = 1;

        public bool Refuses { get; init; }

        public int Starts { get; private set; }

        public RestartedBy By => RestartedBy.Launcher;

        public string? Ended => null;

        public async Task<Results> PlayAsync(IReadOnlyList<Scenario> scenarios, RunOptions options)
        {
            _server = Start(1);
            return await (Script.Setup(_server, scenarios) with { Options = options, Restart = this }).ExecuteAsync();
        }

        public async Task<IReadOnlyList<Uri>?> StartAsync(CancellationToken cancellation)
        {
            if (Refuses)
            {
                throw new Inconclusive("it does not start");
            }

            await DisposeAsync();
            Starts++;
            _server = Start(Starts + 1);
            return [_server.Origin];
        }

        public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

        private MortalServer Start(int number)
        {
            var doses = new Queue<long>();
            return new MortalServer
            {
                WhenPoisoned = server =>
                {
                    lock (doses)
                    {
                        doses.Enqueue(Stopwatch.GetTimestamp());
                        while (Stopwatch.GetElapsedTime(doses.Peek()) > TimeSpan.FromMilliseconds(250))
                        {
                            doses.Dequeue();
                        }

                        if (Dies(number) && doses.Count >= Poisons)
                        {
                            server.Crash();
                        }
                    }
                },
            };
        }
    }
}
