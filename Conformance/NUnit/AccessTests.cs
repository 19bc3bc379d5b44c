using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Tests.Cli;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>
/// Every scenario about access against our own Host, with a key of each identity and a secret that signs tokens. One runs at a time: they
/// share the limits of the keys.
/// </summary>
[TestFixture]
public sealed class AccessTests : IDisposable
{
    private const string Issuer = "https://issuer.example";
    private const string Audience = "pubsub";

    private readonly Folder _folder = new();
    private GuardedHost? _host;
    private Runner? _runner;

    private static IEnumerable<TestCaseData> Cases => All.Scenarios.Where(scenario => scenario.Area is "ACC" or "MET")
        .Select(scenario => new TestCaseData(scenario).SetName(scenario.Id).SetCategory(scenario.Area)
            .SetProperty("Requirement", scenario.Requirement));

    [OneTimeSetUp]
    public void StartTheHost()
    {
        var identities = new Dictionary<string, Credential>();
        var keys = new JsonArray();
        foreach (var (place, role) in Role.Of(TopicNames.UsualPrefix).Index())
        {
            var id = $"{place:x8}";
            var key = $"psk_{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
            identities[role.Name] = new(CredentialKind.Key, key);
            keys.Add((JsonNode)Entry(id, role, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)))));
        }

        var secret = new JsonObject
        {
            ["kty"] = "oct",
            ["kid"] = "tests",
            ["k"] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)),
        };
        var set = new JsonObject { ["keys"] = new JsonArray(secret) }.ToJsonString();
        _host = new(
            _folder.Write("keys.json", new JsonObject { ["keys"] = keys }.ToJsonString()),
            _folder.Write("jwks.json", set));
        _runner = new(Catalogue.Embedded, Target.From(_host.Origin).With(new()
        {
            Identities = identities,
            TokenKey = TokenKey.Parse(set, Issuer, Audience),
        }));
    }

    public void Dispose()
    {
        _host?.Dispose();
        _folder.Dispose();
    }

    [TestCaseSource(nameof(Cases))]
    public async Task Scenario(Scenario scenario)
    {
        var outcome = await _runner!.RunAsync(scenario, TestContext.CurrentContext.CancellationToken);

        Assert.That(outcome.Verdict, Is.AnyOf(Verdict.Pass, Verdict.Observed), outcome.ToStory());
    }

    private static JsonObject Entry(string id, Role role, string hash)
    {
        var entry = new JsonObject
        {
            ["id"] = id,
            ["name"] = role.Name,
            ["sha256"] = hash,
            ["publish"] = Patterns(role.Publish),
            ["subscribe"] = Patterns(role.Subscribe),
            ["manage"] = Patterns(role.Manage),
        };
        if (role.PublishesPerSecond is { } publishes)
        {
            entry["publishes_per_second"] = publishes;
        }

        if (role.Connections is { } connections)
        {
            entry["connections"] = connections;
        }

        return entry;
    }

    private static JsonArray Patterns(IEnumerable<string> patterns) => [.. patterns.Select(pattern => (JsonNode)pattern)];

    private sealed class GuardedHost(string keys, string tokens) : HostServer
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            base.ConfigureWebHost(builder);
            builder.UseSetting("KEYS_FILE", keys).UseSetting("JWT_KEYS_FILE", tokens).UseSetting("JWT_ISSUER", Issuer)
                .UseSetting("JWT_AUDIENCE", Audience).UseSetting("METRICS", "on");
        }
    }
}
