using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using NUnit.Framework;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>results.schema.json accepts the results that the suite writes, rejects spoilt ones, and has the members of the model.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SchemaTests
{
    private static readonly Dictionary<string, Action<JsonObject>> Spoilt = new()
    {
        ["a member is missing"] = run => run.Remove("conclusion"),
        ["a member of a member is missing"] = run => run["suite"]!.AsObject().Remove("catalogue"),
        ["a member is unknown"] = run => run["verdict"] = "pass",
        ["a member of a member is unknown"] = run => First(run, "scenarios")["color"] = "red",
        ["the version is another"] = run => run["schemaVersion"] = 2,
        ["the run id is malformed"] = run => run["run"] = "XYZ",
        ["the catalogue is not a hash"] = run => run["suite"]!["catalogue"] = "abc",
        ["the date is malformed"] = run => run["started"] = "yesterday",
        ["a verdict is spelt differently"] = run => First(run, "scenarios")["verdict"] = "NotEvaluated",
        ["a level is spelt differently"] = run => First(run, "requirements")["level"] = "must",
        ["a status is spelt differently"] = run => First(run, "requirements")["status"] = "leftOpen",
        ["a conformity is spelt differently"] = run => First(run, "profiles")["conformity"] = "nonConformant",
        ["a source is spelt differently"] = run => run["target"]!["findings"]![0]!["source"] = "guessed",
        ["an ending is spelt differently"] = run => run["ending"]!["kind"] = "targetDied",
        ["a conclusion is spelt differently"] = run => run["conclusion"]!["kind"] = "ok",
        ["a direction is spelt differently"] = run => First(run, "scenarios")["transcript"]![0]!["direction"] = "out",
        ["a total is missing"] = run => run["totals"]!.AsObject().Remove("not-evaluated"),
        ["a total is unknown"] = run => run["totals"]!["skipped"] = 1,
        ["a count is negative"] = run => run["totals"]!["pass"] = -1,
        ["a count is text"] = run => run["traffic"]!["connections"] = "12",
        ["a count is a fraction"] = run => run["traffic"]!["bytesSent"] = 1.5,
        ["the exit code is out of range"] = run => run["conclusion"]!["exitCode"] = 256,
        ["a time is negative"] = run => First(run, "scenarios")["durationMs"] = -0.5,
        ["a list is text"] = run => run["stale"] = "PS-TST-001",
        ["an option is not text"] = run => run["options"]!["strict"] = true,
    };

    private static IEnumerable<string> Ways => Spoilt.Keys;

    [Test]
    public async Task Results_that_the_suite_writes_are_valid()
    {
        foreach (var results in SampleResults.Endings().Values.Append(SampleResults.Every()).Append(SampleResults.EvilEverywhere()))
        {
            Assert.That(await Schemas.ResultsComplaintsAsync(results.ToJson()), Is.Empty);
        }
    }

    [TestCaseSource(nameof(Ways))]
    public async Task Spoilt_results_are_not_valid(string way)
    {
        var run = JsonNode.Parse(SampleResults.Every().ToJson())!.AsObject();
        Spoilt[way](run);

        Assert.That(await Schemas.ResultsComplaintsAsync(run.ToJsonString()), Is.Not.Empty);
    }

    [TestCase(typeof(SuiteIdentity))]
    [TestCase(typeof(Limits))]
    [TestCase(typeof(RoundTrips))]
    [TestCase(typeof(Finding))]
    [TestCase(typeof(TargetResult))]
    [TestCase(typeof(LastRequest))]
    [TestCase(typeof(Ending))]
    [TestCase(typeof(Conclusion))]
    [TestCase(typeof(ProfileResult))]
    [TestCase(typeof(RequirementResult))]
    [TestCase(typeof(Observation))]
    [TestCase(typeof(TranscriptLine))]
    [TestCase(typeof(ScenarioResult))]
    [TestCase(typeof(TrafficResult))]
    [TestCase(typeof(Results))]
    public void The_schema_has_the_members_and_the_required_members_of_the_model(Type type)
    {
        var root = JsonNode.Parse(Schemas.OfResults)!.AsObject();
        var definition = (type == typeof(Results) ? root : root["definitions"]![Camel(type.Name)])!.AsObject();
        PropertyInfo[] members =
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(member => member.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always }),
        ];
        var demanded = type.GetConstructors().SelectMany(constructor => constructor.GetParameters())
            .Where(parameter => !parameter.HasDefaultValue).Select(parameter => Camel(parameter.Name!))
            .Concat(members.Where(member => member.IsDefined(typeof(RequiredMemberAttribute))).Select(member => Camel(member.Name)));

        Assert.That(
            definition["properties"]!.AsObject().Select(member => member.Key),
            Is.EquivalentTo(members.Select(member => Camel(member.Name))));
        Assert.That(
            definition["required"]!.AsArray().Select(name => name!.GetValue<string>()).Where(name => name != "schemaVersion"),
            Is.EquivalentTo(demanded));
    }

    [Test]
    public void Every_member_of_the_schema_has_a_description()
    {
        var root = JsonNode.Parse(Schemas.OfResults)!.AsObject();
        var undescribed = root["definitions"]!.AsObject().Select(definition => definition.Value!.AsObject()).Append(root)
            .SelectMany(definition => definition["properties"]?.AsObject().ToArray() ?? [])
            .Where(member => member.Value!["description"] is null && member.Value!["$ref"] is null)
            .Select(member => member.Key);

        Assert.That(undescribed, Is.Empty);
    }

    [Test]
    public void Results_are_the_same_after_writing_and_reading()
    {
        var json = SampleResults.Every().ToJson();

        Assert.That(Results.Parse(json).ToJson(), Is.EqualTo(json));
    }

    private static JsonObject First(JsonObject run, string list) => run[list]![0]!.AsObject();

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
