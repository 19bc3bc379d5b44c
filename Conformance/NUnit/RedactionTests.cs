using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>No credential of the user is shown or written, even if the server repeats it in another spelling.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class RedactionTests
{
    private const string Secret = "s3cr3t-0f-m1ne";
    private const string Mark = Redaction.Mark;

    [TestCase("Authorization: Bearer abc.def", "Authorization: " + Mark)]
    [TestCase("authorization:Basic YWJj", "authorization:" + Mark)]
    [TestCase("PROXY-AUTHORIZATION: x", "PROXY-AUTHORIZATION: " + Mark)]
    [TestCase("Cookie: a=1; b=2", "Cookie: " + Mark)]
    [TestCase("Set-Cookie: session=1; Path=/", "Set-Cookie: " + Mark)]
    [TestCase("X-Api-Key:\t1", "X-Api-Key:\t" + Mark)]
    [TestCase(
        @"GET /v1/topics HTTP/1.1\nHost: h\nAuthorization: Bearer abc\nAccept: */*\n\n",
        @"GET /v1/topics HTTP/1.1\nHost: h\nAuthorization: " + Mark + @"\nAccept: */*\n\n")]
    [TestCase("200 OK\nSet-Cookie: a=1\nVary: Cookie\n\n{}", "200 OK\nSet-Cookie: " + Mark + "\nVary: Cookie\n\n{}")]
    [TestCase(@"200 OK\nSet-Cookie: a=1\nSet-Cookie: b=2\n", @"200 OK\nSet-Cookie: " + Mark + @"\nSet-Cookie: " + Mark + @"\n")]
    [TestCase("My-Authorization: x", "My-Authorization: x")]
    [TestCase("the Cookie: it is good", "the Cookie: it is good")]
    [TestCase("Authorization:", "Authorization:")]
    public void Values_of_well_known_credential_headers_are_redacted_and_the_names_stay(string text, string clean) =>
        Assert.That(new Redaction().Clean(text), Is.EqualTo(clean));

    [TestCase("http://me:hunter2@example.net/v1", "http://" + Mark + "@example.net/v1")]
    [TestCase("wss://me@example.net:1/ws", "wss://" + Mark + "@example.net:1/ws")]
    [TestCase("http://example.net/@me", "http://example.net/@me")]
    [TestCase("ws://h/ws?a=1&token=abc&b=2", "ws://h/ws?a=1&token=" + Mark + "&b=2")]
    [TestCase("GET /ws?access_token=abc HTTP/1.1", "GET /ws?access_token=" + Mark + " HTTP/1.1")]
    [TestCase("/topics?apikey=abc", "/topics?apikey=" + Mark)]
    [TestCase("/topics?API_KEY=abc#x", "/topics?API_KEY=" + Mark + "#x")]
    [TestCase("the token=abc", "the token=abc")]
    public void Credentials_in_a_URL_are_redacted_and_the_rest_stays(string text, string clean) =>
        Assert.That(new Redaction().Clean(text), Is.EqualTo(clean));

    [Test]
    public void A_header_value_of_the_user_is_redacted_everywhere()
    {
        var redaction = new Redaction(new Dictionary<string, string> { ["X-Tenant.Key"] = $"Bearer {Secret}" });

        Assert.That(
            redaction.Clean($@"GET / HTTP/1.1\nx-tenant.key: Bearer {Secret}\nHost: h\n\n"),
            Is.EqualTo($@"GET / HTTP/1.1\nx-tenant.key: {Mark}\nHost: h\n\n"));
        Assert.That(
            redaction.Clean(@"x-tenant.key: something else\nHost: h"),
            Is.EqualTo($@"x-tenant.key: {Mark}\nHost: h"),
            "by its name");
        Assert.That(
            redaction.Clean("xxtenant-key: something else"),
            Is.EqualTo("xxtenant-key: something else"),
            "a name is not a regular expression");
        Assert.That(
            redaction.Clean($$"""400 Bad Request {"error":"unknown key {{Secret}}"}"""),
            Is.EqualTo($$"""400 Bad Request {"error":"unknown key {{Mark}}"}"""));
        Assert.That(redaction.Clean($"a{Secret}b{Secret}"), Is.EqualTo($"a{Mark}b{Mark}"));
    }

    [TestCase("abc+def/ghi==")]
    [TestCase("say \"hi\" \\o/")]
    [TestCase("<a href='x'>&amp;")]
    [TestCase("p\u00e4ssw\u00f6rd \u20ac")]
    public void A_secret_is_redacted_in_every_JSON_and_URL_spelling(string secret)
    {
        var redaction = new Redaction(new Dictionary<string, string> { ["X-Key"] = secret });
        string[] spellings =
        [
            JsonEncodedText.Encode(secret).ToString(),
            JsonEncodedText.Encode(secret, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
            JsonEncodedText.Encode(secret).ToString().ToLowerInvariant(),
            secret.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("/", "\\/", StringComparison.Ordinal),
            Uri.EscapeDataString(secret),
        ];

        foreach (var spelling in spellings)
        {
            Assert.That(
                redaction.Clean($$"""{"error":"no such key: {{spelling}}!"}"""),
                Is.EqualTo($$"""{"error":"no such key: {{Mark}}!"}"""));
        }
    }

    [Test]
    public void Query_values_are_redacted_in_both_encodings_and_the_names_stay()
    {
        var redaction = new Redaction(query: "ticket=a%20b%2Fc%3D&flag&room=r00m");

        Assert.That(
            redaction.Clean("GET /v1/topics?ticket=a%20b%2Fc%3D&flag&room=r00m HTTP/1.1"),
            Is.EqualTo($"GET /v1/topics?ticket={Mark}&flag&room={Mark} HTTP/1.1"));
        Assert.That(redaction.Clean("no ticket 'a b/c='"), Is.EqualTo($"no ticket '{Mark}'"));
        Assert.That(redaction.Clean("no ticket a%20b%2fc%3d"), Is.EqualTo($"no ticket {Mark}"), "the case of an escape does not matter");
    }

    [Test]
    public void A_value_shorter_than_4_characters_is_not_redacted_in_other_text()
    {
        var redaction = new Redaction(new Dictionary<string, string> { ["X-A"] = "abc", ["X-B"] = "x 12 abcd" }, "v=1&w=yes");

        Assert.That(redaction.Clean("abc yes 1 12 x abcde"), Is.EqualTo($"abc yes 1 12 x {Mark}e"));
        Assert.That(redaction.Clean("X-A: abc"), Is.EqualTo($"X-A: {Mark}"), "the header itself is redacted");
    }

    [Test]
    public void The_longest_secret_is_redacted_first()
    {
        var redaction = new Redaction(new Dictionary<string, string> { ["X-A"] = "abcd", ["X-B"] = "abcdefgh", ["X-C"] = "xabcdefghx" });

        Assert.That(redaction.Clean("abcd abcdefgh xabcdefghx"), Is.EqualTo($"{Mark} {Mark} {Mark}"));
    }

    [Test]
    public void The_beginning_of_a_secret_at_the_end_of_a_cut_text_is_redacted()
    {
        var redaction = new Redaction(new Dictionary<string, string> { ["X-A"] = Secret });

        for (var length = 4; length < Secret.Length; length++)
        {
            Assert.That(
                redaction.Clean($"you sent {Secret[..length]}\u2026 (5000 bytes)"),
                Is.EqualTo($"you sent {Mark}\u2026 (5000 bytes)"));
        }

        Assert.That(redaction.Clean("you sent s3c\u2026"), Is.EqualTo("you sent s3c\u2026"), "three letters are too short for a secret");
        Assert.That(redaction.Clean("s3cr3t is a word"), Is.EqualTo("s3cr3t is a word"), "the text was not cut");
    }

    [Test]
    public void Matches_of_the_users_patterns_are_redacted()
    {
        var redaction = new Redaction(patterns: [@"\b\d{4}-\d{4}\b", "(?i)hush"]);

        Assert.That(redaction.Clean("card 1234-5678, HUSH 12345-6789"), Is.EqualTo($"card {Mark}, {Mark} 12345-6789"));
        Assert.That(() => new Redaction(patterns: ["("]), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void A_pattern_that_takes_too_long_redacts_the_whole_text()
    {
        var redaction = new Redaction(patterns: ["^(a+)+$"]);

        Assert.That(redaction.Clean($"{new string('a', 60)}!"), Does.Not.Contain("aaaa").And.Contain(Mark));
        Assert.That(redaction.Clean("b"), Is.EqualTo("b"));
    }

    [Test]
    public void Empty_texts_and_empty_options_are_handled()
    {
        Assert.That(new Redaction().CleanOrNull(null), Is.Null);
        Assert.That(new Redaction().Clean(""), Is.Empty);
        Assert.That(new Redaction(new Dictionary<string, string>(), "").Clean("a: b"), Is.EqualTo("a: b"));
        Assert.That(new Redaction(query: "&&=&a").Clean("a: b"), Is.EqualTo("a: b"));
    }

    /// <summary>The server repeats the secrets in REST bodies, headers and WebSocket messages, whole and cut.</summary>
    [Test]
    public async Task No_secret_is_anywhere_in_the_results_of_a_run([Range(1, 6)] int seed)
    {
        const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=._~\"\\<>&'{}";
        var random = new Random(seed);
        var secret = $"k{new string(random.GetItems<char>(Letters, 12 + (6 * seed)))}e";
        var ticket = $"t{new string(random.GetItems<char>(Letters, 20))}t";
        var query = $"room=1&ticket={Uri.EscapeDataString(ticket)}";
        var headers = new Dictionary<string, string> { ["X-Door"] = $"Key {secret}", ["Authorization"] = $"Bearer {secret}" };
        var echo = "";
        await using var server = new MortalServer
        {
            Answer = heard =>
            {
                echo = JsonEncodedText.Encode(heard.Head).ToString();
                var quoted = JsonEncodedText.Encode(secret, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
                var cut = $$$"""{"error":{"code":"X","message":"{{{new string('.', random.Next(180, 290))}}}{{{quoted}}}"}}""";
                return heard.Path switch
                {
                    "/v1/cut" => new(400, cut, $"X-Echo: {secret}\r\n"),
                    "/v1/long" => new(400, new string('.', random.Next(3_900, 4_000)) + secret + ticket + secret),
                    "/v1/plain" => new(400, $"{heard.Head}{ticket}"),
                    "/v1/echo" => new(400, $$"""{"message":"{{echo}} {{JsonEncodedText.Encode(ticket)}}"}"""),
                    _ => null,
                };
            },
            Reply = _ =>
                $$$"""{"type":"error","error":{"code":"X","message":"{{{echo}}}"},"ticket":{{{JsonSerializer.Serialize(ticket)}}}}""",
        };
        var target = server.Target() with { Headers = headers, Query = query };
        var probed = new ProbedTarget(target, new Uri($"{server.Origin}?{query}"))
        {
            Findings = [new Finding("greeting", secret, FindingSource.Probed, $"it said {ticket}")],
            Fingerprint = new Dictionary<string, string> { ["server"] = secret },
        };
        var described = new Dictionary<string, string> { ["header"] = $"X-Door: Key {secret}" };
        var options = new RunOptions { Transcripts = KeptTranscripts.All, Described = described };
        Scenario[] scenarios =
        [
            .. ((string[])["cut", "long", "plain", "echo"]).SelectMany(path => new Scenario[]
            {
                Script.Scene($"{path}-status", async stage =>
                    stage.Expect.Status(200, await stage.Rest.SendAsync("GET", $"/{path}"), "it answers 200")),
                Script.Scene($"{path}-body", async stage =>
                    stage.Expect.Equal("", (await stage.Rest.SendAsync("GET", $"/{path}")).Body, "the body is empty")),
                Script.Scene($"{path}-precondition", async stage => await stage.Rest.SendAsync("GET", $"/{path}").Succeeded()),
            }),
            Script.Scene("message", async stage =>
                stage.Expect.Acked(await (await stage.ConnectAsync("client")).PingAsync(), "a ping is acked")),
            Script.Scene("observation", async stage =>
            {
                stage.Expect.Observe("the body", (await stage.Rest.SendAsync("GET", "/plain")).Body);
                stage.Expect.True(true, "it is there");
            }),
            Script.Scene("bug", async stage => throw new InvalidOperationException((await stage.Rest.SendAsync("GET", "/plain")).Body)),
            Script.Kills("last"),
        ];

        var setup = new RunSetup
        {
            Catalogue = Script.Catalogue,
            Scenarios = scenarios,
            Probed = probed,
            Options = options with { Parallel = 1 },
            Redaction = new Redaction(headers, query),
        };
        var results = await setup.ExecuteAsync();

        Assert.That(results.Totals[Verdict.Fail], Is.GreaterThan(8), "the answers of the server were read");
        Assert.That(results.Ending.LastRequests, Is.Not.Empty);
        var told = Strings(results.ToJson()).ToList();
        Assert.That(told.Any(text => text.Contains("X-Door: ", StringComparison.Ordinal)), Is.True, "the names stay");
        string[] parts =
        [
            secret, secret[..8], ticket, ticket[..8], Uri.EscapeDataString(ticket), JsonEncodedText.Encode(secret).ToString(),
        ];
        foreach (var part in parts)
        {
            Assert.That(told.Where(text => text.Contains(part, StringComparison.Ordinal)), Is.Empty, $"seed {seed}: {secret} or {ticket}");
        }
    }

    private static List<string> Strings(string json)
    {
        var found = new List<string>();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
            {
                found.Add(reader.GetString()!);
            }
        }

        return found;
    }
}
