using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;
using static PubSub.Conformance.Tests.Probing;

namespace PubSub.Conformance.Tests;

/// <summary>A server without a capability is unsupported there, and judged as before in all else.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CapabilityTests
{
    [Test]
    public async Task Our_own_Host_has_every_capability_that_needs_no_setting()
    {
        using var host = new WatchedHost();

        var probed = await FindAsync(host.Origin);

        Assert.That(probed.Target.Lacks, Is.EqualTo((Capability[])[Capability.Access, Capability.Metrics]));
        Assert.That(probed.ToFile().Capabilities, Is.EqualTo((Capability[])[Capability.Resume, Capability.Http, Capability.Sse]));
        Assert.That(Evidence(probed, "access"), Does.Contain("--identity").And.Contain("--jwt-key"));
    }

    [Test]
    public async Task A_server_with_credentials_has_access_even_if_it_asks_for_none()
    {
        await using var server = new SmallServer(server => server.Offers = []);

        var probed = await Probe.ExecuteAsync(new() { Url = server.Origin, Credentials = Household.KeysAlone });

        Assert.That(probed.Target.Lacks, Does.Not.Contain(Capability.Access));
        Assert.That(probed.Target.Headers["X-API-Key"], Is.EqualTo(Household.KeysAlone.All.Secret));
        var outcome = await new Runner(Catalogue.Embedded, probed.Target)
            .RunAsync(All.Scenarios.Single(scenario => scenario.Id == "PS-ACC-001/no-identity"));
        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Fail), outcome.Message);
    }

    [Test]
    public async Task Without_credentials_the_reason_names_the_options()
    {
        await using var server = new SmallServer(server => server.Offers = []);
        var probed = await FindAsync(server.Origin);

        var outcome = await new Runner(Catalogue.Embedded, probed.Target)
            .RunAsync(All.Scenarios.Single(scenario => scenario.Id == "PS-ACC-001/no-identity"));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Unsupported));
        Assert.That(outcome.Message, Does.StartWith("unsupported: access").And.Contain("--identity").And.Contain("--jwt-key"));
    }

    [TestCase("text/plain", true)]
    [TestCase("text/html", true)]
    [TestCase("application/openmetrics-text", false)]
    public async Task Metrics_in_another_format_are_none(string type, bool isAbsent)
    {
        await using var server = new SmallServer(server =>
            server.Meter.Answer.Wrap(next => () => next() with { ContentType = $"{type}; charset=utf-8" }));

        var probed = await FindAsync(server.Origin);

        Assert.That(probed.Target.Lacks.Contains(Capability.Metrics), Is.EqualTo(isAbsent));
        Assert.That(Evidence(probed, "metrics"), Does.Contain(type));
    }

    [TestCase(404, Capability.Http, Capability.Sse)]
    [TestCase(405, Capability.Http, Capability.Sse)]
    [TestCase(501, Capability.Http, Capability.Sse)]
    [TestCase(406, Capability.Sse)]
    [TestCase(500)]
    [TestCase(400)]
    public async Task A_capability_is_absent_only_if_its_path_is(int status, params Capability[] absent)
    {
        await using var server = new MortalServer { Answer = asked => IsOfCapability(asked) ? new Said(status, "{}") : null };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.Lacks.Except(Others), Is.EqualTo(absent));
        Assert.That(Found(probed, "http").Value, Is.EqualTo(absent.Contains(Capability.Http) ? "unsupported" : "offered"));
        Assert.That(Evidence(probed, "http"), Does.Contain($"answered {status}"));
    }

    [Test]
    public async Task What_the_target_file_declares_is_not_probed()
    {
        await using var server = new MortalServer { Answer = asked => IsOfCapability(asked) ? new Said(404, "{}") : null };

        var probed = await FindAsync(server, options => options with { Capabilities = [Capability.Http] });

        Assert.That(
            probed.Target.Lacks,
            Is.EqualTo((Capability[])[Capability.Resume, Capability.Sse, Capability.Access, Capability.Metrics]));
    }

    [Test]
    public async Task A_server_without_a_capability_conforms_without_it()
    {
        using var host = new WatchedHost();
        var found = await FindAsync(host.Origin);
        var setup = new RunSetup
        {
            Catalogue = Catalogue.Embedded,
            Scenarios = [.. All.Scenarios.Where(scenario => scenario.Id is "PS-PING-001/as-specified" || scenario.Area is "SSE")],
            Probed = found with { Target = found.Target with { Lacks = [Capability.Sse] } },
            Options = new RunOptions { AllowLoad = true },
        };

        var results = await new Run(setup).ExecuteAsync(CancellationToken.None);

        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant), results.Conclusion.Message);
        var ofStreams = results.Scenarios.Where(scenario => scenario.Id.StartsWith("PS-SSE", StringComparison.Ordinal)).ToList();
        Assert.That(ofStreams.Select(scenario => scenario.Verdict).Distinct(), Is.EqualTo([Verdict.Unsupported]));
        Assert.That(ofStreams[0].Message, Does.StartWith("unsupported: sse"));
        Assert.That(results.Profiles.Single(profile => profile.Name == "sse").Conformity, Is.EqualTo(Conformity.Unsupported));
        var story = Conformance.Reports.Story.Render(results);
        var lines = story.Split('\n').Where(line => line.Contains("the target does not have this capability", StringComparison.Ordinal));
        Assert.That(lines.Count(), Is.EqualTo(1), story);
        Assert.That(story, Does.Not.Contain("Findings"));
    }

    [Test]
    public void Unsupported_requirements_do_not_count_strictly()
    {
        var results = Catalogue.Embedded.Requirements.Select(requirement => RequirementResult.Of(
            requirement, requirement.Profile == Profile.Resume ? RequirementStatus.Unsupported : RequirementStatus.Satisfied)).ToList();

        var strict = Rollup.Profiles(results).Single(profile => profile.Name == Rollup.Strict);

        Assert.That((strict.Conformity, strict.Requirements), Is.EqualTo((Conformity.Conformant, results.Count - 8)));
    }

    private static Capability[] Others => [Capability.Resume, Capability.Access, Capability.Metrics];

    private static bool IsOfCapability(Heard asked) =>
        asked.Path.EndsWith("/messages", StringComparison.Ordinal) || asked.Path.EndsWith("/events", StringComparison.Ordinal);
}
