using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>Identities, permissions and limits.</summary>
internal static class Access
{
    private const int Flood = 80; // publishes; 16 seconds' worth of the identity limited
    private const string NoIdentity = "without an identity is answered with 401";
    private const string Wrong = "with a wrong credential is answered with 401";
    private const string NotDelivered = "a publish without the permission is not delivered";
    private const string Somewhat = "some of 80 publishes at once are refused, when 5 in a second are allowed";
    private const string Counted = "a connection above those that the identity may have is answered with 429";
    private const string Same = "the answer is the same whether the topic exists or not";
    private const string Refused = "is answered with a 4xx status";

    private static readonly TimeSpan LongestFlood = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ClockStep = TimeSpan.FromMilliseconds(20); // a timer may end so much early
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5); // one of the requirement, four for clocks and load

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-ACC-001", "no-identity", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var fresh = stage.FreshName("fresh");
            var reader = await stage.SubscriberAsync("reader", topic);
            foreach (var way in Ways(stage, topic, fresh))
            {
                stage.Expect.Status(401, await way.AskAsync(stage.As(null)).For($"{way.Name} {NoIdentity}"), $"{way.Name} {NoIdentity}");
            }

            await ExpectNoEffectAsync(stage, topic, fresh, reader);
        }),

        .. ((string[])["key", "token"]).Select(kind => new Scenario("PS-ACC-002", $"unknown-{kind}", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var fresh = stage.FreshName("fresh");
            var reader = await stage.SubscriberAsync("reader", topic);
            var unknown = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            Credential[] wrong = kind == "key"
                ? [new(CredentialKind.Key, $"psk_00000000_{unknown}"), new(CredentialKind.Key, unknown), new(CredentialKind.Key, "x")]
                : [new(CredentialKind.Token, unknown), new(CredentialKind.Token, $"{unknown}.{unknown}.{unknown}")];
            foreach (var credential in wrong)
            {
                foreach (var way in Ways(stage, topic, fresh))
                {
                    stage.Expect.Status(
                        401, await way.AskAsync(stage.As(credential)).For($"{way.Name} {Wrong}"), $"{way.Name} {Wrong}");
                }
            }

            await ExpectNoEffectAsync(stage, topic, fresh, reader);
        })),

        new("PS-ACC-003", "the-scheme-is-named", stage => EachRefusalAsync(stage, (way, answer) =>
            stage.Expect.True(
                !string.IsNullOrWhiteSpace(answer.Header("WWW-Authenticate")),
                "an answer with 401 has a WWW-Authenticate header",
                $"{way.Name}: {answer}"))),

        new("PS-ACC-004", "the-code", stage => EachRefusalAsync(stage, (way, answer) =>
            stage.Expect.True(
                answer.ErrorCode == "UNAUTHORIZED", "an answer with 401 has the code UNAUTHORIZED", $"{way.Name}: {answer}"))),

        new("PS-ACC-005", "almost-the-key", async stage =>
        {
            foreach (var key in stage.Identities.Keys)
            {
                var own = await stage.RestAt(stage.As(key)).ListTopicsAsync().Given("the key is answered");
                stage.Require(own.IsSuccess, "the key itself is accepted", "PS-ACC-006");
                string[] almost =
                [
                    Credentials.BeginningOf(key.Secret), key.Secret[..(key.Secret.Length / 2)], $"{key.Secret}0", $"0{key.Secret}",
                    Swapped(key.Secret), $"{key.Secret},{key.Secret}", $"{key.Secret}*", "*", "%", $"{key.Secret[..^1]}?",
                ];
                foreach (var wrong in almost.Where(text => text != key.Secret))
                {
                    var at = stage.As(new(CredentialKind.Key, wrong));
                    const string Expectation = "what is almost an API key is answered with 401";
                    stage.Expect.Status(401, await stage.RestAt(at).ListTopicsAsync().For(Expectation), Expectation);
                    stage.Expect.Status(401, await HandshakeAsync(stage, at).For(Expectation), Expectation);
                }
            }
        }),

        new("PS-ACC-006", "in-its-header", stage => EachDoorAsync(stage, stage.Identities.Keys[0], "an API key in its header")),

        new("PS-ACC-007", "in-its-header", stage => EachDoorAsync(stage, TokenOf(stage), "a token in its header")),

        new("PS-ACC-008", "in-the-address", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.All))
            {
                var topic = await stage.TopicAtWorkAsync();
                var query = Rest.Query(("access_token", credential.Secret));
                var expectation = $"{credential} in access_token identifies the client";
                stage.Expect.Status(101, await HandshakeAsync(stage, stage.As(null), query).For(expectation), expectation);
                if (stage.Has(Capability.Sse))
                {
                    await using var stream = await stage.RestAt(stage.As(null)).StreamAsync("stream", topic, query, new ConnectOptions())
                        .For(expectation);
                    stage.Expect.Status(200, stream.Answer, expectation);
                }
            }
        }),

        new("PS-ACC-009", "expired", stage => EachTokenAsync(
            stage,
            "a token whose exp has passed is answered with 401",
            (key, claims) => ((int[])[600, 3_600, 30 * 24 * 3_600]).Select(ago =>
                key.Sign(claims("exp", stage.Time.GetUtcNow().ToUnixTimeSeconds() - ago))))),

        new("PS-ACC-010", "not-signed-by-the-server", stage => EachTokenAsync(
            stage,
            "a token that the server's key has not signed is answered with 401",
            (key, claims) =>
            {
                var right = key.Sign(claims("sub", "conformance")).Split('.');
                var other = key.Sign(claims("sub", "someone-else")).Split('.');
                return
                [
                    key.Sign(claims("sub", "conformance"), algorithm: "none"),
                    key.Sign(claims("sub", "conformance"), algorithm: "none").TrimEnd('.'),
                    $"{right[0]}.{right[1]}.",
                    $"{right[0]}.{right[1]}",
                    $"{right[0]}.{other[1]}.{right[2]}",
                    $"{right[0]}.{right[1]}.{Swapped(right[2])}",
                    key.Sign(claims("sub", "conformance"), RandomNumberGenerator.GetBytes(32)),
                    key.Sign(claims("sub", "conformance"), [.. key.Secret.Select(one => (byte)~one)]),
                ];
            })),

        new("PS-ACC-011", "for-another-time", stage => EachTokenAsync(
            stage,
            "a token that is not valid yet is answered with 401",
            (key, claims) => [key.Sign(claims("nbf", stage.Time.GetUtcNow().ToUnixTimeSeconds() + 3_000))])),

        new("PS-ACC-011", "of-another-issuer", stage => EachTokenAsync(
            stage,
            "a token of another issuer is answered with 401",
            (key, claims) =>
            [
                key.Sign(claims("iss", "https://issuer.invalid")), key.Sign(claims("iss", $"{key.Issuer}/")), key.Sign(claims("iss", null)),
            ])),

        new("PS-ACC-011", "for-another-audience", stage => EachTokenAsync(
            stage,
            "a token for another audience is answered with 401",
            (key, claims) =>
            [
                key.Sign(claims("aud", "another-service")), key.Sign(claims("aud", $"{key.Audience}-2")), key.Sign(claims("aud", null)),
            ])),

        new("PS-ACC-012", "over-the-websocket", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var (credential, expires) = await ExpiringAsync(stage);
            var guest = await stage.SubscriberAsync("guest", topic, options: Visit(stage, credential));
            await ExpectEndAsync(stage, guest, expires);
        }),

        new("PS-ACC-012", "on-a-stream", async stage =>
        {
            stage.Supports(stage.Has(Capability.Sse), "streams");
            var topic = await stage.TopicAsync("orders");
            var (credential, expires) = await ExpiringAsync(stage);
            var guest = await stage.StreamAsync("guest", topic, options: Visit(stage, credential));
            await ExpectEndAsync(stage, guest, expires);
        }),

        new("PS-ACC-013", "why-it-ends", async stage =>
        {
            var (credential, expires) = await ExpiringAsync(stage);
            var guest = await stage.ConnectAsync("guest", Visit(stage, credential));
            await guest.PingAsync().Given("the connection is served");
            var end = await guest.ClosedAsync(expires - stage.Time.GetUtcNow() + Grace).Given("the connection ends", "PS-ACC-012");
            stage.Expect.True(
                guest.Received.Any(message => message.IsErrorOf("UNAUTHORIZED")),
                "a client whose token expires gets the error UNAUTHORIZED",
                string.Join(" | ", guest.Received.TakeLast(3)));
            stage.Expect.Equal(1008, end.Code, "the connection of a token that expires is closed with 1008");
        }),

        new("PS-ACC-014", "what-a-publisher-may", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            foreach (var credential in stage.Identities.Of(Role.Publisher))
            {
                var client = await stage.ConnectAsync("publisher", Visit(stage, credential));
                const string Expectation = "a publish that a pattern permits is served";
                stage.Expect.Acked(await client.PublishAsync(topic, "m1").For(Expectation), Expectation);
                if (stage.Has(Capability.Http))
                {
                    var answer = await stage.RestAt(stage.As(credential)).PublishAsync(topic, ("m2", "1"), ("m3", "2")).For(Expectation);
                    stage.Expect.True(answer.IsSuccess, Expectation, $"{answer}");
                }

                await reader.EventsUntilAsync(stage.Has(Capability.Http) ? "m3" : "m1").For(Expectation);
            }
        }),

        new("PS-ACC-014", "what-a-subscriber-may", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var publisher = await stage.ConnectAsync("publisher");
            const string Expectation = "a subscribe, read or stream that a pattern permits is served";
            foreach (var credential in stage.Identities.Of(Role.Subscriber))
            {
                var client = await stage.ConnectAsync("subscriber", Visit(stage, credential));
                stage.Expect.Acked(await client.SubscribeAsync(topic, lastN: 1).For(Expectation), Expectation);
                await client.NextEventAsync(topic).For(Expectation);
                var rest = stage.RestAt(stage.As(credential));
                if (stage.Has(Capability.Http))
                {
                    stage.Expect.Status(200, await rest.ReadAsync(topic).For(Expectation), Expectation);
                }

                if (stage.Has(Capability.Sse))
                {
                    await using var raw = await rest.StreamAsync("stream", topic, "", new ConnectOptions()).For(Expectation);
                    stage.Expect.Status(200, raw.Answer, Expectation);
                }

                await publisher.PublishAsync(topic, "live").Acked();
                await client.EventsUntilAsync("live").For(Expectation);
                await ExpectSeenAsync(stage, rest, topic);
                stage.Expect.Acked(await client.UnsubscribeAsync(topic).For(Expectation), Expectation);
            }
        }),

        new("PS-ACC-014", "what-a-manager-may", async stage =>
        {
            const string Expectation = "a creation or deletion that a pattern permits is served";
            foreach (var credential in stage.Identities.Of(Role.Manager))
            {
                var topic = stage.FreshName("managed");
                var rest = stage.RestAt(stage.As(credential));
                stage.Expect.Status(201, await rest.CreateTopicAsync(topic).For(Expectation), Expectation);
                await ExpectSeenAsync(stage, rest, topic);
                stage.Expect.Status(200, await rest.DeleteTopicAsync(topic).For(Expectation), Expectation);
                var left = await stage.Rest.ListTopicsAsync().Given("topics are listed");
                stage.Expect.True(left.Of(topic) is null, Expectation, $"{topic} is still listed");
            }
        }),

        .. ((string[])[Role.Nothing, Role.Subscriber, Role.Manager]).Select(role => new Scenario("PS-ACC-015", $"by-{role}", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var credential in stage.Identities.Of(role))
            {
                var client = await stage.ConnectAsync("visitor", Visit(stage, credential));
                var reply = await client.PublishAsync(topic, "forbidden").For(NotDelivered);
                stage.Expect.Error(reply, null, "a publish without the permission is answered with an error");
                await reader.ReceivesNothingAsync(publisher, topic, NotDelivered);
                var late = await stage.SubscriberAsync("late", topic, lastN: 10);
                var retained = await late.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel arrives");
                stage.Expect.Sequence([], retained.Ids(), "a publish without the permission is not retained");
            }
        })),

        .. ((string[])[Role.Nothing, Role.Publisher, Role.Manager]).Select(role => new Scenario("PS-ACC-016", $"by-{role}", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var credential in stage.Identities.Of(role))
            {
                var client = await stage.ConnectAsync("visitor", Visit(stage, credential));
                foreach (int? lastN in (int?[])[null, 10])
                {
                    var reply = await client.SubscribeAsync(topic, lastN).For("a subscribe without the permission is answered");
                    stage.Expect.Error(reply, null, "a subscribe without the permission is answered with an error");
                }

                await publisher.PublishAsync(topic, "secret").Acked();
                await reader.EventsUntilAsync("secret").Given("the message reaches a subscriber");
                await client.HasReceivedNoneAsync(
                    message => message.IsEvent, "a client without the permission to subscribe gets no event");
            }
        })),

        .. ((string[])[Role.Nothing, Role.Publisher, Role.Subscriber]).Select(role => new Scenario(
            "PS-ACC-017", $"by-{role}", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var credential in stage.Identities.Of(role))
            {
                var fresh = stage.FreshName("fresh");
                var rest = stage.RestAt(stage.As(credential));
                ExpectRefused(stage, await rest.CreateTopicAsync(fresh).For($"a creation without the permission {Refused}"), "a creation");
                ExpectRefused(stage, await rest.DeleteTopicAsync(topic).For($"a deletion without the permission {Refused}"), "a deletion");
                var listed = await stage.Rest.ListTopicsAsync().Given("topics are listed");
                stage.Expect.True(listed.Of(fresh) is null, "a creation without the permission creates nothing", $"{fresh} is listed");
                stage.Expect.True(listed.Of(topic) is not null, "a deletion without the permission deletes nothing", $"{topic} is gone");
                await reader.ReceivesNothingAsync(publisher, topic, "a deletion without the permission ends no subscription");
            }
        })),

        .. ((string[])[Role.Nothing, Role.Subscriber]).Select(role => new Scenario("PS-ACC-018", $"publish-by-{role}", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var credential in stage.Identities.Of(role))
            {
                var rest = stage.RestAt(stage.As(credential));
                const string Name = "a publish over HTTP";
                ExpectRefused(stage, await rest.PublishAsync(topic, ("one", "1")).For($"{Name} {Refused}"), Name);
                ExpectRefused(stage, await rest.PublishAsync(topic, ("two", "1"), ("three", "1")).For($"{Name} {Refused}"), Name);
                await reader.ReceivesNothingAsync(publisher, topic, NotDelivered);
            }
        })),

        .. ((string[])[Role.Nothing, Role.Publisher]).Select(role => new Scenario("PS-ACC-018", $"read-by-{role}", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "reading over HTTP");
            var topic = await stage.TopicAtWorkAsync();
            foreach (var credential in stage.Identities.Of(role))
            {
                const string Name = "a read over HTTP";
                ExpectRefused(stage, await stage.RestAt(stage.As(credential)).ReadAsync(topic).For($"{Name} {Refused}"), Name);
            }
        })),

        .. ((string[])[Role.Nothing, Role.Publisher]).Select(role => new Scenario("PS-ACC-018", $"stream-by-{role}", async stage =>
        {
            stage.Supports(stage.Has(Capability.Sse), "streams");
            var topic = await stage.TopicAtWorkAsync();
            foreach (var credential in stage.Identities.Of(role))
            {
                const string Name = "a stream";
                await using var raw = await stage.RestAt(stage.As(credential)).StreamAsync("stream", topic, "", new ConnectOptions())
                    .For($"{Name} {Refused}");
                ExpectRefused(stage, raw.Answer, Name);
            }
        })),

        new("PS-ACC-019", "a-publisher-that-subscribes", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            const string Expectation = "after a subscribe that is refused, the connection is served";
            foreach (var credential in stage.Identities.Of(Role.Publisher))
            {
                var client = await stage.ConnectAsync("publisher", Visit(stage, credential));
                foreach (var round in Enumerable.Range(0, 5))
                {
                    Forbidden(stage, await client.SubscribeAsync(topic).For(Expectation), "PS-ACC-016");
                    stage.Expect.Acked(await client.PublishAsync(topic, $"m{round}").For(Expectation), Expectation);
                    await reader.EventsUntilAsync($"m{round}").For(Expectation);
                }
            }
        }),

        new("PS-ACC-019", "a-subscriber-that-publishes", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            const string Expectation = "after a publish that is refused, the connection and its subscription are served";
            foreach (var credential in stage.Identities.Of(Role.Subscriber))
            {
                var client = await stage.SubscriberAsync("subscriber", topic, options: Visit(stage, credential));
                foreach (var round in Enumerable.Range(0, 5))
                {
                    Forbidden(stage, await client.PublishAsync(topic, "forbidden").For(Expectation), "PS-ACC-015");
                    await publisher.PublishAsync(topic, $"m{round}").Acked();
                    var received = await client.EventsUntilAsync($"m{round}").For(Expectation);
                    stage.Expect.True(received.Count > 0, Expectation);
                }
            }
        }),

        new("PS-ACC-020", "over-the-websocket", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            foreach (var credential in stage.Identities.Of(Role.Nothing))
            {
                var client = await stage.ConnectAsync("visitor", Visit(stage, credential));
                foreach (var (reply, requirement) in ((ServerMessage, string)[])
                [
                    (await client.PublishAsync(topic, "m1").Given("a publish is answered"), "PS-ACC-015"),
                    (await client.SubscribeAsync(topic).Given("a subscribe is answered"), "PS-ACC-016"),
                ])
                {
                    Forbidden(stage, reply, requirement);
                    stage.Expect.Observe("the code of a missing permission", reply.ErrorCode);
                    stage.Expect.True(
                        reply.IsErrorOf("FORBIDDEN") || reply.IsErrorOf("TOPIC_NOT_FOUND"), "a missing permission has the code FORBIDDEN",
                        $"{reply}");
                }
            }
        }),

        new("PS-ACC-020", "over-rest", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            foreach (var credential in stage.Identities.Of(Role.Nothing))
            {
                foreach (var way in Ways(stage, topic, stage.FreshName("fresh")).Where(way => way.Permission is not null))
                {
                    var answer = await way.AskAsync(stage.As(credential)).Given("the request is answered");
                    stage.Require(answer.Status is >= 400 and < 500, $"{way.Name} is refused", way.Permission);
                    stage.Expect.True(
                        answer is { Status: 403, ErrorCode: "FORBIDDEN" } || (answer.Status == 404 && way.Name != Creation),
                        "a missing permission is answered with 403 and FORBIDDEN",
                        $"{way.Name}: {answer}");
                }
            }
        }),

        new("PS-ACC-021", "an-exact-name", stage =>
        {
            var exact = stage.Identities.Exact;
            return ExpectPermitsAsync(
                stage, "a pattern without *", [exact], [$"{exact}2", exact[..^1], $"a{exact}", exact.ToUpperInvariant(), $"{exact}*"]);
        })
        { UsesPlainNames = true },

        new("PS-ACC-022", "a-beginning", stage =>
        {
            var beginning = stage.Identities.Beginning;
            return ExpectPermitsAsync(
                stage,
                "a pattern with *",
                [beginning, $"{beginning}-1", $"{beginning}ning", $"{beginning}*"],
                [beginning[..^1], $"{beginning[..^1]}-1", $"a{beginning}", beginning.ToUpperInvariant()]);
        })
        { UsesPlainNames = true },

        new("PS-ACC-023", "over-the-websocket", stage => EachSameAsync(
            stage, Role.Nothing, async (topic, client, _) => Shown(await client.PublishAsync(topic, "m1").For(Same)))),

        new("PS-ACC-023", "subscribe", stage => EachSameAsync(
            stage, Role.Nothing, async (topic, client, _) =>
                $"{Shown(await client.SubscribeAsync(topic).For(Same))}, {Shown(await client.SubscribeAsync(topic, lastN: 1).For(Same))}")),

        new("PS-ACC-023", "unsubscribe", stage => EachSameAsync(
            stage, Role.Nothing, async (topic, client, _) => Shown(await client.UnsubscribeAsync(topic).For(Same)))),

        new("PS-ACC-023", "get", stage => EachSameAsync(
            stage, Role.Nothing, async (topic, _, rest) => Shown(await rest.SendAsync("GET", Rest.TopicPath(topic)).For(Same)))),

        new("PS-ACC-023", "delete", stage => EachSameAsync(
            stage, Role.Nothing, async (topic, _, rest) => Shown(await rest.SendAsync("DELETE", Rest.TopicPath(topic)).For(Same)))),

        new("PS-ACC-023", "create", stage => EachSameAsync(
            stage,
            Role.Nothing,
            async (topic, _, rest) => Shown(await rest.SendAsync("POST", RestPaths.Topics, Rest.CreateBody(topic)).For(Same)))),

        new("PS-ACC-023", "publish-over-http", stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            return EachSameAsync(stage, Role.Nothing, async (topic, _, rest) =>
                $"{Shown(await rest.PostAsync(topic, rest.MessageBody("m1", "1")).For(Same))}, "
                + Shown(await rest.PostAsync(topic, "no").For(Same)));
        }),

        new("PS-ACC-023", "read-over-http", stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "reading over HTTP");
            return EachSameAsync(stage, Role.Nothing, async (topic, _, rest) =>
                Shown(await rest.SendAsync("GET", Rest.TopicPath(topic) + RestPaths.Messages).For(Same)));
        }),

        new("PS-ACC-023", "stream", stage =>
        {
            stage.Supports(stage.Has(Capability.Sse), "streams");
            return EachSameAsync(stage, Role.Nothing, async (topic, _, rest) =>
            {
                await using var raw = await rest.StreamAsync("stream", topic, "", new ConnectOptions()).For(Same);
                return Shown(raw.Answer);
            });
        }),

        .. ((string[])[Role.Nothing, Role.Publisher]).Select(role => new Scenario("PS-ACC-024", $"for-{role}", async stage =>
        {
            var topic = await stage.ListedTopicAsync();
            var known = await stage.Rest.StatsAsync().Given("statistics are answered");
            stage.Require(known.Of(topic) is not null, "the topic is in the statistics", "PS-OBS-006");
            foreach (var credential in stage.Identities.Of(role))
            {
                var rest = stage.RestAt(stage.As(credential));
                var listing = await rest.ListTopicsAsync().For("topics are listed for every identity");
                stage.Expect.True(
                    !listing.Body.Contains(topic, StringComparison.Ordinal), "a topic that is hidden is not listed", $"{listing}");
                var statistics = await rest.StatsAsync().For("statistics are answered for every identity");
                stage.Expect.True(
                    !statistics.Body.Contains(topic, StringComparison.Ordinal), "a topic that is hidden is not in the statistics",
                    $"{statistics}");
                var one = await rest.GetTopicAsync(topic).For("a topic that is hidden is not described");
                stage.Expect.OneOf([403, 404], one.Status, "a topic that is hidden is not described");
            }
        })),

        new("PS-ACC-025", "over-the-websocket", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var client = await stage.ConnectAsync("limited", Visit(stage, credential));
                var (_, refused) = await FloodAsync(stage, client, topic, "m");
                stage.Expect.True(refused.Count > 0, Somewhat, "all are acked");
                foreach (var reply in refused)
                {
                    stage.Expect.Error(reply, Gateway.RateLimited, "a publish above the limit has the code RATE_LIMITED");
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-025", "over-http", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var answers = await PostAllAsync(stage, credential, topic);
                stage.Expect.True(answers.Any(answer => !answer.IsSuccess), Somewhat, "all succeed");
                foreach (var answer in answers.Where(answer => !answer.IsSuccess))
                {
                    stage.Expect.Equal(
                        (429, Gateway.RateLimited),
                        (answer.Status, answer.ErrorCode),
                        "a publish over HTTP above the limit is answered with 429 and RATE_LIMITED");
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-026", "over-the-websocket", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var reader = await stage.SubscriberAsync("reader", topic);
                var publisher = await stage.ConnectAsync("publisher");
                var client = await stage.ConnectAsync("limited", Visit(stage, credential));
                var (acked, refused) = await FloodAsync(stage, client, topic, "m");
                stage.Require(refused.Count > 0, "some are refused", "PS-ACC-025");
                await reader.ReceivesExactlyAsync(
                    acked, publisher, topic, "exactly the publishes that are acked are delivered, also above the limit");
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-026", "over-http", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var reader = await stage.SubscriberAsync("reader", topic);
                var publisher = await stage.ConnectAsync("publisher");
                var answers = await PostAllAsync(stage, credential, topic);
                stage.Require(answers.Any(answer => !answer.IsSuccess), "some are refused", "PS-ACC-025");
                await reader.ReceivesEachOnceAsync(
                    answers.Index().Where(one => one.Item.IsSuccess).Select(one => $"http-{one.Index}"),
                    publisher,
                    topic,
                    "exactly the publishes over HTTP that are answered with 200 are delivered, also above the limit");
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-027", "goes-on", async stage =>
        {
            const string Expectation = "after RATE_LIMITED the connection and its subscription are served";
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var other = await stage.TopicAsync("other");
                var publisher = await stage.ConnectAsync("publisher");
                var client = await stage.SubscriberAsync("limited", other, options: Visit(stage, credential));
                var (_, refused) = await FloodAsync(stage, client, topic, "m");
                stage.Require(refused.Count > 0, "some are refused", "PS-ACC-025");
                await client.PingAsync().For(Expectation);
                await publisher.PublishAsync(other, "live").Acked();
                await client.EventsUntilAsync("live").For(Expectation);
                stage.Expect.True(client.Closure is null, Expectation, $"{client.Closure}");
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-028", "over-the-websocket", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var client = await stage.ConnectAsync("limited", Visit(stage, credential));
                var (_, refused) = await FloodAsync(stage, client, topic, "m");
                stage.Require(refused.Count > 0, "some are refused", "PS-ACC-025");
                foreach (var reply in refused)
                {
                    stage.Expect.True(reply.RetryAfterMs >= 1, "RATE_LIMITED has a retry_after_ms of at least 1", $"{reply}");
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-028", "over-http", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var answers = await PostAllAsync(stage, credential, await stage.TopicAsync("orders"));
                stage.Require(answers.Any(answer => answer.Status == 429), "some are refused", "PS-ACC-025");
                foreach (var answer in answers.Where(answer => answer.Status == 429))
                {
                    stage.Expect.True(
                        answer.Json.Member("retry_after_ms").Integer() >= 1, "429 has a retry_after_ms of at least 1", $"{answer}");
                    stage.Expect.True(
                        int.TryParse(answer.Header("Retry-After"), CultureInfo.InvariantCulture, out var seconds) && seconds >= 1,
                        "429 has a Retry-After of at least 1",
                        answer.Header("Retry-After") ?? "none");
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-029", "again-and-again", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var client = await stage.ConnectAsync("limited", Visit(stage, credential));
                for (var round = 0; round < 3; round++)
                {
                    var (_, refused) = await FloodAsync(stage, client, topic, $"m{round}-");
                    stage.Require(refused.Count > 0, "some are refused", "PS-ACC-025");
                    stage.Require(refused[^1].RetryAfterMs >= 1, "the refusal has a retry_after_ms", "PS-ACC-028");
                    var pause = TimeSpan.FromMilliseconds(refused[^1].RetryAfterMs ?? 0);
                    const string Expectation = "after retry_after_ms the next publish is accepted";
                    stage.Expect.True(pause <= LongestPause, $"{Expectation}, and they are at most 10 s", $"{pause.TotalSeconds} s");
                    await Task.Delay(pause + ClockStep, stage.Time, stage.Cancellation);
                    stage.Expect.Acked(await client.PublishAsync(topic, $"again-{round}").For(Expectation), Expectation);
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-030", "another-identity", async stage =>
        {
            const string Expectation = "while one identity is above its limit, another is served";
            foreach (var credential in stage.Identities.Of(Role.Limited))
            {
                var topic = await stage.TopicAsync("orders");
                var other = await stage.ConnectAsync("other");
                var client = await stage.ConnectAsync("limited", Visit(stage, credential));
                var (_, refused) = await FloodAsync(stage, client, topic, "m");
                stage.Require(refused.Count > 0, "some are refused", "PS-ACC-025");
                foreach (var id in Habits.Ids("other-", 20))
                {
                    stage.Expect.Acked(await other.PublishAsync(topic, id).For(Expectation), Expectation);
                }
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-031", "two-connections", async stage =>
        {
            foreach (var credential in stage.Identities.Of(Role.Few))
            {
                // Connections of a scenario before this one may still count.
                var first = await stage.ConnectAsync("first", Visit(stage, credential));
                var second = await stage.ConnectAsync("second", Visit(stage, credential));
                var third = await HandshakeAsync(stage, stage.As(credential)).For(Counted);
                stage.Expect.Equal((429, Gateway.RateLimited), (third.Status, third.ErrorCode), Counted);
                await second.PingAsync().For("the other connections are served");
                await first.CloseAsync().Given("the connection is closed");
                await stage.Expect.EventuallyAsync(
                    101,
                    async () => (await HandshakeAsync(stage, stage.As(credential)).For(Counted)).Status,
                    "a connection that has ended makes room for another");
            }
        })
        { UsesPlainNames = true },

        new("PS-ACC-032", "in-no-answer", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var right = stage.Identities.All;
            Credential[] wrong =
            [
                new(CredentialKind.Key, $"psk_00000000_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}"),
                new(CredentialKind.Token, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))),
                new(right.Kind, $"{right.Secret}0"),
            ];
            foreach (var credential in (Credential[])[.. wrong, .. stage.Identities.Of(Role.Nothing)])
            {
                foreach (var way in Ways(stage, topic, stage.FreshName("fresh")))
                {
                    await way.AskAsync(stage.As(credential)).Given("the request is answered");
                }

                await HandshakeAsync(stage, stage.As(null), Rest.Query(("access_token", credential.Secret)))
                    .Given("the handshake is answered");
            }

            foreach (var credential in stage.Identities.Of(Role.Nothing))
            {
                var visitor = await stage.ConnectAsync("visitor", Visit(stage, credential));
                await visitor.PublishAsync(topic, "m1").Given("the publish is answered");
                await visitor.SubscribeAsync(topic).Given("the subscribe is answered");
                await visitor.RequestAsync("{}").Given("the request is answered");
            }

            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "m1").Acked();
            await reader.EventsUntilAsync("m1").Given("the message arrives");
            await stage.Rest.ListTopicsAsync().Given("topics are listed");
            await stage.Rest.StatsAsync().Given("statistics are answered");
            string[] secrets = [.. wrong.Append(right).Concat(stage.Identities.Of(Role.Nothing)).Select(one => one.Secret)];
            var leak = stage.Transcript.Entries.FirstOrDefault(entry => entry.Direction == "<"
                && secrets.Any(secret => entry.Data.Contains(secret, StringComparison.Ordinal)));
            stage.Expect.True(leak is null, "no answer holds a key or a token", $"an answer to {leak?.Connection} does");
        }),

        new("PS-ACC-033", "health-checks", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var rest = stage.RestAt(stage.As(null));
            foreach (var answer in (HttpAnswer[])
                [await rest.LiveAsync().Given("/livez is answered"), await rest.ReadyAsync().Given("/readyz is answered")])
            {
                stage.Expect.True(
                    answer.Status is not (401 or 403), "/livez and /readyz are answered without an identity", $"{answer}");
            }
        }),
    ];

    private const string Creation = "a creation";

    /// <summary>Everything that has to know its client; the deletion comes last.</summary>
    private static IEnumerable<Way> Ways(Stage stage, string topic, string fresh)
    {
        yield return new("the listing", at => stage.RestAt(at).SendAsync("GET", RestPaths.Topics));
        yield return new("the statistics", at => stage.RestAt(at).SendAsync("GET", RestPaths.Stats));
        yield return new("a topic", at => stage.RestAt(at).SendAsync("GET", Rest.TopicPath(topic)));
        yield return new(
            Creation, at => stage.RestAt(at).SendAsync("POST", RestPaths.Topics, Rest.CreateBody(fresh)), "PS-ACC-017");
        if (stage.Has(Capability.Http))
        {
            yield return new(
                "a publish over HTTP",
                at => stage.RestAt(at).PostAsync(topic, stage.Rest.MessageBody("visitor", Request.PlainPayload)),
                "PS-ACC-018");
            yield return new(
                "a read over HTTP", at => stage.RestAt(at).SendAsync("GET", Rest.TopicPath(topic) + RestPaths.Messages), "PS-ACC-018");
        }

        if (stage.Has(Capability.Sse))
        {
            yield return new(
                "a stream",
                async at =>
                {
                    await using var raw = await stage.RestAt(at).StreamAsync("stream", topic, "", new ConnectOptions());
                    return raw.Answer;
                },
                "PS-ACC-018");
        }

        yield return new("a handshake", at => HandshakeAsync(stage, at));
        yield return new("a deletion", at => stage.RestAt(at).SendAsync("DELETE", Rest.TopicPath(topic)), "PS-ACC-017");
    }

    /// <summary>How to connect with this credential.</summary>
    private static ConnectOptions Visit(Stage stage, Credential credential) => new()
    {
        Target = stage.As(credential),
        Blames = credential.Kind == CredentialKind.Key ? "PS-ACC-006" : "PS-ACC-007",
    };

    private static async Task<HttpAnswer> HandshakeAsync(Stage stage, Target at, string query = "")
    {
        await using var raw = await stage.RawAsync("handshake", new ConnectOptions { Target = at, Handshake = false });
        return await raw.HandshakeAsync(path: at.WebSocket.AbsolutePath + query);
    }

    private static Credential TokenOf(Stage stage) =>
        stage.Identities.Of(Role.All).FirstOrDefault(one => one.Kind == CredentialKind.Token)
        ?? throw new Unsupported("needs a token: --identity all=token:…, or --jwt-key");

    /// <summary>Another text with the same letters, in the other case.</summary>
    private static string Swapped(string text) =>
        string.Concat(text.Select(letter => char.IsUpper(letter) ? char.ToLowerInvariant(letter) : char.ToUpperInvariant(letter)));

    private static async Task ExpectNoEffectAsync(Stage stage, string topic, string fresh, Client reader)
    {
        var listed = await stage.Rest.ListTopicsAsync().Given("topics are listed");
        stage.Expect.True(listed.Of(fresh) is null, "what is answered with 401 creates nothing", $"{fresh} is listed");
        stage.Expect.True(listed.Of(topic) is not null, "what is answered with 401 deletes nothing", $"{topic} is gone");
        var publisher = await stage.ConnectAsync("publisher");
        await reader.ReceivesNothingAsync(publisher, topic, "what is answered with 401 publishes nothing");
    }

    /// <summary>Asks for everything without an identity, and judges the answers with 401.</summary>
    private static async Task EachRefusalAsync(Stage stage, Action<Way, HttpAnswer> judge)
    {
        var topic = await stage.TopicAtWorkAsync();
        foreach (var credential in (Credential?[])[null, new(CredentialKind.Key, "x"), new(CredentialKind.Token, "x")])
        {
            foreach (var way in Ways(stage, topic, stage.FreshName("fresh")))
            {
                var answer = await way.AskAsync(stage.As(credential)).Given("the request is answered");
                stage.Require(answer.Status == 401, $"{way.Name} {NoIdentity}", credential is null ? "PS-ACC-001" : "PS-ACC-002");
                judge(way, answer);
            }
        }
    }

    /// <summary>The credential is accepted at each door.</summary>
    private static async Task EachDoorAsync(Stage stage, Credential credential, string what)
    {
        var topic = await stage.TopicAtWorkAsync();
        var rest = stage.RestAt(stage.As(credential));
        var expectation = $"{what} identifies the client";
        foreach (var way in Ways(stage, topic, stage.FreshName("fresh")))
        {
            var answer = await way.AskAsync(stage.As(credential)).For($"{expectation}: {way.Name}");
            stage.Expect.True(answer.Status is not 401, $"{expectation}: {way.Name}", $"{answer}");
        }

        var raw = await HandshakeAsync(stage, stage.As(credential)).For($"{expectation}: a handshake");
        stage.Expect.Status(101, raw, $"{expectation}: a handshake");
        stage.Expect.Status(200, await rest.ListTopicsAsync().For($"{expectation}: the listing"), $"{expectation}: the listing");
    }

    /// <summary>Each of these tokens is refused, and one with none of their faults accepted.</summary>
    /// <param name="spoil">Gets the key, and makes the claims of a valid token with one that is set, or left out if it is null.</param>
    private static async Task EachTokenAsync(
        Stage stage, string expectation, Func<TokenKey, Func<string, JsonNode?, JsonObject>, IEnumerable<string>> spoil)
    {
        await stage.TopicAtWorkAsync();
        var key = stage.Identities.Tokens;
        var right = await stage.RestAt(stage.As(new(CredentialKind.Token, key.Sign(Claims("sub", "conformance"))))).ListTopicsAsync()
            .Given("a token is answered");
        stage.Require(right.IsSuccess, "a token without the fault is accepted", "PS-ACC-007");
        foreach (var (place, token) in spoil(key, Claims).Index())
        {
            var at = stage.As(new(CredentialKind.Token, token));
            var rest = await stage.RestAt(at).ListTopicsAsync().For(expectation);
            stage.Expect.True(rest.Status == 401, expectation, $"token {place + 1}: {rest}");
            var socket = await HandshakeAsync(stage, at).For(expectation);
            stage.Expect.True(socket.Status == 401, expectation, $"token {place + 1}: {socket}");
        }

        JsonObject Claims(string name, JsonNode? value)
        {
            var claims = key.Claims(stage.Identities.RoleOf(Role.All), stage.Time.GetUtcNow() + TimeSpan.FromHours(1));
            claims.Remove(name);
            if (value is not null)
            {
                claims[name] = value;
            }

            return claims;
        }
    }

    /// <summary>A token that expires soon by the server's clock, and when that is by the suite's.</summary>
    private static async Task<(Credential Credential, DateTimeOffset Expires)> ExpiringAsync(Stage stage)
    {
        var key = stage.Identities.Tokens;
        var answer = await stage.Rest.ListTopicsAsync().Given("topics are listed");
        var now = stage.Time.GetUtcNow();
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal;
        var theirs = DateTimeOffset.TryParse(answer.Header("Date"), CultureInfo.InvariantCulture, Utc, out var date) ? date : now;

        // Date has whole seconds, so a smaller difference says nothing.
        var ahead = (theirs - now).Duration() < TimeSpan.FromSeconds(2) ? TimeSpan.Zero : theirs - now;
        var expires = DateTimeOffset.FromUnixTimeSeconds((now + ahead + ShortLife).ToUnixTimeSeconds() + 1);
        var token = key.Sign(stage.Identities.RoleOf(Role.All), expires, stage.FreshClientId("guest"));
        return (new(CredentialKind.Token, token), expires - ahead);
    }

    private static async Task ExpectEndAsync(Stage stage, Receiver guest, DateTimeOffset expires)
    {
        const string Expectation = "a connection ends within 5 s after its token has expired, and not before";
        await guest.ClosedAsync(expires - stage.Time.GetUtcNow() + Grace).For(Expectation);
        stage.Expect.True(stage.Time.GetUtcNow() > expires - TimeSpan.FromSeconds(1), Expectation, $"{guest.Closure} before");
    }

    private static void ExpectRefused(Stage stage, HttpAnswer answer, string name) => stage.Expect.True(
        answer.Status is >= 400 and < 500, $"{name} without the permission {Refused}", $"{answer}");

    private static void Forbidden(Stage stage, ServerMessage reply, string requirement) =>
        stage.Require(reply.IsError, "the request is refused", requirement);

    private static async Task ExpectSeenAsync(Stage stage, Rest rest, string topic)
    {
        const string Expectation = "a topic that the identity may subscribe to or manage is listed and described to it";
        stage.Expect.True((await rest.ListTopicsAsync().For(Expectation)).Of(topic) is not null, Expectation, $"{topic} is not listed");
        stage.Expect.True((await rest.StatsAsync().For(Expectation)).Of(topic) is not null, Expectation, $"{topic} has no statistics");
        stage.Expect.Status(200, await rest.GetTopicAsync(topic).For(Expectation), Expectation);
    }

    /// <summary>The identity narrow may do everything with these topics, and nothing with those.</summary>
    private static async Task ExpectPermitsAsync(Stage stage, string pattern, string[] these, string[] those)
    {
        foreach (var credential in stage.Identities.Of(Role.Narrow))
        {
            var client = await stage.ConnectAsync("narrow", Visit(stage, credential));
            var rest = stage.RestAt(stage.As(credential));
            foreach (var topic in these)
            {
                stage.Forget(topic);
                await stage.Rest.DeleteTopicAsync(topic).Given("an earlier topic of this name is deleted");
                var expectation = $"{pattern} permits what it names";
                stage.Expect.Status(201, await rest.CreateTopicAsync(topic).For(expectation), expectation);
                stage.Expect.Acked(await client.SubscribeAsync(topic).For(expectation), expectation);
                stage.Expect.Acked(await client.PublishAsync(topic, "m1").For(expectation), expectation);
                await client.NextEventAsync(topic).For(expectation);
            }

            foreach (var topic in those)
            {
                stage.Forget(topic);
                await stage.Rest.DeleteTopicAsync(topic).Given("an earlier topic of this name is deleted");
                await stage.CreateAsync(topic);
                var expectation = $"{pattern} permits no other topic";
                stage.Expect.Error(await client.SubscribeAsync(topic).For(expectation), null, expectation);
                stage.Expect.Error(await client.PublishAsync(topic, "m1").For(expectation), null, expectation);
                var answer = await rest.DeleteTopicAsync(topic).For(expectation);
                stage.Expect.True(answer.Status is >= 400 and < 500, expectation, $"{answer}");
            }

            foreach (var topic in these)
            {
                await stage.Rest.DeleteTopicAsync(topic).Given("the topic is deleted");
            }
        }
    }

    /// <summary>What is shown for a topic that exists is shown for one that does not, apart from its name.</summary>
    private static async Task EachSameAsync(Stage stage, string role, Func<string, Client, Rest, Task<string>> showAsync)
    {
        foreach (var credential in stage.Identities.Of(role))
        {
            var there = await stage.TopicAtWorkAsync("hidden");
            var missing = stage.FreshName("hidden");
            var client = await stage.ConnectAsync("visitor", Visit(stage, credential));
            var rest = stage.RestAt(stage.As(credential));
            var ofMissing = (await showAsync(missing, client, rest)).Replace(missing, "TOPIC", StringComparison.Ordinal);
            var ofThere = (await showAsync(there, client, rest)).Replace(there, "TOPIC", StringComparison.Ordinal);
            stage.Expect.Equal(ofMissing, ofThere, Same);
        }
    }

    private static string Shown(ServerMessage reply) => $"{reply.Type} {reply.ErrorCode} {reply.ErrorMessage}".TrimEnd();

    // Other members of a problem may differ from answer to answer.
    private static string Shown(HttpAnswer answer)
    {
        var detail = answer.Json.Member("detail").Text() ?? (answer.ErrorCode is null ? answer.Body : "");
        return $"{answer.Status} {answer.ErrorCode} {detail}".TrimEnd();
    }

    /// <summary>Publishes far more at once than the limit allows.</summary>
    private static async Task<(IReadOnlyList<string> Acked, IReadOnlyList<ServerMessage> Refused)> FloodAsync(
        Stage stage, Client client, string topic, string prefix)
    {
        var start = stage.Time.GetTimestamp();
        var ids = Habits.Ids(prefix, Flood);
        var requests = await client.SendTogetherAsync(ids.Select(id => Request.Publish(topic, id)));
        var acked = new List<string>();
        var refused = new List<ServerMessage>();
        foreach (var (id, request) in ids.Zip(requests))
        {
            var reply = await client.ReplyAsync(request).Given("a publish is answered", "PS-ACC-027");
            if (reply.IsAck)
            {
                acked.Add(id);
            }
            else
            {
                refused.Add(reply);
            }
        }

        stage.Require(stage.Time.GetElapsedTime(start) < LongestFlood, $"{Flood} publishes are answered within 8 s");
        return (acked, refused);
    }

    /// <summary>Publishes far more over HTTP than the limit allows, the messages http-0, http-1, …</summary>
    private static async Task<IReadOnlyList<HttpAnswer>> PostAllAsync(Stage stage, Credential credential, string topic)
    {
        var start = stage.Time.GetTimestamp();
        var answers = new List<HttpAnswer>();
        foreach (var some in Enumerable.Range(0, Flood).Chunk(16))
        {
            answers.AddRange(await Task.WhenAll(some.Select(place =>
                stage.RestAt(stage.As(credential)).PublishAsync(topic, ($"http-{place}", "1")).Given("a publish is answered"))));
        }

        stage.Require(stage.Time.GetElapsedTime(start) < LongestFlood, $"{Flood} publishes are answered within 8 s");
        return answers;
    }

    /// <summary>One kind of request, made by a client of this target.</summary>
    /// <param name="Permission">The requirement that is broken if it is served without its permission; null if it needs none.</param>
    private sealed record Way(string Name, Func<Target, Task<HttpAnswer>> AskAsync, string? Permission = null);
}
