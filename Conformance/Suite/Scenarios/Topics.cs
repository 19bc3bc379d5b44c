using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Topics
{
    private const int Contenders = 8;
    private const int Rounds = 150;
    private const int NamesAtOnce = 8;
    private const string GetOfOne = "GET /topics/{name} (PS-REST-014)";
    private const string Problem = "application/problem+json";
    private const string ProblemDocuments = "problem documents (PS-REST-018)";

    /// <summary>Names that a lenient server may create for a body without one of the suite's names.</summary>
    private static readonly string[] Coerced = ["7", "true", "True", "null", "None", "undefined", "[object Object]"];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-REST-001", "create", async stage =>
        {
            var name = stage.FreshName();

            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(name), "POST with a fresh name is answered with 201");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-001", "create-after-deletion", async stage =>
        {
            var name = await stage.TopicAsync();
            await stage.Rest.DeleteTopicAsync(name).Succeeded();

            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(name), "POST with the name of a deleted topic is answered with 201");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-001", "content-type-with-parameter", stage => CreatedAlikeAsync(stage, "application/json; charset=utf-8")),

        new("PS-REST-001", "content-type-in-any-case", stage => CreatedAlikeAsync(stage, "Application/JSON")),

        new("PS-REST-002", "create-again", async stage =>
        {
            var topic = await stage.TopicAsync();

            stage.Expect.Status(409, await stage.Rest.CreateTopicAsync(topic),
                "POST with the name of an existing topic is answered with 409");
        }),

        new("PS-REST-002", "create-again-keeps-the-subscribers", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            await subscriber.EventsUntilAsync("before").Given("the subscriber receives a message");

            await stage.Rest.CreateTopicAsync(topic).Given("the second creation is answered");
            await publisher.PublishAsync(topic, "after").Acked();

            await subscriber.ReceivesExactlyAsync(["after"], publisher, topic, "Creating a topic again leaves its subscribers");
        }),

        new("PS-REST-002", "create-again-keeps-the-retained-messages", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);
            var control = await stage.SubscriberAsync("control", topic, lastN: 10);
            await control.EventsUntilAsync("m2").Given("messages are replayed", "PS-RPL-001");

            await stage.Rest.CreateTopicAsync(topic).Given("the second creation is answered");
            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: 10);

            await newcomer.ReceivesExactlyAsync(["m1", "m2"], publisher, topic, "Creating a topic again leaves its retained messages");
        }),

        new("PS-REST-003", "listed-at-once", async stage =>
        {
            for (var i = 0; i < 10; i++)
            {
                var topic = await stage.TopicAsync();
                stage.Expect.True((await ListAsync(stage)).Of(topic) is not null, "A topic is listed once its creation has been answered");
            }
        }),

        new("PS-REST-003", "usable-at-once-by-every-connection", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            for (var i = 0; i < 10; i++)
            {
                var topic = await stage.TopicAsync();
                stage.Expect.Acked(await subscriber.SubscribeAsync(topic), "A connection older than the topic can subscribe to it");
                stage.Expect.Acked(await publisher.PublishAsync(topic, "m"), "A connection older than the topic can publish to it");
                await subscriber.EventsUntilAsync("m");
            }
        }),

        new("PS-REST-004", "shape-of-the-listing", async stage =>
        {
            var topic = await stage.TopicAsync();

            var list = await stage.Rest.ListTopicsAsync();

            stage.Expect.Status(200, list, "The listing is answered with 200");
            stage.Expect.True(list.IsLegal, "The listing is an object with an array topics", list.Body);
            var broken = list.Topics!.FirstOrDefault(entry => entry.Name is null || entry.Subscribers is null);
            stage.Expect.True(broken is null, "Every entry has a string name and an integer subscribers", $"{broken}");
            stage.Require(list.Of(topic) is not null, "the topic is listed");
            stage.Expect.Equal(1, list.Topics!.Count(entry => entry.Name == topic), "A topic is listed once");
        }),

        new("PS-REST-005", "counts-the-subscriptions", async stage =>
        {
            var topic = await stage.TopicAsync();
            await CountAsync(stage, topic, 0, "A new topic has no subscribers");

            var alice = await stage.SubscriberAsync("alice", topic);
            var bob = await stage.SubscriberAsync("bob", topic);
            await CountAsync(stage, topic, 2, "Two subscriptions are counted");

            await alice.UnsubscribeAsync(topic).Acked();
            await CountAsync(stage, topic, 1, "A subscription that has ended is not counted");

            await bob.CloseAsync().Given("bob has left");
            await CountAsync(stage, topic, 0, "The subscription of a closed connection is not counted");
        }),

        new("PS-REST-005", "subscribing-twice-counts-once", async stage =>
        {
            var topic = await stage.TopicAsync();
            var alice = await stage.SubscriberAsync("alice", topic);
            await alice.SubscribeAsync(topic).Given("the second subscribe is answered");
            await stage.SubscriberAsync("bob", topic);

            await CountAsync(stage, topic, 2, "A connection that subscribed twice holds one subscription");
        }),

        new("PS-REST-005", "counts-by-topic", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var both = await stage.SubscriberAsync("both", orders);
            await both.SubscribeAsync(payments).Acked();
            await stage.SubscriberAsync("one", orders);

            await CountAsync(stage, orders, 2, "The subscriptions to orders are counted there");
            await CountAsync(stage, payments, 1, "The subscriptions to payments are counted there");
        }),

        new("PS-REST-006", "delete", async stage =>
        {
            var topic = await stage.ListedTopicAsync();

            stage.Expect.Status(200, await stage.Rest.DeleteTopicAsync(topic), "DELETE of an existing topic is answered with 200");
        }),

        new("PS-REST-006", "deleted-is-not-listed", async stage =>
        {
            var family = await FamilyAsync(stage);
            await stage.CreateAsync($"{family}-doomed");

            await stage.Rest.DeleteTopicAsync($"{family}-doomed").Succeeded();

            stage.Expect.Sequence([family], await NamesAsync(stage, family), "A deleted topic is not listed, and its neighbours are");
        }),

        new("PS-REST-007", "delete-what-never-was", async stage =>
        {
            var answer = await stage.Rest.DeleteTopicAsync(stage.FreshName());

            stage.Expect.Status(404, answer, "DELETE of a topic that never existed is answered with 404");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-007", "delete-twice", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            stage.Expect.Status(404, await stage.Rest.DeleteTopicAsync(topic), "DELETE of a deleted topic is answered with 404");
        }),

        new("PS-REST-008", "no-name-no-topic", async stage =>
        {
            var family = await FamilyAsync(stage);
            var before = await NamesAsync(stage, "");
            foreach (var (what, body) in BodiesWithoutAName(Within(stage, $"{family}-refused")))
            {
                var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, body);
                await ForgetCoercedAsync(stage, answer, before);

                stage.Expect.True(answer.Status is >= 400 and < 500, $"A body that is {what} is answered with a 4xx status", $"{answer}");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body that is {what} creates nothing");
            }
        }),

        new("PS-REST-009", "bad-body", async stage =>
        {
            var family = await FamilyAsync(stage);
            var before = await NamesAsync(stage, "");
            var bodies = BodiesWithoutAName(Within(stage, $"{family}-refused")).Concat(BodiesThatSomeParsersTake($"{family}-refused"));
            foreach (var (what, body) in bodies)
            {
                var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, body);
                await ForgetCoercedAsync(stage, answer, before);

                stage.Expect.Status(400, answer, $"A body that is {what} is answered with 400");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body that is {what} creates nothing");
            }
        })
        { Also = ["PS-REST-008"] },

        new("PS-REST-009", "body-that-is-not-utf-8", async stage =>
        {
            var family = await FamilyAsync(stage);
            stage.Forget($"{family}\ufffd");
            byte[] body = [.. "{\"name\":\""u8, .. Encoding.UTF8.GetBytes(family), 0xff, .. "\"}"u8];

            var answer = await stage.Rest.SendBytesAsync("POST", RestPaths.Topics, body);
            await ListsAfterAsync(stage, answer, $"{family}\ufffd", "a body that is not UTF-8");

            var refusal = (await stage.Rest.SendAsync("POST", RestPaths.Topics, "{")).Status;
            stage.Supports(refusal is >= 400 and < 500, "a 4xx status for a bad body (PS-REST-008)");
            stage.Expect.Status(refusal, answer, "A body that is not UTF-8 is answered as one that is not JSON is");
            stage.Expect.Sequence([family], await NamesAsync(stage, family), "A body that is not UTF-8 creates nothing");
        }),

        new("PS-REST-010", "body-of-a-creation", async stage =>
        {
            var name = stage.FreshName();

            var answer = await stage.Rest.CreateTopicAsync(name).Succeeded();

            stage.Expect.Equal("created", answer.Outcome, "The answer to a creation has the status created");
            stage.Expect.Equal(name, answer.Json.Member("topic").Text(), "The answer to a creation has the topic's name");
            stage.Expect.Equal("application/json", answer.MediaType, "The answer to a creation is JSON");
        }),

        new("PS-REST-011", "location-addresses-the-topic", async stage =>
        {
            var name = stage.FreshName();
            var answer = await stage.Rest.CreateTopicAsync(name).Succeeded();

            stage.Expect.True(
                !string.IsNullOrEmpty(answer.Header("Location")),
                "A creation is answered with a Location",
                $"{answer}, and no Location");
            await AddressesAsync(stage, answer, name);
        }),

        new("PS-REST-011", "location-of-an-odd-name", async stage =>
        {
            var answer = await stage.Rest.CreateTopicAsync(stage.FreshName()).Succeeded();
            stage.Supports(!string.IsNullOrEmpty(answer.Header("Location")), "a Location (PS-REST-011)");
            var name = Within(stage, $"{stage.FreshName()}/../a%2fb ?x=1#\u00fc");
            var odd = await stage.Rest.CreateTopicAsync(name);
            stage.Supports(odd.IsSuccess, "names with such characters (PS-REST-021)");

            stage.Expect.True(
                !string.IsNullOrEmpty(odd.Header("Location")), "A creation is answered with a Location", $"{odd}, and no Location");
            await AddressesAsync(stage, odd, name);
        }),

        new("PS-REST-012", "body-of-a-deletion", async stage =>
        {
            var topic = await stage.TopicAsync();

            var answer = await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            stage.Supports(answer.SentStatus == 200, "a deletion that is answered with 200");

            stage.Expect.Equal("deleted", answer.Outcome, "The answer to a deletion has the status deleted");
            stage.Expect.Equal(topic, answer.Json.Member("topic").Text(), "The answer to a deletion has the topic's name");
            stage.Expect.Equal("application/json", answer.MediaType, "The answer to a deletion is JSON");
        }),

        new("PS-REST-013", "ascending-ordinal-order", async stage =>
        {
            var family = stage.FreshName("family");
            string[] suffixes = ["-b", "-B", "-a", "-10", "-9", "-_", "-\u00e9", "-e", "-f", "-\u4e2d", "-A", "-a a", "-aa"];
            await stage.CreateAsync($"{family}-b");
            await stage.CreateAsync($"{family}-a");
            foreach (var suffix in suffixes)
            {
                // Which names are accepted is another requirement (PS-REST-021).
                await stage.Rest.CreateTopicAsync(Within(stage, family + suffix)).Given("a creation is answered");
            }

            var listed = await NamesAsync(stage, family);
            stage.Require(listed.Contains($"{family}-a") && listed.Contains($"{family}-b"), "the topics are listed", "PS-REST-003");
            stage.Expect.Sequence(
                listed.Order(StringComparer.Ordinal), listed, "Topics are listed in ascending ordinal order of their names");
        }),

        new("PS-REST-014", "one-topic", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.SubscriberAsync("alice", topic);
            await stage.SubscriberAsync("bob", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);

            var answer = await stage.Rest.GetTopicAsync(topic);

            stage.Expect.Status(200, answer, "GET of an existing topic is answered with 200");
            stage.Expect.Equal(new TopicCounts(topic, 2, 3), answer.Counts, "It tells the topic's name, subscribers and messages");
        }),

        new("PS-REST-015", "no-such-topic", async stage =>
        {
            stage.Supports(await FetchesAsync(stage), GetOfOne);
            stage.Expect.Status(404, await stage.Rest.GetTopicAsync(stage.FreshName()),
                "GET of a topic that does not exist is answered with 404");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-015", "deleted-topic", async stage =>
        {
            stage.Supports(await FetchesAsync(stage), GetOfOne);
            var topic = await stage.TopicAsync();
            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            stage.Expect.Status(404, await stage.Rest.GetTopicAsync(topic), "GET of a deleted topic is answered with 404");
        }),

        new("PS-REST-016", "not-json", async stage =>
        {
            var family = await FamilyAsync(stage);
            string[] others =
            [
                "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                "application/xml",
            ];
            foreach (var contentType in others)
            {
                var answer = await CreateAsAsync(stage, Within(stage, $"{family}-refused"), contentType);

                stage.Expect.Status(415, answer, $"A body of {contentType} is answered with 415");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body of {contentType} creates nothing");
            }
        }),

        new("PS-REST-017", "every-way-to-send-it", async stage =>
        {
            var family = await FamilyAsync(stage);
            await stage.Rest.SendBytesAsync("POST", RestPaths.Topics, Padded(Within(stage, $"{family}-small"), SmallBody)).Succeeded();
            var name = Within(stage, $"{family}-refused");
            var (size, first) = await TooLargeAsync(stage, name);
            var body = Padded(name, size);
            (string What, Func<Task<HttpAnswer>> Send)[] ways =
            [
                ("sent whole", () => Task.FromResult(first)),
                ("sent in chunks", () => stage.Rest.SendChunkedAsync("POST", RestPaths.Topics, body, 4096)),
                ("announced and not sent", () => AnnounceAsync(stage, size, [])),
                ("announced with Expect", () => AnnounceAsync(stage, size, new() { ["Expect"] = "100-continue" })),
                ("announced as endless", () => AnnounceAsync(stage, long.MaxValue, [])),
            ];
            var exceptions = new List<string>();
            foreach (var (what, send) in first.Status == 413 ? ways : ways.Take(1))
            {
                var answer = await send().IfAnswered();
                exceptions.AddRange(answer?.Status == 413 ? [] : [$"{what}: {(answer is null ? "no answer" : $"{answer}")}"]);
            }

            stage.Expect.WithoutException(exceptions, $"A body of {size} bytes, which is larger than the limit, is answered with 413");
            stage.Expect.Sequence([family, $"{family}-small"], await NamesAsync(stage, family),
                "A body that is larger than the limit creates nothing");
        }),

        new("PS-REST-018", "every-error", async stage =>
        {
            var exceptions = new List<string>();
            var errors = 0;
            foreach (var (what, _, _, provoke) in Refusals)
            {
                // Whether it is refused, and with which status, are other requirements.
                if (await provoke(stage).IfAnswered() is { Status: >= 400 } answer)
                {
                    errors++;
                    exceptions.AddRange(FlawOf(answer) is { } flaw ? [$"{what}: {flaw}"] : []);
                }
            }

            stage.Require(errors > 0, "a bad request is refused", "PS-REST-007");
            stage.Expect.WithoutException(exceptions, "An error is a problem document");
        }),

        new("PS-REST-019", "every-code", async stage =>
        {
            var exceptions = new List<string>();
            var codes = 0;
            foreach (var (what, status, code, provoke) in Refusals.Where(refusal => refusal.Code is not null))
            {
                if (await provoke(stage).IfAnswered() is { } answer
                    && answer.Status == status
                    && answer.Json.Member("code").Text() is { } given)
                {
                    codes++;
                    exceptions.AddRange(given == code ? [] : [$"{what}, {status}: \"{given}\" instead of {code}"]);
                }
            }

            stage.Supports(codes > 0, ProblemDocuments);
            stage.Expect.WithoutException(exceptions, "The code of an error is that of the specification");
        }),

        new("PS-REST-020", "wrong-method", async stage =>
        {
            var topic = await stage.TopicAsync();
            stage.Require((await ListAsync(stage)).Of(topic) is not null, "the topic is listed");
            (string Method, string Path, string Allowed)[] wrong =
            [
                ("PUT", RestPaths.Topics, "POST"), ("PATCH", RestPaths.Topics, "GET"), ("DELETE", RestPaths.Topics, "GET"),
                ("POST", Rest.TopicPath(topic), "DELETE"), ("PUT", Rest.TopicPath(topic), "DELETE"),
                ("PATCH", Rest.TopicPath(topic), "DELETE"), ("POST", RestPaths.Health, "GET"), ("DELETE", RestPaths.Stats, "GET"),
            ];
            foreach (var (method, path, allowed) in wrong)
            {
                var answer = await stage.Rest.SendAsync(method, path);

                stage.Expect.Status(405, answer, $"{method} is answered with 405 where it is not supported");
                var allow = answer.Header("Allow") ?? "";
                stage.Expect.True(allow.Split(',', StringSplitOptions.TrimEntries).Contains(allowed),
                    $"Allow names {allowed}", $"Allow: {allow}");
            }

            stage.Expect.True((await ListAsync(stage)).Of(topic) is not null, "A method that is not supported does nothing");
        }),

        new("PS-REST-021", "every-kind-of-character", async stage =>
        {
            await ListedAsync(stage);
            var exceptions = await EachOddNameAsync(async (slug, odd) =>
            {
                var answer = await stage.Rest.CreateTopicAsync(Within(stage, odd(stage.FreshName()))).Given("a creation is answered");
                return answer.IsSuccess ? null : $"{slug}: {answer}";
            });
            stage.Expect.WithoutException(exceptions, "A name of any characters but control characters is accepted");
        }),

        new("PS-REST-023", "odd-names-listed", async stage =>
        {
            await stage.ListedTopicAsync();
            var exceptions = await EachOddNameAsync(async (slug, odd) =>
            {
                var name = Within(stage, odd(stage.FreshName()));
                return !(await stage.Rest.CreateTopicAsync(name)).IsSuccess || (await ListAsync(stage)).Of(name) is not null ? null : slug;
            });
            stage.Expect.WithoutException(exceptions, "A topic is listed under exactly the name that it was created with");
        }),

        new("PS-REST-023", "odd-names-over-websocket", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var plain = await stage.ConnectAsync("plain");
            var saysTopic = (await plain.SubscribeAsync(await stage.TopicAsync("plain")).Acked()).Topic is not null;
            var exceptions = await EachOddNameAsync(async (slug, odd) =>
            {
                var name = Within(stage, odd(stage.FreshName()));
                return (await stage.Rest.CreateTopicAsync(name)).IsSuccess
                    && await FlawOverWebSocketAsync(stage, name, saysTopic) is { } flaw
                    ? $"{slug}: {flaw}"
                    : null;
            });
            stage.Expect.WithoutException(exceptions, "A topic can be subscribed to and published to by exactly its name");
        }),

        new("PS-REST-023", "odd-names-fetched", async stage =>
        {
            stage.Supports(await FetchesAsync(stage), GetOfOne);
            var exceptions = await EachOddNameAsync(async (slug, odd) =>
            {
                var name = Within(stage, odd(stage.FreshName()));
                if (!(await stage.Rest.CreateTopicAsync(name)).IsSuccess)
                {
                    return null;
                }

                var answer = await stage.Rest.GetTopicAsync(name);
                return answer.IsSuccess && answer.Topic == name ? null : $"{slug}: {answer.SentStatus}";
            });
            stage.Expect.WithoutException(exceptions, "A topic is fetched by its percent-encoded path");
        }),

        new("PS-REST-023", "odd-names-deleted", async stage =>
        {
            await stage.Rest.DeleteTopicAsync(await stage.ListedTopicAsync()).Succeeded();
            var exceptions = await EachOddNameAsync(async (slug, odd) =>
            {
                var name = Within(stage, odd(stage.FreshName()));
                if (!(await stage.Rest.CreateTopicAsync(name)).IsSuccess || (await ListAsync(stage)).Of(name) is null)
                {
                    return null;
                }

                var answer = await stage.Rest.DeleteTopicAsync(name);
                return answer.IsSuccess && (await ListAsync(stage)).Of(name) is null ? null : $"{slug}: {answer.SentStatus}";
            });
            stage.Expect.WithoutException(exceptions, "A topic is deleted by its percent-encoded path");
        }),

        new("PS-REST-023", "names-that-languages-and-paths-know", async stage =>
        {
            var fetches = await FetchesAsync(stage);
            var deletes = await DecodesAsync(stage, "DELETE", " b");
            var exceptions = new List<string>();
            foreach (var name in KnownElsewhere)
            {
                var answer = await CreateUnclaimedAsync(stage, name);
                if (answer.IsSuccess)
                {
                    var isListed = (await ListAsync(stage)).Of(name) is not null;
                    exceptions.AddRange(isListed ? [] : [$"{name} is not listed"]);
                    exceptions.AddRange(
                        !fetches || (await stage.Rest.GetTopicAsync(name)).Topic == name ? [] : [$"{name} is not fetched by its path"]);
                    if ((await stage.Rest.DeleteTopicAsync(name)).IsSuccess)
                    {
                        stage.Disown(name);
                    }
                    else if (deletes)
                    {
                        exceptions.Add($"{name} is not deleted by its path");
                    }
                }
                else if (answer.Status == 409)
                {
                    exceptions.Add($"{name} is taken, although it is not listed");
                }
            }

            await ListedAsync(stage);
            stage.Expect.WithoutException(exceptions, "A name that languages or paths know is a name like any other");
        })
        { UsesPlainNames = true },

        new("PS-REST-021", "every-legal-length", async stage =>
        {
            var base255 = stage.FreshName();
            string[] names = [base255.PadRight(255, 'x'), base255 + Emoji(255 - base255.Length), base255.PadRight(254, '\u00fc')];
            foreach (var name in names)
            {
                var answer = await stage.Rest.CreateTopicAsync(Within(stage, name));
                stage.Expect.True(answer.IsSuccess, "A name of up to 255 characters is accepted", $"{answer}");
            }

            await ListedAsync(stage);
        }),

        new("PS-REST-021", "one-character", async stage =>
        {
            var fresh = stage.FreshName();

            var answer = await CreateUnclaimedAsync(stage, OneCharacter(fresh));
            stage.Expect.True(answer.IsSuccess, "A name of one character is accepted", $"{answer}");
            await ListedAsync(stage);
        }),

        new("PS-REST-022", "too-long", async stage =>
        {
            var family = await FamilyAsync(stage);
            var refusal = await RefusalAsync(stage);
            foreach (var name in new[] { family.PadRight(256, 'x'), family + Emoji(256 - family.Length), family.PadRight(10_000, 'x') })
            {
                var answer = await stage.Rest.CreateTopicAsync(Within(stage, name));
                await ListsAfterAsync(stage, answer, name, "a name that is too long");

                stage.Expect.Status(refusal, answer, $"A name of more than 255 characters is refused with {refusal}");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), "A name of more than 255 characters creates nothing");
            }
        }),

        new("PS-REST-022", "control-character", async stage =>
        {
            var family = await FamilyAsync(stage);
            var refusal = await RefusalAsync(stage);
            foreach (var control in Controls)
            {
                var name = Within(stage, $"{family}-{(char)Convert.ToInt32(control, 16)}b");
                var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, $$"""{"name":"{{family}}-\u{{control}}b"}""");
                await ListsAfterAsync(stage, answer, name, $"a name with U+{control}");

                stage.Expect.Status(refusal, answer, $"A name with U+{control} is refused with {refusal}");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A name with U+{control} creates nothing");
            }
        }),

        new("PS-REST-022", "unpaired-surrogate", async stage =>
        {
            var family = await FamilyAsync(stage);
            var refusal = await RefusalAsync(stage);
            stage.Forget($"{family}-\ufffd"); // some servers turn the name into this
            foreach (var unpaired in Unpaired)
            {
                var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, $$"""{"name":"{{family}}-{{unpaired}}"}""");
                await ListsAfterAsync(stage, answer, $"{family}-{Text(unpaired)}", $"a name with {unpaired}");

                stage.Expect.Status(refusal, answer, $"A name with {unpaired} is refused with {refusal}");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A name with {unpaired} creates nothing");
            }
        }),

        new("PS-REST-023", "escapes-in-json", async stage =>
        {
            var plain = Within(stage, $"{stage.FreshName()}/\u00fc\ud83d\ude00");
            stage.Supports((await stage.Rest.CreateTopicAsync(plain)).IsSuccess, "names with such characters (PS-REST-021)");
            var family = stage.FreshName();
            var name = Within(stage, $"{family}/\u00fc\ud83d\ude00");

            await stage.Rest.SendAsync("POST", RestPaths.Topics, $$"""{"n\u0061me":"{{family}}\/\u00FC\uD83D\ude00"}""").Succeeded();

            stage.Expect.Sequence([name], await NamesAsync(stage, family), "A name is what its JSON escapes stand for");
        }),

        new("PS-REST-023", "slash-and-encoded-slash", async stage =>
        {
            var fetches = await DecodesAsync(stage, "GET", "/b");
            var deletes = await DecodesAsync(stage, "DELETE", "/b");
            stage.Supports(fetches || deletes, "a slash in the name of a topic that a path addresses (PS-REST-023/odd-names-deleted)");
            var family = stage.FreshName();
            string slash = $"{family}/b", encoded = $"{family}%2Fb", twice = $"{family}%252Fb";
            foreach (var name in new[] { slash, encoded, twice })
            {
                await stage.CreateAsync(name);
            }

            if (fetches)
            {
                stage.Expect.Equal(slash, await FetchAsync(stage, $"{family}%2Fb"), "%2F in a path is a slash in the name");
                stage.Expect.Equal(encoded, await FetchAsync(stage, $"{family}%252Fb"), "%252F in a path is %2F in the name");
            }

            if (deletes)
            {
                await stage.Rest.SendAsync("DELETE", $"{RestPaths.Topics}/{family}%252Fb").Succeeded();
                stage.Expect.SameItems([slash, twice], await NamesAsync(stage, family), "Only the topic that the path names is deleted");
            }
        }),

        new("PS-REST-023", "every-spelling-of-a-path", async stage =>
        {
            const string Tail = "+!$&'()*,;=:@~b";
            var methods = new List<string>();
            foreach (var method in (string[])["GET", "DELETE"])
            {
                methods.AddRange(await DecodesAsync(stage, method, "/\u00fc") ? [method] : []);
            }

            stage.Supports(
                methods.Count > 0, "such characters in the name of a topic that a path addresses (PS-REST-023/odd-names-deleted)");
            foreach (var method in methods)
            {
                (string What, Func<string, string> Spell)[] spellings =
                [
                    ("What need not be encoded stands for itself, the plus sign too", family => $"{family}{Tail}%2F%C3%BC"),
                    ("The case of a hexadecimal digit makes no difference", family => $"{family}{Tail}%2f%c3%bc"),
                    (
                        "What is encoded needlessly is decoded",
                        family => string.Concat(Encoding.UTF8.GetBytes($"{family}{Tail}/\u00fc").Select(octet => $"%{octet:X2}"))
                    ),
                ];
                foreach (var (what, spell) in spellings)
                {
                    var family = stage.FreshName();
                    await stage.CreateAsync($"{family}{Tail}/\u00fc");
                    var answer = await stage.Rest.SendAsync(method, $"{RestPaths.Topics}/{spell(family)}");
                    stage.Expect.True(answer.IsSuccess, what, $"{answer} to {method}");
                }
            }
        }),

        new("PS-REST-023", "normalisation-forms-are-two-names", async stage =>
        {
            var family = stage.FreshName();
            string composed = $"{family}\u00e9", decomposed = $"{family}e\u0301";
            stage.Supports(
                (await stage.Rest.CreateTopicAsync(Within(stage, composed))).IsSuccess, "names with such characters (PS-REST-021)");

            var answer = await stage.Rest.CreateTopicAsync(Within(stage, decomposed));
            stage.Expect.True(answer.IsSuccess, "The decomposed twin of a name is another name", $"{answer}");
            stage.Expect.SameItems([composed, decomposed], await NamesAsync(stage, family), "Both forms are listed");
        }),

        new("PS-REST-024", "unknown-members", async stage =>
        {
            await stage.Rest.CreateTopicAsync(stage.FreshName()).Succeeded();
            var name = stage.FreshName();
            var body = $$"""{"retention":{"name":"{{name}}-x","days":[7]},"name":{{Json.Quote(name)}},"NAME":1,"x":null}""";

            var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, body);
            stage.Expect.True(answer.IsSuccess, "Unknown members of a creation are ignored", $"{answer}");
            stage.Expect.Sequence([name], await NamesAsync(stage, name), "The topic has the name that name says");
        }),

        new("PS-REST-025", "concurrent-creations", async stage =>
        {
            var rounds = stage.Rounds(Rounds, roundTrips: 3);
            for (var round = 0; round < rounds; round++)
            {
                var name = stage.FreshName();

                var answers = await stage.Rest.RaceAsync(Contenders, "POST", RestPaths.Topics, Rest.CreateBody(name));

                stage.Expect.Equal(1, answers.Count(answer => answer.IsSuccess),
                    $"Of {Contenders} concurrent creations one is answered with 201");
            }
        })
        { IsLengthy = true },

        new("PS-REST-026", "detail-names-field-and-rule", async stage =>
        {
            var details = new List<string>();
            var refused = false;
            var family = stage.FreshName();
            string[] illegal = [Within(stage, $"{family}-\0"), Within(stage, family.PadRight(256, 'x'))];
            string[] bodies = ["{}", """{"name":7}""", """{"name":""}""", .. illegal.Select(Rest.CreateBody)];
            var before = await NamesAsync(stage, "");
            foreach (var body in bodies)
            {
                var answer = await stage.Rest.SendAsync("POST", RestPaths.Topics, body);
                await ForgetCoercedAsync(stage, answer, before);
                refused |= answer.Status == 400;
                if (answer.Status == 400 && answer.Json.Member("detail").Text() is { } detail)
                {
                    stage.Expect.True(
                        detail.Contains("name", StringComparison.Ordinal), "The detail names the field", $"{detail} for {body.Cut(60)}");
                    details.Add(detail);
                }
            }

            stage.Supports(refused, "400 for a bad name (PS-REST-009)");
            stage.Supports(details.Count > 0, ProblemDocuments);
            stage.Expect.Sequence(details.Distinct(), details, "Each rule has a detail of its own");
        })
        { Danger = Danger.Poison },

        new("PS-REST-027", "every-illegal-path", async stage =>
        {
            var topic = await ListedAsync(stage);
            var fetches = await FetchesAsync(stage);
            var exceptions = new List<string>();
            foreach (var (what, segment) in IllegalPaths)
            {
                foreach (var method in (string[])["DELETE", .. fetches ? ["GET"] : Array.Empty<string>()])
                {
                    var answer = await stage.Rest.SendAsync(method, $"{RestPaths.Topics}/{segment}").IfAnswered();
                    exceptions.AddRange(answer?.Status == 400
                        ? []
                        : [$"{method}, a path {what}: {(answer is null ? "no answer" : $"{answer.SentStatus}")}"]);
                }
            }

            stage.Require((await ListAsync(stage)).Of(topic) is not null, "the topic is still listed", "PS-REST-031");
            stage.Expect.WithoutException(exceptions, "A path with the name of a topic that cannot exist is answered with 400");
        }),

        new("PS-REST-028", "unknown-path", async stage =>
        {
            await stage.ListedTopicAsync();
            var hasProblems = FlawOf(await stage.Rest.DeleteTopicAsync(stage.FreshName())) is null;
            (string, string)[] unknown =
                [("GET", "/no-such-thing"), ("POST", "/no-such-thing"), ("DELETE", $"{RestPaths.Topics}-of-nobody/x")];
            foreach (var (method, path) in unknown)
            {
                var answer = await stage.Rest.SendAsync(method, path);

                stage.Expect.Status(404, answer, "An unknown path is answered with 404");
                if (hasProblems)
                {
                    stage.Expect.Equal(Problem, answer.MediaType, "The answer is a problem document");
                    stage.Expect.Equal("NOT_FOUND", answer.Json.Member("code").Text(), "Its code is NOT_FOUND");
                }
            }
        }),

        new("PS-REST-029", "head-is-get-without-a-body", async stage =>
        {
            var topic = await stage.ListedTopicAsync();
            foreach (var path in new[] { RestPaths.Topics, Rest.TopicPath(topic), RestPaths.Health, RestPaths.Stats })
            {
                if ((await stage.Rest.SendAsync("GET", path)).Status != 200)
                {
                    // The server does not support GET either; other requirements cover that.
                    continue;
                }

                var raw = await stage.RawAsync("monitor", new ConnectOptions { Handshake = false });
                await raw.SendBytesAsync(Encoding.ASCII.GetBytes(
                    $"HEAD {Http.WithQuery(stage.Rest.RequestTarget(path), stage.Target.Query)} HTTP/1.1\r\n"
                    + $"{stage.Target.HeaderLines(stage.Target.Rest)}Connection: close\r\n\r\n"));
                var answer = FinalOf(Encoding.Latin1.GetString(await raw.ReadToEndAsync()));

                stage.Expect.Equal("HTTP/1.1 200", answer[..Math.Min(12, answer.Length)], $"HEAD {path} is answered as GET is");
                stage.Expect.True(answer.EndsWith("\r\n\r\n", StringComparison.Ordinal), $"HEAD {path} is answered without a body", answer);
            }
        }),

        new("PS-REST-032", "dot-segments", async stage =>
        {
            foreach (var name in DotSegments)
            {
                var answer = await CreateUnclaimedAsync(stage, name);
                stage.Expect.Equal(400, answer.Status, $"The name {name} is refused with 400");
                stage.Expect.True((await ListAsync(stage)).Of(name) is null, $"A refused name {name} creates nothing", "it is listed");
            }
        }),

        new("PS-REST-030", "reads-are-declared-as-json", async stage =>
        {
            await stage.ListedTopicAsync();
            foreach (var path in new[] { RestPaths.Topics, RestPaths.Health, RestPaths.Stats })
            {
                var answer = await stage.Rest.SendAsync("GET", path);
                if (answer.Status == 200)
                {
                    stage.Expect.Equal("application/json", answer.MediaType, $"The answer to GET {path} is declared as JSON");
                }
            }
        }),

        new("PS-REST-031", "whatever-name-was-asked-for", async stage =>
        {
            var listing = await stage.Rest.ListTopicsAsync().Given("the listing is answered");
            stage.Expect.Status(200, listing, "Topics can be listed, whatever names were asked for before");
            var control = await stage.ListedTopicAsync();
            string[] others = [RestPaths.Health, RestPaths.Stats];
            var reads = new List<string> { RestPaths.Topics };
            foreach (var path in others)
            {
                reads.AddRange((await stage.Rest.SendAsync("GET", path)).Status == 200 ? [path] : []);
            }

            foreach (var (what, name, json) in Poisonous(stage.FreshName()))
            {
                var created = await stage.Rest.SendAsync("POST", RestPaths.Topics, $$"""{"name":{{json}}}""").IfAnswered();
                await stage.EachAsync(reads, async path =>
                {
                    var answer = await stage.Rest.SendAsync("GET", path).For($"After a name {what} GET {path} is still answered");
                    if (answer.Status != 200)
                    {
                        await UndoAsync(stage, name);
                    }

                    stage.Expect.Status(
                        200, answer, $"After a name {what}, answered with {created?.SentStatus ?? 0}, GET {path} is answered with 200");
                });

                if (created is not { Status: >= 400 and < 500 })
                {
                    await UndoAsync(stage, name);
                }
            }

            stage.Expect.True(
                (await ListAsync(stage)).Of(control) is not null, "Other topics are still listed", $"{control} is not listed");
        })
        { Danger = Danger.Poison },
    ];

    /// <summary>The answer after any number of interim ones (RFC 9110, section 15.2).</summary>
    private static string FinalOf(string answers)
    {
        while (answers.StartsWith("HTTP/1.1 1", StringComparison.Ordinal)
            && answers.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end and >= 0)
        {
            answers = answers[(end + 4)..];
        }

        return answers;
    }

    /// <summary>Requests that are refused; the code is null if the specification leaves it to the server.</summary>
    private static IEnumerable<(string What, int Status, string? Code, Func<Stage, Task<HttpAnswer>> Provoke)> Refusals =>
    [
        ("DELETE of an unknown topic", 404, "TOPIC_NOT_FOUND", stage => stage.Rest.DeleteTopicAsync(stage.FreshName())),
        (
            "GET of an unknown topic", 404, "TOPIC_NOT_FOUND",
            async stage => await FetchesAsync(stage) ? await stage.Rest.GetTopicAsync(stage.FreshName()) : NotAsked
        ),
        ("creation of an existing topic", 409, "TOPIC_EXISTS", async stage => await stage.Rest.CreateTopicAsync(await stage.TopicAsync())),
        ("unparsable body", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("POST", RestPaths.Topics, "{")),
        ("missing name", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("POST", RestPaths.Topics, "{}")),
        ("name that is too long", 400, "BAD_REQUEST",
            stage => stage.Rest.CreateTopicAsync(Within(stage, stage.FreshName().PadRight(256, 'x')))),
        ("name in the path that is too long", 400, "BAD_REQUEST",
            stage => stage.Rest.DeleteTopicAsync(stage.FreshName().PadRight(256, 'x'))),
        ("invalid UTF-8 in the path", 400, "BAD_REQUEST",
            stage => stage.Rest.SendAsync("DELETE", $"{RestPaths.Topics}/{stage.FreshName()}%FF")),
        ("control character in the path", 400, "BAD_REQUEST",
            stage => stage.Rest.SendAsync("DELETE", $"{RestPaths.Topics}/{stage.FreshName()}%01")),
        ("wrong Content-Type", 415, null, stage => CreateAsAsync(stage, stage.FreshName(), "text/plain")),
        (
            "body that is too large", 413, null,
            async stage => stage.Target.IsMessageLimitKnown
                ? await stage.Rest.SendBytesAsync("POST", RestPaths.Topics, Padded(stage.FreshName(), stage.Limits.MessageBytes + 1))
                : NotAsked
        ),
        ("wrong method", 405, null, stage => stage.Rest.SendAsync("PUT", RestPaths.Topics)),
        ("unknown path", 404, null, stage => stage.Rest.SendAsync("GET", "/no-such-thing")),
    ];

    /// <summary>A placeholder for the answer to a request that is not sent.</summary>
    private static HttpAnswer NotAsked { get; } = new(200, "", [], []);

    /// <summary>Why an error is no problem document; null if it is one.</summary>
    private static string? FlawOf(HttpAnswer answer) =>
        answer.MediaType != Problem ? $"{answer.SentStatus} as {answer.MediaType ?? "nothing"}"
        : answer.Json.Member("status").Integer() != answer.Status ? "it has no number status that is the answer's"
        : string.IsNullOrEmpty(answer.Json.Member("title").Text()) ? "it has no title"
        : string.IsNullOrEmpty(answer.Json.Member("detail").Text()) ? "it has no detail"
        : string.IsNullOrEmpty(answer.Json.Member("code").Text()) ? "it has no string code"
        : null;

    /// <summary>Legal names, each with a character or a form that has a meaning for some layer.</summary>
    private static IEnumerable<(string Slug, Func<string, string> Name)> OddNames =>
    [
        ("slash", fresh => $"{fresh}/b"),
        ("many-slashes", fresh => $"{fresh}//b/"),
        ("encoded-slash", fresh => $"{fresh}%2Fb"),
        ("percent", fresh => $"{fresh}%100%"),
        ("dot-segments", fresh => $"{fresh}/../b/./.."),
        ("trailing-dot", fresh => $"{fresh}."),
        ("star", fresh => $"{fresh}.*"),
        ("hash", fresh => $"{fresh}#/#"),
        ("plus", fresh => $"{fresh}+/+"),
        ("ampersand", fresh => $"{fresh}&a=b"),
        ("question-mark", fresh => $"{fresh}?x=1"),
        ("semicolon", fresh => $"{fresh};v=1,2"),
        ("url", fresh => $"{fresh}http://h:80/@x"),
        ("backslash", fresh => $@"{fresh}\b\\n"),
        ("quotes", fresh => $"{fresh}\"b\"'`"),
        ("json", fresh => $$"""{{fresh}}{"name":"b"}"""),
        ("markup", fresh => $"{fresh}<b>b</b>&amp;"),
        ("template", fresh => $"{fresh}{{name}}${{b}}{{0}}%s"),
        ("spaces", fresh => $"{fresh}  b "),
        ("umlaut", fresh => $"{fresh}-\u00fc\u00df"),
        ("composed", fresh => $"{fresh}-\u00e9\u00c5"),
        ("decomposed", fresh => $"{fresh}-e\u0301A\u030a"),
        ("case-pairs", fresh => $"{fresh}-\u0130\u0131\u017f\u212aK"),
        ("chinese", fresh => $"{fresh}-\u8ba2\u5355"),
        ("right-to-left", fresh => $"{fresh}-\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c"),
        ("emoji", fresh => $"{fresh}-\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1fa\U0001f1f3"),
        ("255-emoji", fresh => fresh + Emoji(255 - fresh.Length)),
        ("255-letters", fresh => fresh.PadRight(255, 'x')),
        ("invisible", fresh => $"{fresh}\u00a0\u200b\u2028\u2029\ufeff"),
        ("private-and-unassigned", fresh => $"{fresh}\ue000\ufffd\ufffe\U0010ffff"),
    ];

    /// <summary>Legal names that cannot begin like those of the suite: they are created only if they do not exist.</summary>
    private static readonly string[] KnownElsewhere = ["__proto__", "constructor"];

    /// <summary>Path segments that a URL library removes.</summary>
    private static readonly string[] DotSegments = [".", ".."];

    private static readonly string[] Controls = ["0000", "0007", "0009", "000a", "000d", "001b", "001f", "007f", "0080", "0085", "009f"];

    private static readonly string[] Unpaired = [@"\ud83d", @"\ude00", @"\ude00\ud83d", @"\ud83dx\ude00"];

    /// <summary>Names that a server may fail to serialise, as text and as JSON.</summary>
    private static IEnumerable<(string What, string Name, string Json)> Poisonous(string family) =>
    [
        .. Unpaired.Select((unpaired, n) => ($"with {unpaired}", $"{family}-{n}{Text(unpaired)}", $"\"{family}-{n}{unpaired}\"")),
        .. Controls.Select(control =>
            ($"with U+{control}", $"{family}-{(char)Convert.ToInt32(control, 16)}", $"\"{family}-\\u{control}\"")),
        ("of 10,000 characters", family.PadRight(10_000, 'x'), Json.Quote(family.PadRight(10_000, 'x'))),
        ("with a slash and dots", $"{family}/../..", Json.Quote($"{family}/../..")),
        ("with quotes and a line separator", $"{family}\"\\\u2028", Json.Quote($"{family}\"\\\u2028")),
        ("with a percent sign", $"{family}%", Json.Quote($"{family}%")),
        ("of an unassigned character", $"{family}\U0010ffff", Json.Quote($"{family}\U0010ffff")),
    ];

    /// <summary>The text that these JSON escapes stand for, with lone surrogates.</summary>
    private static string Text(string escapes) => System.Text.RegularExpressions.Regex.Replace(
        escapes, @"\\u([0-9a-f]{4})", match => $"{(char)Convert.ToInt32(match.Groups[1].Value, 16)}");

    private static IEnumerable<(string What, string Segment)> IllegalPaths =>
    [
        ("with a stray byte", "%FF"),
        ("with a broken sequence", "a%C3%28"),
        ("with an overlong slash", "a%C0%AFb"),
        ("with an encoded surrogate", "%ED%A0%80"),
        ("with a lone percent", "a%"),
        ("with half an escape", "a%2"),
        ("with letters for an escape", "a%ZZ"),
        ("with nul", "a%00b"),
        ("with a line break", "a%0D%0Ab"),
        ("with del", "a%7F"),
        ("with a c1 control", "a%C2%85"),
        ("with 256 characters", new string('x', 256)),
        ("with 256 emoji", string.Concat(Enumerable.Repeat("%F0%9F%98%80", 256))),
    ];

    private static IEnumerable<(string What, string Body)> BodiesWithoutAName(string name) =>
    [
        ("empty", ""),
        ("not JSON", name),
        ("cut short", $$"""{"name":{{Json.Quote(name)}}"""),
        ("a string", Json.Quote(name)),
        ("an array", $"[{Json.Quote(name)}]"),
        ("an array of one topic", $$"""[{"name":{{Json.Quote(name)}}}]"""),
        ("null", "null"),
        ("a number", "7"),
        ("an empty object", "{}"),
        ("an object without name", $$"""{"topic":{{Json.Quote(name)}}}"""),
        ("an object whose name is null", """{"name":null}"""),
        ("an object whose name is a number", """{"name":7}"""),
        ("an object whose name is a boolean", """{"name":true}"""),
        ("an object whose name is an array", $$"""{"name":[{{Json.Quote(name)}}]}"""),
        ("an object whose name is an object", $$"""{"name":{"name":{{Json.Quote(name)}} } }"""),
        ("an object whose name is empty", """{"name":""}"""),
        ("a form", $"name={name}"),
    ];

    private static IEnumerable<(string What, string Body)> BodiesThatSomeParsersTake(string name) =>
    [
        ("an object whose name is spelt Name", $$"""{"Name":{{Json.Quote(name)}}}"""),
        ("an object with something behind it", $$"""{"name":{{Json.Quote(name)}}} x"""),
        ("two objects", $$"""{"name":{{Json.Quote(name)}}}{"name":{{Json.Quote(name)}}}"""),
        ("an object with a trailing comma", $$"""{"name":{{Json.Quote(name)}},}"""),
        ("an object with a comment", $$"""{"name":{{Json.Quote(name)}}/* */}"""),
        ("an object in single quotes", $"{{'name':'{name}'}}"),
        ("an object with a raw line break in the name", $"{{\"name\":\"{name}\n\"}}"),
    ];

    private const int SmallBody = 512; // bytes

    /// <summary>Far beyond any real limit, but less than a load.</summary>
    private const int LargestBody = 2 * 1024 * 1024; // bytes

    /// <summary>
    /// The size of a body that is larger than the server's limit, and the answer to it. The real limit may be larger than assumed, so sizes
    /// are tried until one is refused.
    /// </summary>
    private static async Task<(int Size, HttpAnswer Answer)> TooLargeAsync(Stage stage, string name)
    {
        int[] sizes = [stage.Limits.MessageBytes + 1, 128 * 1024, 1024 * 1024, LargestBody];
        foreach (var size in sizes.Where(size => size > stage.Limits.MessageBytes))
        {
            var answer = await stage.Rest.SendBytesAsync("POST", RestPaths.Topics, Padded(name, size)).Given("a large body is answered");
            if (!answer.IsSuccess)
            {
                return (size, answer);
            }

            await stage.Rest.DeleteTopicAsync(name).Succeeded();
        }

        throw new Unsupported($"the target does not offer a limit of bodies: {LargestBody} bytes were accepted");
    }

    private static async Task AddressesAsync(Stage stage, HttpAnswer created, string name)
    {
        if (await FetchesAsync(stage))
        {
            var there = await stage.Rest.FollowAsync(created.Header("Location")!);
            stage.Expect.Status(200, there, "The Location can be fetched");
            stage.Expect.Equal(name, there.Topic, "The Location addresses the topic");
        }
    }

    /// <summary>Decisive: a creation with this Content-Type is answered like one with the plain Content-Type.</summary>
    private static async Task CreatedAlikeAsync(Stage stage, string contentType)
    {
        var plain = await stage.Rest.CreateTopicAsync(stage.FreshName()).Succeeded();
        await stage.ListedTopicAsync();

        var answer = await CreateAsAsync(stage, stage.FreshName(), contentType);

        stage.Expect.Status(plain.Status, answer, $"POST of {contentType} is answered as one of application/json is");
    }

    /// <summary>Whether a topic of a plain name can be fetched.</summary>
    private static async Task<bool> FetchesAsync(Stage stage)
    {
        var topic = await stage.TopicAsync("fetched");
        return (await stage.Rest.GetTopicAsync(topic)).Status == 200;
    }

    /// <summary>Whether this method finds a topic with this end of its name by its percent-encoded path.</summary>
    private static async Task<bool> DecodesAsync(Stage stage, string method, string end)
    {
        var name = Within(stage, $"{stage.FreshName("decoded")}{end}");
        return (await stage.Rest.CreateTopicAsync(name)).IsSuccess
            && (await ListAsync(stage)).Of(name) is not null
            && (await stage.Rest.SendAsync(method, Rest.TopicPath(name))).IsSuccess;
    }

    /// <summary>The result for each odd name, some at a time; names without a result are left out.</summary>
    private static async Task<IReadOnlyList<string>> EachOddNameAsync(Func<string, Func<string, string>, Task<string?>> tryAsync)
    {
        var exceptions = new List<string>();
        foreach (var some in OddNames.Chunk(NamesAtOnce))
        {
            exceptions.AddRange((await Task.WhenAll(some.Select(odd => tryAsync(odd.Slug, odd.Name)))).OfType<string>());
        }

        return exceptions;
    }

    /// <summary>The status with which this server refuses an empty name: 400, unless it has another of its own (PS-REST-009).</summary>
    private static async Task<int> RefusalAsync(Stage stage)
    {
        var status = (await stage.Rest.SendAsync("POST", RestPaths.Topics, """{"name":""}""").Given("an empty name is answered")).Status;
        return status is >= 400 and < 500 ? status : 400;
    }

    private static async Task<string?> FlawOverWebSocketAsync(Stage stage, string name, bool saysTopic)
    {
        await using var client = await stage.ConnectAsync("client");
        var subscribed = await client.SubscribeAsync(name);
        if (!subscribed.IsAck || (saysTopic && subscribed.Topic != name))
        {
            return $"subscribe: {subscribed}";
        }

        var published = await client.PublishAsync(name, "m");
        return !published.IsAck ? $"publish: {published}"
            : await client.NextEventAsync().IfAnswered() is { } @event && @event.Topic == name ? null
            : "no event with this name came";
    }

    /// <summary>
    /// After a creation that should have been refused and was not: undoes it and checks that topics can still be listed. If they cannot,
    /// the scenario is inconclusive: that is a requirement of its own.
    /// </summary>
    private static async Task ListsAfterAsync(Stage stage, HttpAnswer answer, string name, string what)
    {
        if (answer.Status is >= 400 and < 500)
        {
            return;
        }

        var listing = await stage.Rest.ListTopicsAsync().Given($"topics are listed after {what}");
        if (!listing.IsSuccess)
        {
            await UndoAsync(stage, name);
        }

        stage.Require(listing.IsSuccess, $"topics can be listed after {what} (the server answered {listing})", "PS-REST-031");
    }

    /// <summary>Replacements that servers use for a lone surrogate.</summary>
    private static readonly string[] Replacements = ["\ufffd", "?", ""];

    /// <summary>Deletes topics that a creation with this name may have created, by every path that could address them.</summary>
    private static async Task UndoAsync(Stage stage, string name)
    {
        string[] meant = [name, .. Replacements.Select(other => string.Concat(name.EnumerateRunes().Select((rune, at) =>
            rune == Rune.ReplacementChar ? other : $"{rune}")))];
        string[] segments = [.. meant.Select(Encoded), Encoded(name).Replace("%EF%BF%BD", "%FF", StringComparison.Ordinal)];
        foreach (var segment in segments.Distinct())
        {
            await stage.Rest.SendAsync("DELETE", $"{RestPaths.Topics}/{segment}").IfAnswered();
        }

        // A lone surrogate is encoded as three bytes, which are not valid UTF-8; servers that keep such names still read them.
        static string Encoded(string text) => string.Concat(Enumerable.Range(0, text.Length).Select(at => text[at] switch
        {
            var letter when char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' => $"{letter}",
            var high when char.IsHighSurrogate(high) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) =>
                Uri.EscapeDataString(text[at..(at + 2)]),
            var low when char.IsLowSurrogate(low) && at > 0 && char.IsHighSurrogate(text[at - 1]) => "",
            var half when char.IsSurrogate(half) => $"%{0xe0 | (half >> 12):X2}%{0x80 | ((half >> 6) & 0x3f):X2}%{0x80 | (half & 0x3f):X2}",
            var other => Uri.EscapeDataString($"{other}"),
        }));
    }

    /// <summary>Deletes afterwards the topics that a body without a name of the suite created, but none that existed before.</summary>
    private static async Task ForgetCoercedAsync(Stage stage, HttpAnswer answer, IReadOnlyList<string> before)
    {
        if (answer.Status is < 400 or >= 500)
        {
            foreach (var name in (await NamesAsync(stage, "")).Intersect(Coerced).Except(before))
            {
                stage.Forget(name);
            }
        }
    }

    private static async Task CountAsync(Stage stage, string topic, long expected, string expectation) =>
        await stage.Expect.EventuallyAsync(expected, async () => (await ListAsync(stage)).Of(topic)?.Subscribers, expectation);

    private static Task<HttpAnswer> CreateAsAsync(Stage stage, string name, string contentType) =>
        stage.Rest.SendAsync("POST", RestPaths.Topics, Rest.CreateBody(name), contentType);

    private static Task<HttpAnswer> AnnounceAsync(Stage stage, long length, Dictionary<string, string?> headers)
    {
        headers["Content-Type"] = "application/json";
        headers["Content-Length"] = $"{length}";
        return stage.Rest.SendAsync("POST", RestPaths.Topics, headers: headers);
    }

    private static async Task<string?> FetchAsync(Stage stage, string segment) =>
        (await stage.Rest.SendAsync("GET", $"{RestPaths.Topics}/{segment}")).Topic;

    /// <summary>The listing. Another scenario may just have created a topic that cannot be listed, and soon deletes it.</summary>
    private static async Task<TopicsAnswer> ListAsync(Stage stage)
    {
        var start = stage.Time.GetTimestamp();
        var list = await stage.Rest.ListTopicsAsync().Given("topics are listed");
        while (list.Status >= 500 && stage.Time.GetElapsedTime(start) < stage.Target.Timeouts.Wait)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), stage.Time, stage.Cancellation);
            list = await stage.Rest.ListTopicsAsync().Given("topics are listed");
        }

        stage.Require(list.IsSuccess, $"topics are listed (the server answered {list.SentStatus})", "PS-REST-004");
        stage.Require(list.Topics is not null, "the listing is one", "PS-REST-004");
        return list;
    }

    /// <summary>A topic whose name is the prefix of others, so that they can be recognised in the listing.</summary>
    private static async Task<string> FamilyAsync(Stage stage)
    {
        var family = await stage.TopicAsync("family");
        stage.Require((await NamesAsync(stage, family)) is [var only] && only == family, "the topic is listed", "PS-REST-003");
        return family;
    }

    /// <summary>A new topic that is in the listing: a control that a registry is behind the answers.</summary>
    private static async Task<string> ListedAsync(Stage stage)
    {
        var topic = await stage.TopicAsync("control");
        stage.Require((await ListAsync(stage)).Of(topic) is not null, $"topic {topic} is listed", "PS-REST-003");
        return topic;
    }

    /// <summary>The listed names with this beginning, in the order of the listing.</summary>
    private static async Task<IReadOnlyList<string>> NamesAsync(Stage stage, string family)
    {
        var list = await ListAsync(stage);
        return [.. list.Topics!.Select(entry => entry.Name ?? "").Where(name => name.StartsWith(family, StringComparison.Ordinal))];
    }

    /// <summary>The name; if a topic of that name is created, it is deleted after the scenario.</summary>
    private static string Within(Stage stage, string name)
    {
        stage.Forget(name);
        return name;
    }

    /// <summary>
    /// The answer to a creation of a name that does not begin like the names of this run. Another run may be using the same name just now
    /// and soon deletes it; only the run that created a topic deletes it. A topic that is never listed meanwhile belongs to no run.
    /// </summary>
    private static async Task<HttpAnswer> CreateUnclaimedAsync(Stage stage, string name)
    {
        var start = stage.Time.GetTimestamp();
        var isListed = false;
        while (true)
        {
            var answer = await stage.Rest.CreateTopicAsync(name);
            if (answer.Status != 409)
            {
                Within(stage, name);
                return answer;
            }

            isListed = isListed || (await ListAsync(stage)).Of(name) is not null;
            if (stage.Time.GetElapsedTime(start) >= stage.Target.Timeouts.Wait)
            {
                stage.Require(!isListed, $"no other user has a topic {name}");
                return answer;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), stage.Time, stage.Cancellation);
        }
    }

    private static byte[] Padded(string name, int length)
    {
        // Pad with white space, because not every server accepts unknown members.
        var head = $"{{\"name\":{Json.Quote(name)}";
        return Encoding.UTF8.GetBytes($"{head}{new string(' ', length - Encoding.UTF8.GetByteCount(head) - 1)}}}");
    }

    private static string Emoji(int count) => string.Concat(Enumerable.Repeat("\U0001f600", count));

    /// <summary>A random character of the supplementary ideographic plane, which another client is unlikely to use.</summary>
    private static string OneCharacter(string fresh) =>
        char.ConvertFromUtf32(0x20000 + (fresh.Aggregate(17, (sum, letter) => (sum * 31 + letter) & 0xffffff) % 0xa000));
}
