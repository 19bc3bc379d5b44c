using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Tests.Cli;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Credentials are read from where the user says, tokens are those of RFC 7515 and 7519, and no output shows a secret.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CredentialsTests
{
    private static readonly TokenKey Key = TokenKey.Parse("a-secret-of-thirty-two-characters", "https://issuer.example", "pubsub");

    [Test]
    public void A_token_is_signed_with_HS256_and_holds_the_claims_of_its_identity()
    {
        var role = Role.Of("conformance").First(role => role.Name == Role.Limited);
        var expires = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

        var parts = Key.Sign(role, expires, "me").Split('.');

        Assert.That(parts, Has.Length.EqualTo(3));
        Assert.That(
            parts[2],
            Is.EqualTo(Base64Url.EncodeToString(HMACSHA256.HashData(Key.Secret, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}")))));
        Assert.That(
            JsonNode.DeepEquals(Decoded(parts[0]), JsonNode.Parse("""{"alg":"HS256","typ":"JWT"}""")), Is.True, $"{Decoded(parts[0])}");
        Assert.That(
            JsonNode.DeepEquals(Decoded(parts[1]), JsonNode.Parse(
                """
                {"iss":"https://issuer.example","aud":"pubsub","sub":"me","exp":1893553445,"publish":["conformance-*"],
                "subscribe":["conformance-*"],"manage":["conformance-*"],"publishes_per_second":5}
                """)),
            Is.True,
            $"{Decoded(parts[1])}");
    }

    [TestCase("plain text", "plain text", null)]
    [TestCase("""{"kty":"oct","k":"cGxhaW4gdGV4dA","kid":"k1"}""", "plain text", "k1")]
    [TestCase("""{"keys":[{"kty":"RSA","n":"AQ"},{"kty":"oct","k":"cGxhaW4gdGV4dA"}]}""", "plain text", null)]
    public void The_secret_is_a_text_or_a_JSON_Web_Key(string text, string secret, string? id)
    {
        var key = TokenKey.Parse(text, "i", "a");

        Assert.That((Encoding.UTF8.GetString(key.Secret), key.KeyId), Is.EqualTo((secret, id)));
    }

    [TestCase("{}")]
    [TestCase("""{"keys":[{"kty":"RSA","n":"AQ"}]}""")]
    [TestCase("""{"kty":"oct","k":"!"}""")]
    public void JSON_without_such_a_key_is_refused(string text) =>
        Assert.That(() => TokenKey.Parse(text, "i", "a"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("'oct'"));

    [Test]
    public void A_client_with_another_credential_keeps_every_other_header()
    {
        var target = (Target.From(new Uri("http://h")) with
        {
            Headers = new Dictionary<string, string> { ["X-Tenant"] = "1", ["Authorization"] = "Basic of-the-proxy" },
        }).With(Household.KeysAlone);

        Assert.That(
            target.Headers.Keys, Is.EquivalentTo((string[])["X-Tenant", "Authorization", "X-API-Key"]), "the identity all is added");
        Assert.That(target.As(null).Headers.Keys, Is.EquivalentTo((string[])["X-Tenant", "Authorization"]), "and is taken away");
        Assert.That(target.As(new(CredentialKind.Token, "t")).Headers["Authorization"], Is.EqualTo("Bearer t"));
    }

    [Test]
    public void Every_identity_that_is_named_has_a_token()
    {
        foreach (var role in Role.Of("conformance"))
        {
            Assert.That(Key.Sign(role, DateTimeOffset.MaxValue).Split('.'), Has.Length.EqualTo(3), role.Name);
        }
    }

    [TestCase("--identity=all", "--identity must be NAME=SOURCE")]
    [TestCase("--identity all=psk_1_secret", "must be key:env:VARIABLE")]
    [TestCase("--identity all=key:psk_1_secret", "must be key:env:VARIABLE")]
    [TestCase("--identity some=key:env:PATH", "must be among all, none")]
    [TestCase("--identity none=key:env:PATH", "need the identity all")]
    [TestCase("--identity all=key:env:NOT_SET_ANYWHERE", "the environment variable NOT_SET_ANYWHERE is empty, or not set")]
    [TestCase("--identity all=key:file:/not/there", "'/not/there' cannot be read")]
    [TestCase("--jwt-key env:PATH", "jwtIssuer and jwtAudience")]
    [TestCase("--jwt-key psk_1_secret --jwt-issuer i --jwt-audience a", "must be env:VARIABLE or file:PATH")]
    public async Task What_is_wrong_with_a_source_is_said_without_a_secret(string options, string message)
    {
        var run = await Tool.ExitsAsync(ExitCode.Usage, ["run", "--url", "http://127.0.0.1:9", .. options.Split(' ')]);

        Assert.That(run.Errors, Does.Contain(message));
        Assert.That(run.Out + run.Errors, Does.Not.Contain("psk_1_secret"));
    }

    [Test]
    public void Tokens_and_beginnings_of_keys_are_redacted()
    {
        var redaction = new Redaction(Household.Whole.Secrets.ToDictionary(one => one.Name, one => one.Secret));
        var key = Household.Whole.All.Secret;
        var token = Key.Sign(Role.Of("conformance")[1], DateTimeOffset.MaxValue);

        Assert.That(redaction.Clean($"no key {key[..^1]}!"), Is.EqualTo($"no key {Redaction.Mark}!"));
        Assert.That(redaction.Clean($"no key {key}0"), Does.Not.Contain(key[..^1]));
        Assert.That(redaction.Clean($"no token {token}."), Does.Not.Contain(token.Split('.')[1]).And.Not.Contain(token.Split('.')[2]));
        Assert.That(redaction.Clean($"no token {token[..40]}\u2026"), Does.Not.Contain(token[..40]));
    }

    private static JsonNode? Decoded(string part) => JsonNode.Parse(Base64Url.DecodeFromChars(part));
}
