using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>A catalogue with one made-up requirement per level, and short scenarios against a <see cref="MortalServer"/>.</summary>
internal static class Script
{
    public static Catalogue Catalogue { get; } = new(Enum.GetValues<Level>().Select(level => new Requirement
    {
        Id = IdOf(level),
        Level = level,
        Area = "TST",
        Text = "The sentence.",
        Intent = "The intent.",
        Profile = Profile.Core,
        Testability = Testability.Blackbox,
    }));

    public static string IdOf(Level level) => $"PS-TST-{(int)level:D3}";

    public static Scenario Scene(string slug, Func<Stage, Task> body, Level level = Level.Must) => new(IdOf(level), slug, body);

    /// <summary>Passes when the server answers.</summary>
    public static Scenario Asks(string slug) => Scene(slug, AskAsync);

    public static async Task AskAsync(Stage stage) => stage.Expect.Status(200, await stage.Rest.HealthAsync(), "health answers");

    /// <summary>Fails, although the server answers.</summary>
    public static Scenario Complains(string slug, Level level = Level.Must) => Scene(slug, async stage =>
    {
        await stage.Rest.HealthAsync();
        stage.Expect.True(false, "the server is perfect");
    }, level);

    /// <summary>Kills the server with a message, and fails because no reply comes.</summary>
    public static Scenario Kills(string slug) => Scene(slug, KillAsync);

    public static async Task KillAsync(Stage stage)
    {
        var client = await stage.ConnectAsync("killer");
        stage.Expect.Error(await client.RequestAsync(Request.Of(MortalServer.Poison)), null, "an unknown type is an error");
    }

    /// <summary>Does not wait for a supervisor when the server is dead.</summary>
    public static RunOptions Unsupervised { get; } = new() { SupervisorPatience = TimeSpan.Zero };

    public static RunSetup Setup(MortalServer server, IReadOnlyList<Scenario> scenarios, TimeSpan? wait = null) =>
        new() { Catalogue = Catalogue, Scenarios = scenarios, Probed = server.Probed(wait) };

    public static Task<Results> ExecuteAsync(this RunSetup setup, CancellationToken cancellation = default) =>
        new Run(setup).ExecuteAsync(cancellation);

    public static Task<Results> PlayAsync(
        MortalServer server,
        IReadOnlyList<Scenario> scenarios,
        RunOptions? options = null,
        TimeSpan? wait = null,
        CancellationToken cancellation = default) =>
        (Setup(server, scenarios, wait) with { Options = options ?? Unsupervised }).ExecuteAsync(cancellation);

    /// <summary>Runs the scenarios against a healthy server of their own.</summary>
    public static async Task<Results> PlayAsync(
        IReadOnlyList<Scenario> scenarios, RunOptions? options = null, CancellationToken cancellation = default)
    {
        await using var server = new MortalServer();
        return await PlayAsync(server, scenarios, options, cancellation: cancellation);
    }

    public static IReadOnlyList<Verdict> Verdicts(this Results results, string slug = "") =>
    [
        .. results.Scenarios.Where(scenario => scenario.Id.Contains($"/{slug}", StringComparison.Ordinal))
            .Select(scenario => scenario.Verdict),
    ];

    public static ScenarioResult Of(this Results results, string slug) =>
        results.Scenarios.Single(scenario => scenario.Id.EndsWith($"/{slug}", StringComparison.Ordinal));
}
