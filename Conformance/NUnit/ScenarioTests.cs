using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>
/// Every scenario as one test, against our own Host or against any server by URL:
/// <code>dotnet test Conformance/NUnit -- 'TestRunParameters.Parameter(name="url", value="http://127.0.0.1:8080")'</code>
/// A violated SHOULD fails the test for our own Host; for any other server it is only reported.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
public sealed class ScenarioTests : IDisposable
{
    private HostServer? _host;
    private Runner? _runner;

    // Access and metrics need settings of their own: see AccessTests.
    private static IEnumerable<TestCaseData> Cases =>
        All.Scenarios.Where(scenario => scenario.Area is not ("ACC" or "MET")).Select(Case);

    [OneTimeSetUp]
    public void StartTheTarget()
    {
        if (TestContext.Parameters["url"] is { } url)
        {
            _runner = new Runner(Catalogue.Embedded, Target.From(new Uri(url)));
            return;
        }

        _host = new HostServer();
        _runner = new Runner(Catalogue.Embedded, Target.From(_host.Origin), HostServer.LaunchAsync);
    }

    /// <summary>NUnit calls this when the last scenario is done.</summary>
    public void Dispose() => _host?.Dispose();

    [TestCaseSource(nameof(Cases))]
    public async Task Scenario(Scenario scenario)
    {
        // Scenarios run in parallel here, so one that must run alone gets its own Host.
        using var own = (scenario.IsAlone || scenario.UsesPlainNames) && _host is not null ? new HostServer() : null;
        var runner = own is null ? _runner! : new Runner(Catalogue.Embedded, Target.From(own.Origin));
        var outcome = await runner.RunAsync(scenario, TestContext.CurrentContext.CancellationToken);

        var story = outcome.ToStory();
        Assert.That(
            scenario.IsLoad || IsUsual(outcome.Traffic), Is.True,
            $"{scenario.Id} is not marked as load, but held {outcome.Traffic?.MostOpen} connections and moved "
            + $"{outcome.Traffic?.BytesSent + outcome.Traffic?.BytesReceived} bytes");
        switch (outcome.Verdict)
        {
            case Verdict.Pass or Verdict.Observed:
                break;
            case Verdict.Warn when _host is null:
                await TestContext.Out.WriteLineAsync(story);
                break;
            case Verdict.Unsupported or Verdict.Disabled when _host is null:
            case Verdict.Unsupported when scenario.IsLaunched && OperatingSystem.IsWindows(): // no signals there
                Assert.Ignore(outcome.Message);
                break;
            default:
                Assert.Fail(story);
                break;
        }
    }

    private static TestCaseData Case(Scenario scenario)
    {
        var test = new TestCaseData(scenario).SetName(scenario.Id).SetCategory(scenario.Area)
            .SetProperty("Requirement", scenario.Requirement);
        return scenario.IsLengthy ? test.SetCategory("Lengthy") : test;
    }

    private static bool IsUsual(Traffic? traffic) => traffic is null
        || (traffic.MostOpen <= Fixture.Scenario.UsualConnections
            && traffic.BytesSent + traffic.BytesReceived <= Fixture.Scenario.UsualBytes);
}
