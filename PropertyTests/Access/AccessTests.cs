using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using NUnit.Framework;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Access;

/// <summary>Access over the wire (SPEC, section Access).</summary>
[Category("Wire")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AccessTests : IDisposable
{
    private const string Json = "Content-Type: application/json";

    private readonly Credentials _with = new();

    public void Dispose() => _with.Dispose();

    [TestCase("GET", "/v1/topics")]
    [TestCase("POST", "/v1/topics")]
    [TestCase("GET", "/v1/topics/a")]
    [TestCase("DELETE", "/v1/topics/a")]
    [TestCase("GET", "/v1/topics/a/messages")]
    [TestCase("POST", "/v1/topics/a/messages")]
    [TestCase("GET", "/v1/topics/a/events")]
    [TestCase("GET", "/v1/stats")]
    [TestCase("GET", "/v1/health")]
    [TestCase("GET", "/v1/ws")]
    public async Task No_identity_or_a_wrong_one_is_refused(string method, string path)
    {
        var key = _with.Key("all", "*", "*", "*");
        using var host = _with.Start();
        var nothing = "not needed here";

        foreach (var headers in (string[][])
        [
            [], [$"X-API-Key: {key[..^1]}"], [$"X-API-Key: {key}x"], [$"Authorization: Bearer {nothing}"], [$"Authorization: Basic {key}"],
            [$"X-API-Key: {key}", $"X-API-Key: {key}"], ["X-API-Key:"], ["Authorization: Bearer"],
        ])
        {
            var answer = await host.Origin.AskAsync(method, path, "", headers);

            Assert.That((answer.Status, answer["WWW-Authenticate"]), Is.EqualTo((401, "Bearer")), string.Join(", ", headers));
            Assert.That(answer.Body, Does.Contain("\"code\":\"UNAUTHORIZED\"").And.Not.Contain(key[..^1]).And.Not.Contain(nothing));
        }

        Assert.That((await host.Origin.AskAsync(method, path, "", $"X-API-Key: {key}")).Status, Is.Not.EqualTo(401));
        Assert.That((await host.Origin.AskAsync(method, path, "", $"Authorization: Bearer {_with.Token()}")).Status, Is.Not.EqualTo(401));
    }

    [Test]
    public async Task Probes_need_no_identity_and_a_path_of_nothing_is_not_found()
    {
        using var host = _with.Start();

        Assert.That((await host.Origin.AskAsync("GET", "/livez")).Status, Is.EqualTo(200));
        Assert.That((await host.Origin.AskAsync("GET", "/readyz")).Status, Is.EqualTo(200));
        Assert.That((await host.Origin.AskAsync("GET", "/nothing")).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task A_handshake_takes_a_key_or_a_token_in_a_header_or_in_the_query()
    {
        var key = _with.Key("all", "*", "*", "*");
        var token = _with.Token();
        using var host = _with.Start();

        (string Query, (string, string)[] Headers)[] right =
        [
            ("", [("X-API-Key", key)]),
            ("", [("Authorization", $"Bearer {token}")]),
            ($"access_token={token}", []),
            ($"access_token={key}", []),
        ];
        foreach (var (query, headers) in right)
        {
            using var line = await Line.ToAsync(host.Origin, query, headers);
            Assert.That((await line.AskAsync(Line.Ping)).Type, Is.EqualTo("pong"));
        }

        foreach (var (query, headers) in ((string, (string, string)[])[])
            [("", []), ($"access_token={key}x", []), ("access_token=x", []), ("", [("X-API-Key", $"{key[..^1]}")])])
        {
            var refused = await Assert.ThrowsAsync<WebSocketException>(() => Line.ToAsync(host.Origin, query, headers));
            Assert.That(refused!.Message, Does.Contain("401"));
        }

        Assert.That((await host.Origin.AskAsync("GET", $"/v1/topics?access_token={token}")).Status, Is.EqualTo(401), "a header will do");
    }

    [TestCase("HS256")]
    [TestCase("RS256")]
    [TestCase("ES256")]
    public async Task A_token_may_be_signed_by_each_algorithm(string algorithm)
    {
        using var host = _with.Start();

        Assert.That(await StatusAsync(host, _with.Token(algorithm)), Is.EqualTo(200));
    }

    [Test]
    public async Task A_token_must_be_signed_and_in_time_and_for_this_server()
    {
        using var host = _with.Start();
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var right = _with.Token();
        var parts = right.Split('.');
        var none = Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""");
        var confused = new SigningCredentials(new SymmetricSecurityKey(_with.PublicKey) { KeyId = "r" }, "HS256");
        var foreign = new SigningCredentials(new SymmetricSecurityKey(new byte[32]) { KeyId = "h" }, "HS256");

        (string Token, string Fault)[] wrong =
        [
            (_with.Token(but: token => token.Expires = now.AddSeconds(-1)), "the token has expired"),
            (_with.Token(but: token => token.NotBefore = now.AddSeconds(30)), "the token is not valid yet"),
            (_with.Token(but: token => token.Expires = null), "the token must have an exp"),
            (_with.Token(but: token => token.Audience = "other"), "the token is for another audience"),
            (_with.Token(but: token => token.Audience = null), "the token is for another audience"),
            (_with.Token(but: token => token.Issuer = "other"), "the token is of another issuer"),
            (_with.Token(but: token => token.Issuer = null), "the token is of another issuer"),
            (_with.Token(but: token => token.SigningCredentials = foreign), "the token is not valid"),
            (_with.Token(but: token => token.SigningCredentials = confused), "the token is not valid"),
            (_with.Token(but: token => token.SigningCredentials = new(_with.Signers["HS256"].Key, "HS384")), "the token is not valid"),
            ($"{none}.{parts[1]}.", "the token is not valid"),
            ($"{parts[0]}.{parts[1]}.", "the token is not valid"),
            ($"{parts[0]}.{parts[1]}", "the token is not valid"),
            ($"{parts[0]}.{Base64UrlEncoder.Encode("{}")}.{parts[2]}", "the token is not valid"),
            (_with.Token(claims: ("sub", "")), "the token must have a sub of 1 to 255 characters"),
            (_with.Token(claims: ("publish", new[] { ".." })), "the token must have a publish that is a list of topic names"),
            (_with.Token(claims: ("connections", "x")), "the token must have a connections that is a whole number"),
            (_with.Token(claims: ("connections", 0)), "the token must have a connections of at least 1"),
            (_with.Token(claims: ("much", new string('x', 10_000))), "the token is not valid"),
        ];
        Assert.That(await StatusAsync(host, right), Is.EqualTo(200));
        foreach (var (token, fault) in wrong)
        {
            var answer = await host.Origin.AskAsync("GET", "/v1/topics", "", $"Authorization: Bearer {token}");
            Assert.That((answer.Status, answer.Body), Is.EqualTo((401, answer.Body)), fault);
            Assert.That(answer.Body, Does.Contain(fault).And.Not.Contain(token));
        }
    }

    [Test]
    public async Task Permissions_are_those_of_the_key_at_every_door()
    {
        var all = Header(_with.Key("all", "*", "*", "*"));
        var publisher = _with.Key("publisher", publish: "a*");
        var subscriber = _with.Key("subscriber", subscribe: "a");
        var manager = _with.Key("manager", manage: "a*");
        using var host = _with.Start();
        await CreateAsync(host, "a", all);

        Assert.That(
            await DoorsAsync(host, "a", publisher),
            Is.EqualTo("publish ack, post 200, subscribe FORBIDDEN, read 403, stream 403, unsubscribe FORBIDDEN, "
                + "look 404, list [], stats {}, health 0, create 403, delete 403"));
        Assert.That(
            await DoorsAsync(host, "a", subscriber),
            Is.EqualTo("publish FORBIDDEN, post 403, subscribe ack, read 200, stream 200, unsubscribe ack, "
                + "look 200, list [a], stats {a}, health 1, create 403, delete 403"));
        Assert.That(
            await DoorsAsync(host, "a", manager),
            Is.EqualTo("publish FORBIDDEN, post 403, subscribe FORBIDDEN, read 403, stream 403, unsubscribe FORBIDDEN, "
                + "look 200, list [a], stats {a}, health 1, create 409, delete 200"));
        Assert.That((await host.Origin.AskAsync("GET", "/v1/topics/a", "", all)).Status, Is.EqualTo(404), "only the manager deleted it");
    }

    /// <summary>Whether a topic exists makes no difference for an identity that may neither read nor manage it.</summary>
    [Test]
    public async Task A_topic_that_may_not_be_seen_looks_as_if_it_did_not_exist()
    {
        var all = Header(_with.Key("all", "*", "*", "*"));
        var other = _with.Key("other", "b", "b", "b");
        using var host = _with.Start();

        var without = await DoorsAsync(host, "a", other);
        await CreateAsync(host, "a", all);
        var with = await DoorsAsync(host, "a", other);

        Assert.That(with, Is.EqualTo(without));
        Assert.That(
            with,
            Is.EqualTo("publish FORBIDDEN, post 403, subscribe FORBIDDEN, read 403, stream 403, unsubscribe FORBIDDEN, "
                + "look 404, list [], stats {}, health 0, create 403, delete 403"));
        var topic = await host.Origin.AskAsync("GET", "/v1/topics/a", "", all);
        Assert.That(topic.Body, Does.Contain("\"messages\":0"), "nothing had an effect");
    }

    [Test]
    public async Task A_token_that_expires_ends_its_connections()
    {
        var all = Header(_with.Key("all", "*", "*", "*"));
        using var host = _with.Start();
        var token = _with.Token(but: one => one.Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(4));
        await CreateAsync(host, "a", all);
        using var line = await Line.ToAsync(host.Origin, "", ("Authorization", $"Bearer {token}"));
        using var reader = await EventReader.OfAsync(host, $"?access_token={token}");
        Assert.That((await line.AskAsync(Line.Subscribe("a"))).Type, Is.EqualTo("ack"));

        Assert.That((await line.HearAsync()).Error, Is.EqualTo("UNAUTHORIZED"));
        Assert.That(async () => await line.HearAsync(), Throws.TypeOf<EndOfStreamException>().With.Message.StartsWith("1008 "));
        await reader.BlockAsync();
        Assert.That(await reader.BlockAsync(), Does.StartWith("event: error\n").And.Contains("UNAUTHORIZED"));
        Assert.That(await reader.BlockAsync(), Is.EqualTo("the end"));
        Assert.That(await StatusAsync(host, token), Is.EqualTo(401));
    }

    [Test]
    public async Task A_key_that_is_removed_or_changed_ends_its_connections_and_no_others()
    {
        var (kept, changed, removed) = (_with.Key("kept", "*", "*", "*"), _with.Key("changed", "*"), _with.Key("removed", "*"));
        using var host = _with.Start();
        using var one = await Line.ToAsync(host.Origin, "", ("X-API-Key", kept));
        using var two = await Line.ToAsync(host.Origin, "", ("X-API-Key", changed));
        using var three = await Line.ToAsync(host.Origin, "", ("X-API-Key", removed));

        _with.Key("changed", publish: "a");
        Assert.That((await two.HearAsync()).Error, Is.EqualTo("UNAUTHORIZED"));
        _with.Remove("removed");
        Assert.That((await three.HearAsync()).Error, Is.EqualTo("UNAUTHORIZED"));

        Assert.That(async () => await three.HearAsync(), Throws.TypeOf<EndOfStreamException>().With.Message.StartsWith("1008 "));
        Assert.That((await one.AskAsync(Line.Ping)).Type, Is.EqualTo("pong"));
        Assert.That((await host.Origin.AskAsync("GET", "/v1/topics", "", Header(removed))).Status, Is.EqualTo(401));
        using var again = await Line.ToAsync(host.Origin, "", ("X-API-Key", changed));
        Assert.That((await again.AskAsync(Line.Publish("b", "1"))).Error, Is.EqualTo("FORBIDDEN"));
    }

    [Test]
    public async Task A_file_that_cannot_be_used_changes_nothing()
    {
        var key = _with.Key("all", "*", "*", "*");
        using var host = _with.Start();

        await File.WriteAllTextAsync(_with.KeysFile, """{"keys":[{"id":"1"}]}""");
        Assert.That(() => host.Logged, Has.Some.Contains("the keys stay what they were").Soon());
        Assert.That((await host.Origin.AskAsync("GET", "/v1/topics", "", Header(key))).Status, Is.EqualTo(200));

        _with.Remove("all");
        Assert.That(async () => (await host.Origin.AskAsync("GET", "/v1/topics", "", Header(key))).Status, Is.EqualTo(401).Soon());
    }

    [Test]
    public async Task Over_a_limit_nothing_is_queued_or_lost_and_the_connection_stays([Values] bool isOfConnection)
    {
        var all = _with.Key("all", "*", "*", "*");
        var limited = _with.Key("limited", "*", publishes: isOfConnection ? null : 5);
        using var host = _with.Start(isOfConnection ? [("PUBLISHES_PER_SECOND", "5")] : []);
        await CreateAsync(host, "a", Header(all));
        using var reader = await Line.ToAsync(host.Origin, "", ("X-API-Key", all));
        await reader.AskAsync(Line.Subscribe("a"));
        using var line = await Line.ToAsync(host.Origin, "", ("X-API-Key", limited));

        await line.SayAsync([.. Enumerable.Range(1, 30).Select(n => Line.Publish("a", Frames.Text(n)))]);
        var answers = await line.HearAsync(30);

        var passed = answers.Where(one => one.Type == "ack").ToList();
        var refused = answers.Where(one => one.Error == "RATE_LIMITED").ToList();
        Assert.That(passed.Count + refused.Count, Is.EqualTo(30));
        Assert.That(passed, Has.Count.InRange(5, 25));
        var wait = JsonElement.Parse(refused[^1].Text).GetProperty("error").GetProperty("retry_after_ms").GetInt32();
        Assert.That(wait, Is.InRange(1, 200));
        for (var since = Stopwatch.StartNew(); since.Elapsed.TotalMilliseconds < wait;)
        {
            await Task.Delay(1); // a timer may fire some milliseconds early
        }

        var last = await line.AskAsync(Line.Publish("a", "31"));
        Assert.That(last.Type, Is.EqualTo("ack"));
        var heard = await reader.HearAsync(passed.Count + 1);
        Assert.That(heard.Select(one => one.Id), Is.EqualTo(passed.Append(last).Select(one => one.RequestId)));
    }

    [Test]
    public async Task A_publish_over_HTTP_is_held_to_the_limits_of_the_identity()
    {
        var all = _with.Key("all", "*", "*", "*");
        var limited = Header(_with.Key("limited", "*", publishes: 10, bytes: 300));
        using var host = _with.Start();
        await CreateAsync(host, "a", Header(all));
        var ten = $"[{string.Join(',', Enumerable.Range(0, 10).Select(n => $$"""{"id":"{{n}}","payload":0}"""))}]";

        Assert.That((await PublishAsync(host, ten, limited)).Status, Is.EqualTo(200));
        RawResponse refused;
        while ((refused = await PublishAsync(host, ten, limited)).Status == 200)
        {
            // A bucket that has long been full may let one more pass.
        }

        Assert.That(refused.Status, Is.EqualTo(429));
        Assert.That(int.Parse(refused["Retry-After"]!, System.Globalization.CultureInfo.InvariantCulture), Is.InRange(1, 2));
        Assert.That(JsonElement.Parse(refused.Body).GetProperty("retry_after_ms").GetInt32(), Is.InRange(1, 1_500));
        Assert.That((await PublishAsync(host, ten.Replace("]", ",{\"id\":\"x\",\"payload\":0}]"), limited)).Status, Is.EqualTo(400));
        Assert.That(
            (await PublishAsync(host, $$"""{"id":"{{new string('x', 250)}}","payload":"{{new string('y', 60)}}"}""", limited)).Status,
            Is.EqualTo(400));
    }

    [Test]
    public async Task An_identity_has_at_most_as_many_connections_as_it_may_have()
    {
        var key = _with.Key("two", "*", "*", "*", connections: 2);
        using var host = _with.Start();
        await CreateAsync(host, "a", Header(key));
        var one = await Line.ToAsync(host.Origin, "", ("X-API-Key", key));
        using var two = await EventReader.OfAsync(host, $"?access_token={key}");

        var refused = await Assert.ThrowsAsync<WebSocketException>(() => Line.ToAsync(host.Origin, "", ("X-API-Key", key)));
        using var third = await EventReader.OfAsync(host, $"?access_token={key}");

        Assert.That(refused!.Message, Does.Contain("429"));
        Assert.That((int)third.Status, Is.EqualTo(429));
        one.Dispose();
        Assert.That(
            async () =>
            {
                using var again = await EventReader.OfAsync(host, $"?access_token={key}");
                return (int)again.Status;
            },
            Is.EqualTo(200).Soon());
    }

    [Test]
    public async Task Tokens_of_one_subject_share_its_limits()
    {
        using var host = _with.Start();
        using var one = await Line.ToAsync(host.Origin, $"access_token={_with.Token(claims: ("connections", 1))}");
        using var other = await Line.ToAsync(host.Origin, $"access_token={_with.Token(claims: [("connections", 1), ("sub", "bob")])}");

        var refused = await Assert.ThrowsAsync<WebSocketException>(
            () => Line.ToAsync(host.Origin, $"access_token={_with.Token("RS256", null, ("connections", 1), ("publish", "a"))}"));

        Assert.That(refused!.Message, Does.Contain("429"));
    }

    [Test]
    public async Task Limits_of_a_connection_hold_without_access()
    {
        using var host = new RunningHost(("BYTES_PER_SECOND", "100"));
        await CreateAsync(host, "a");
        using var line = await Line.ToAsync(host.Origin);

        var heard = new List<string>();
        for (var n = 0; n < 10; n++)
        {
            heard.Add((await line.AskAsync(Line.Publish("a", Frames.Text(n), $"\"{new string('x', 50)}\""))).Short);
        }

        Assert.That(heard, Has.Member("RATE_LIMITED"));
        Assert.That(heard[0], Is.EqualTo("ack 0"));
        Assert.That((await line.AskAsync(Line.Publish("a", "n", $"\"{new string('x', 100)}\""))).Error, Is.EqualTo("BAD_REQUEST"));
    }

    [Test]
    public async Task No_secret_is_in_the_log_or_in_an_answer()
    {
        var key = _with.Key("all", "*", "*", "*", publishes: 2);
        var token = _with.Token();
        using var host = _with.Start();
        var answers = new StringBuilder();
        foreach (var target in (string[])["/v1/topics", "/v1/ws", "/v1/topics/a/events", "/nothing", "/v1/topics/a/messages?last_n=x"])
        {
            foreach (var credentials in (string[])[key, token, $"{key}x", $"{token}x"])
            {
                var query = $"{target}{(target.Contains('?', StringComparison.Ordinal) ? '&' : '?')}access_token={credentials}";
                var encoded = query.Replace("access_token", "access%5Ftoken", StringComparison.Ordinal);
                foreach (var answer in (RawResponse[])
                [
                    await host.Origin.AskAsync("GET", target, "", $"X-API-Key: {credentials}"),
                    await host.Origin.AskAsync("GET", target, "", $"Authorization: Bearer {credentials}"),
                    await host.Origin.AskAsync("HEAD", query),
                    await host.Origin.AskAsync("GET", encoded),
                    await host.Origin.AskAsync("PUT", query, "{}", Json),
                ])
                {
                    answers.AppendJoin('\n', answer.Headers).Append(answer.Body);
                }
            }
        }

        using (var line = await Line.ToAsync(host.Origin, $"access_token={token}"))
        {
            answers.Append(await line.AskAsync("""{"type":"nothing"}"""));
        }

        string[] secrets = [key[13..], token.Split('.')[2]];
        Assert.That(host.Logged, Has.Some.Contains("sent a request as all").And.Some.Contains("sent a request as ann"));
        Assert.That(host.Logged.Where(line => secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal))), Is.Empty);
        Assert.That(secrets.Where(secret => answers.ToString().Contains(secret, StringComparison.Ordinal)), Is.Empty);
    }

    private static string Header(string key) => $"X-API-Key: {key}";

    private static async Task<int> StatusAsync(RunningHost host, string token) =>
        (await host.Origin.AskAsync("GET", "/v1/topics", "", $"Authorization: Bearer {token}")).Status;

    private static async Task CreateAsync(RunningHost host, string topic, params string[] headers) => Assert.That(
        (await host.Origin.AskAsync("POST", "/v1/topics", $$"""{"name":"{{topic}}"}""", [Json, .. headers])).Status, Is.EqualTo(201));

    private static Task<RawResponse> PublishAsync(RunningHost host, string body, string header) =>
        host.Origin.AskAsync("POST", "/v1/topics/a/messages", body, Json, header);

    /// <summary>Tries everything that can be done with a topic.</summary>
    private static async Task<string> DoorsAsync(RunningHost host, string topic, string key)
    {
        var outcomes = new List<string>();
        using var line = await Line.ToAsync(host.Origin, "", ("X-API-Key", key));
        Hear("publish", await line.AskAsync(Line.Publish(topic, "1")));
        outcomes.Add($"post {(await AskAsync("POST", $"/{topic}/messages", """{"id":"1","payload":0}""")).Status}");
        Hear("subscribe", await line.AskAsync(Line.Subscribe(topic)));
        outcomes.Add($"read {(await AskAsync("GET", $"/{topic}/messages")).Status}");
        using (var reader = await EventReader.OfAsync(host.Origin, topic, $"?access_token={key}"))
        {
            outcomes.Add($"stream {(int)reader.Status}");
        }

        Hear("unsubscribe", await line.AskAsync(Line.Unsubscribe(topic)));
        outcomes.Add($"look {(await AskAsync("GET", $"/{topic}")).Status}");
        var topics = JsonElement.Parse((await AskAsync("GET", "")).Body).GetProperty("topics").EnumerateArray();
        outcomes.Add($"list [{string.Join(' ', topics.Select(one => one.GetProperty("name").GetString()))}]");
        var stats = JsonElement.Parse((await host.Origin.AskAsync("GET", "/v1/stats", "", Header(key))).Body).GetProperty("topics");
        outcomes.Add($"stats {{{string.Join(' ', stats.EnumerateObject().Select(one => one.Name))}}}");
        var health = JsonElement.Parse((await host.Origin.AskAsync("GET", "/v1/health", "", Header(key))).Body);
        outcomes.Add($"health {health.GetProperty("topics")}");
        outcomes.Add($"create {(await AskAsync("POST", "", $$"""{"name":"{{topic}}"}""")).Status}");
        outcomes.Add($"delete {(await AskAsync("DELETE", $"/{topic}")).Status}");
        return string.Join(", ", outcomes);

        Task<RawResponse> AskAsync(string method, string path, string body = "") =>
            host.Origin.AskAsync(method, $"/v1/topics{path}", body, Json, Header(key));

        void Hear(string request, Heard answer) => outcomes.Add($"{request} {(answer.Type == "ack" ? "ack" : answer.Error)}");
    }
}
