using System.Text;
using System.Text.Json;

namespace PubSub.Conformance.Scenarios;

internal static class Topics
{
    private const int Contenders = 8;
    private const int Rounds = 150;

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

        new("PS-REST-001", "content-type-with-parameter", async stage =>
        {
            var answer = await CreateAsAsync(stage, stage.FreshName(), "application/json; charset=utf-8");

            stage.Expect.Status(201, answer, "POST of application/json with a charset is answered with 201");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-001", "content-type-in-any-case", async stage =>
        {
            var answer = await CreateAsAsync(stage, stage.FreshName(), "Application/JSON");

            stage.Expect.Status(201, answer, "POST of Application/JSON is answered with 201");
            await stage.ListedTopicAsync();
        }),

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

            await stage.Rest.CreateTopicAsync(topic).Given("the second creation is answered");
            await publisher.PublishAsync(topic, "after").Acked();

            await subscriber.ReceivesExactlyAsync(["before", "after"], publisher, topic, "Creating a topic again leaves its subscribers");
        }),

        new("PS-REST-002", "create-again-keeps-the-retained-messages", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);

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
            foreach (var (what, body) in BodiesWithoutAName(Within(stage, $"{family}-refused")))
            {
                var answer = await stage.Rest.SendAsync("POST", Rest.TopicsPath, body);

                stage.Expect.True(answer.Status is >= 400 and < 500, $"A body that is {what} is answered with a 4xx status", $"{answer}");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body that is {what} creates nothing");
            }
        }),

        new("PS-REST-009", "bad-body", async stage =>
        {
            var family = await FamilyAsync(stage);
            foreach (var (what, body) in BodiesWithoutAName(Within(stage, $"{family}-refused")).Concat(BodiesThatSomeParsersTake($"{family}-refused")))
            {
                stage.Expect.Status(400, await stage.Rest.SendAsync("POST", Rest.TopicsPath, body),
                    $"A body that is {what} is answered with 400");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body that is {what} creates nothing");
            }
        })
        { Also = ["PS-REST-008"] },

        new("PS-REST-009", "body-that-is-not-utf-8", async stage =>
        {
            var family = await FamilyAsync(stage);
            stage.Forget($"{family}\ufffd");
            byte[] body = [.. "{\"name\":\""u8, .. Encoding.UTF8.GetBytes(family), 0xff, .. "\"}"u8];

            stage.Expect.Status(400, await stage.Rest.SendBytesAsync("POST", Rest.TopicsPath, body),
                "A body that is not UTF-8 is answered with 400");
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

        new("PS-REST-011", "location-addresses-the-topic", stage => LocationAsync(stage, stage.FreshName())),

        new("PS-REST-011", "location-of-an-odd-name", stage => LocationAsync(stage, Within(stage, $"{stage.FreshName()}/../a%2fb ?x=1#\u00fc"))),

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
            foreach (var suffix in suffixes)
            {
                await stage.CreateAsync(family + suffix);
            }

            var listed = await NamesAsync(stage, family);
            stage.Require(listed.Count == suffixes.Length, "the topics are listed");
            stage.Expect.Sequence(listed.Order(StringComparer.Ordinal), listed, "Topics are listed in ascending ordinal order of their names");
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
            stage.Expect.Status(404, await stage.Rest.GetTopicAsync(stage.FreshName()),
                "GET of a topic that does not exist is answered with 404");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-015", "deleted-topic", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            stage.Expect.Status(404, await stage.Rest.GetTopicAsync(topic), "GET of a deleted topic is answered with 404");
        }),

        new("PS-REST-016", "not-json", async stage =>
        {
            var family = await FamilyAsync(stage);
            string[] others =
            [
                "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
            ];
            foreach (var contentType in others)
            {
                var answer = await CreateAsAsync(stage, Within(stage, $"{family}-refused"), contentType);

                stage.Expect.Status(415, answer, $"A body of {contentType} is answered with 415");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A body of {contentType} creates nothing");
            }
        }),

        TooLarge("whole", (stage, body) => stage.Rest.SendBytesAsync("POST", Rest.TopicsPath, body)),
        TooLarge("chunked", (stage, body) => stage.Rest.SendChunkedAsync("POST", Rest.TopicsPath, body, 4096)),
        TooLarge("announced-only", (stage, body) => AnnounceAsync(stage, body.Length, [])),
        TooLarge("announced-with-expect", (stage, body) => AnnounceAsync(stage, body.Length, new() { ["Expect"] = "100-continue" })),
        TooLarge("announced-as-endless", (stage, _) => AnnounceAsync(stage, long.MaxValue, [])),

        .. Problems.Select(problem => new Scenario("PS-REST-018", $"problem-{problem.Slug}", async stage =>
        {
            var answer = await problem.Provoke(stage);
            stage.Require(answer.Status >= 400, "the request is refused");

            stage.Expect.Equal("application/problem+json", answer.MediaType, "An error is a problem document");
            stage.Expect.Equal(answer.Status, answer.Json.Member("status").Integer(), "A problem document has the number status");
            stage.Expect.True(!string.IsNullOrEmpty(answer.Json.Member("title").Text()), "A problem document has a title", answer.Body);
            stage.Expect.True(!string.IsNullOrEmpty(answer.Json.Member("detail").Text()), "A problem document has a detail", answer.Body);
            stage.Expect.True(!string.IsNullOrEmpty(answer.Json.Member("code").Text()),
                "A problem document has a string code", answer.Body);
        })),

        .. Problems.Where(problem => problem.Code is not null).Select(problem => new Scenario("PS-REST-019", $"code-{problem.Slug}", async stage =>
        {
            var answer = await problem.Provoke(stage);
            stage.Require(answer.Status == problem.Status, $"the request is answered with {problem.Status}");

            stage.Expect.Equal(problem.Code, answer.Json.Member("code").Text(), $"The code with {problem.Status} is {problem.Code}");
        })),

        new("PS-REST-020", "wrong-method", async stage =>
        {
            var topic = await stage.TopicAsync();
            stage.Require((await ListAsync(stage)).Of(topic) is not null, "the topic is listed");
            (string Method, string Path, string Allowed)[] wrong =
            [
                ("PUT", Rest.TopicsPath, "POST"), ("PATCH", Rest.TopicsPath, "GET"), ("DELETE", Rest.TopicsPath, "GET"),
                ("POST", Rest.TopicPath(topic), "DELETE"), ("PUT", Rest.TopicPath(topic), "DELETE"), ("PATCH", Rest.TopicPath(topic), "DELETE"),
                ("POST", Rest.HealthPath, "GET"), ("DELETE", Rest.StatsPath, "GET"),
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

        .. OddNames.Select(odd => new Scenario("PS-REST-023", $"name-{odd.Slug}", async stage =>
        {
            var fresh = stage.FreshName();
            var name = odd.Name(fresh);

            stage.Expect.Status(201, await CreateUnclaimedAsync(stage, fresh, name), "A topic of this name is created");
            stage.Expect.True((await ListAsync(stage)).Of(name) is not null, "It is listed under exactly this name");

            var client = await stage.ConnectAsync("client");
            var subscribed = await client.SubscribeAsync(name);
            stage.Expect.Acked(subscribed, "It can be subscribed to");
            stage.Expect.Equal(name, subscribed.Topic, "The ack of the subscribe has exactly this name");
            stage.Expect.Acked(await client.PublishAsync(name, "m"), "It can be published to");
            stage.Expect.Equal(name, (await client.NextEventAsync()).Topic, "The event has exactly this name");

            stage.Expect.Equal(name, (await stage.Rest.GetTopicAsync(name)).Counts.Name, "It is fetched by its percent-encoded path");
            stage.Expect.True((await stage.Rest.DeleteTopicAsync(name)).IsSuccess, "It is deleted by its percent-encoded path");
            stage.Disown(name);
            await stage.Expect.EventuallyAsync(true, async () => (await ListAsync(stage)).Of(name) is null, "Deleted, it is not listed");
        })
        { Also = ["PS-REST-021"] }),

        new("PS-REST-021", "every-legal-length", async stage =>
        {
            var base255 = stage.FreshName();
            foreach (var name in new[] { base255.PadRight(255, 'x'), base255 + Emoji(255 - base255.Length), base255.PadRight(254, '\u00fc') })
            {
                stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(Within(stage, name)),
                    "A name of up to 255 characters is accepted");
            }

            await stage.ListedTopicAsync();
        }),

        new("PS-REST-021", "one-character", async stage =>
        {
            var fresh = stage.FreshName();

            stage.Expect.Status(201, await CreateUnclaimedAsync(stage, fresh, OneCharacter(fresh)), "A name of one character is accepted");
            await stage.ListedTopicAsync();
        }),

        new("PS-REST-022", "too-long", async stage =>
        {
            var family = await FamilyAsync(stage);
            foreach (var name in new[] { family.PadRight(256, 'x'), family + Emoji(256 - family.Length), family.PadRight(10_000, 'x') })
            {
                stage.Expect.Status(400, await stage.Rest.CreateTopicAsync(Within(stage, name)),
                    "A name of more than 255 characters is refused with 400");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), "A name of more than 255 characters creates nothing");
            }
        }),

        new("PS-REST-022", "control-character", async stage =>
        {
            var family = await FamilyAsync(stage);
            string[] controls = ["0000", "0007", "0009", "000a", "000d", "001b", "001f", "007f", "0080", "0085", "009f"];
            foreach (var control in controls)
            {
                stage.Forget($"{family}{(char)Convert.ToInt32(control, 16)}b");
                var answer = await stage.Rest.SendAsync("POST", Rest.TopicsPath, $$"""{"name":"{{family}}\u{{control}}b"}""");

                stage.Expect.Status(400, answer, $"A name with U+{control} is refused with 400");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A name with U+{control} creates nothing");
            }
        }),

        new("PS-REST-022", "unpaired-surrogate", async stage =>
        {
            var family = await FamilyAsync(stage);
            string[] surrogates = [@"\ud83d", @"\ude00", @"\ude00\ud83d", @"\ud83dx\ude00"];
            foreach (var unpaired in surrogates)
            {
                // Who does not refuse them is likely to have replaced each.
                stage.Forget(family + unpaired.Replace(@"\ud83d", "\ufffd", StringComparison.Ordinal).Replace(@"\ude00", "\ufffd", StringComparison.Ordinal));
                var answer = await stage.Rest.SendAsync("POST", Rest.TopicsPath, $$"""{"name":"{{family}}{{unpaired}}"}""");

                stage.Expect.Status(400, answer, $"A name with {unpaired} is refused with 400");
                stage.Expect.Sequence([family], await NamesAsync(stage, family), $"A name with {unpaired} creates nothing");
            }
        }),

        new("PS-REST-023", "escapes-in-json", async stage =>
        {
            var family = stage.FreshName();
            var name = Within(stage, $"{family}/\u00fc\ud83d\ude00");

            await stage.Rest.SendAsync("POST", Rest.TopicsPath, $$"""{"n\u0061me":"{{family}}\/\u00FC\uD83D\ude00"}""").Succeeded();

            stage.Expect.Sequence([name], await NamesAsync(stage, family), "A name is what its JSON escapes stand for");
        }),

        new("PS-REST-023", "slash-and-encoded-slash", async stage =>
        {
            var family = stage.FreshName();
            string slash = $"{family}/b", encoded = $"{family}%2Fb", twice = $"{family}%252Fb";
            foreach (var name in new[] { slash, encoded, twice })
            {
                await stage.CreateAsync(name);
            }

            stage.Expect.Equal(slash, await FetchAsync(stage, $"{family}%2Fb"), "%2F in a path is a slash in the name");
            stage.Expect.Equal(encoded, await FetchAsync(stage, $"{family}%252Fb"), "%252F in a path is %2F in the name");
            await stage.Rest.SendAsync("DELETE", $"{Rest.TopicsPath}/{family}%252Fb").Succeeded();
            stage.Expect.SameItems([slash, twice], await NamesAsync(stage, family), "Only the topic that the path names is deleted");
        }),

        new("PS-REST-023", "every-spelling-of-a-path", async stage =>
        {
            var family = stage.FreshName();
            var name = Within(stage, $"{family}+!$&'()*,;=:@~b/\u00fc");
            await stage.CreateAsync(name);
            var everyByte = string.Concat(Encoding.UTF8.GetBytes(name).Select(octet => $"%{octet:X2}"));
            var tail = "+!$&'()*,;=:@~b";

            stage.Expect.Equal(name, await FetchAsync(stage, family + tail + "%2F%C3%BC"),
                "What need not be encoded stands for itself, the plus sign too");
            stage.Expect.Equal(name, await FetchAsync(stage, family + tail + "%2f%c3%bc"),
                "The case of a hexadecimal digit makes no difference");
            stage.Expect.Equal(name, await FetchAsync(stage, everyByte), "What is encoded needlessly is decoded");
        }),

        new("PS-REST-023", "normalisation-forms-are-two-names", async stage =>
        {
            var family = stage.FreshName();
            string composed = $"{family}\u00e9", decomposed = $"{family}e\u0301";
            await stage.CreateAsync(composed);

            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(Within(stage, decomposed)),
                "The decomposed twin of a name is another name");
            await stage.Rest.DeleteTopicAsync(composed).Succeeded();
            stage.Expect.Sequence([decomposed], await NamesAsync(stage, family), "Deleting one form leaves the other");
        }),

        new("PS-REST-024", "unknown-members", async stage =>
        {
            var name = stage.FreshName();
            var body = $$"""{"retention":{"name":"x","days":[7]},"name":{{Json.Quote(name)}},"NAME":1,"x":null}""";

            stage.Expect.Status(201, await stage.Rest.SendAsync("POST", Rest.TopicsPath, body),
                "Unknown members of a creation are ignored");
            stage.Expect.Sequence([name], await NamesAsync(stage, name), "The topic has the name that name says");
        }),

        new("PS-REST-025", "concurrent-creations", async stage =>
        {
            var rounds = stage.Rounds(Rounds, roundTrips: 3);
            for (var round = 0; round < rounds; round++)
            {
                var name = stage.FreshName();

                var answers = await stage.Rest.RaceAsync(Contenders, "POST", Rest.TopicsPath, Rest.CreateBody(name));

                stage.Expect.Equal(1, answers.Count(answer => answer.Status == 201),
                    $"Of {Contenders} concurrent creations one is answered with 201");
            }
        })
        { IsLengthy = true },

        new("PS-REST-026", "detail-names-field-and-rule", async stage =>
        {
            var details = new List<string>();
            var family = stage.FreshName();
            string[] illegal = [Within(stage, $"{family}\0"), Within(stage, family.PadRight(256, 'x'))];
            string[] bodies = ["{}", """{"name":7}""", """{"name":""}""", .. illegal.Select(Rest.CreateBody)];
            foreach (var body in bodies)
            {
                var answer = await stage.Rest.SendAsync("POST", Rest.TopicsPath, body);
                stage.Require(answer.Status == 400, "the request is answered with 400");

                var detail = answer.Json.Member("detail").Text() ?? "";
                stage.Expect.True(detail.Contains("name", StringComparison.Ordinal), "The detail names the field", answer.Body);
                details.Add(detail);
            }

            stage.Expect.Sequence(details.Distinct(), details, "Each rule has a detail of its own");
        }),

        .. IllegalPaths.Select(illegal => new Scenario("PS-REST-027", $"path-{illegal.Slug}", async stage =>
        {
            string[] methods = ["DELETE", "GET"];
            foreach (var method in methods)
            {
                var answer = await stage.Rest.SendAsync(method, $"{Rest.TopicsPath}/{illegal.Segment}");

                stage.Expect.Status(400, answer, $"{method} of a topic whose name cannot exist is answered with 400");
            }
        })),

        new("PS-REST-028", "unknown-path", async stage =>
        {
            (string, string)[] unknown = [("GET", "/no-such-thing"), ("POST", "/no-such-thing"), ("DELETE", $"{Rest.TopicsPath}-of-nobody/x")];
            foreach (var (method, path) in unknown)
            {
                var answer = await stage.Rest.SendAsync(method, path);

                stage.Expect.Status(404, answer, "An unknown path is answered with 404");
                stage.Expect.Equal("application/problem+json", answer.MediaType, "The answer is a problem document");
                stage.Expect.Equal("NOT_FOUND", answer.Json.Member("code").Text(), "Its code is NOT_FOUND");
            }
        }),

        new("PS-REST-029", "head-is-get-without-a-body", async stage =>
        {
            var topic = await stage.ListedTopicAsync();
            foreach (var path in new[] { Rest.TopicsPath, Rest.TopicPath(topic), Rest.HealthPath, Rest.StatsPath })
            {
                stage.Require((await stage.Rest.SendAsync("GET", path)).Status == 200, $"GET {path} is answered with 200");

                var raw = await stage.RawAsync("monitor", new ConnectOptions { Handshake = false });
                await raw.SendBytesAsync(Encoding.ASCII.GetBytes(
                    $"HEAD {Http.WithQuery(stage.Rest.RequestTarget(path), stage.Target.Query)} HTTP/1.1\r\n{stage.Target.HeaderLines(stage.Target.Rest)}Connection: close\r\n\r\n"));
                var answer = FinalOf(Encoding.Latin1.GetString(await raw.ReadToEndAsync()));

                stage.Expect.Equal("HTTP/1.1 200", answer[..Math.Min(12, answer.Length)], $"HEAD {path} is answered as GET is");
                stage.Expect.True(answer.EndsWith("\r\n\r\n", StringComparison.Ordinal), $"HEAD {path} is answered without a body", answer);
            }
        }),

        new("PS-REST-030", "reads-are-declared-as-json", async stage =>
        {
            await stage.ListedTopicAsync();
            foreach (var path in new[] { Rest.TopicsPath, Rest.HealthPath, Rest.StatsPath })
            {
                var answer = await stage.Rest.SendAsync("GET", path);
                stage.Require(answer.Status == 200, $"GET {path} is answered with 200");

                stage.Expect.Equal("application/json", answer.MediaType, $"The answer to GET {path} is declared as JSON");
            }
        }),
    ];

    /// <summary>The answer behind the interim ones, of which there may be any number (RFC 9110, section 15.2).</summary>
    private static string FinalOf(string answers)
    {
        while (answers.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) && answers.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end and >= 0)
        {
            answers = answers[(end + 4)..];
        }

        return answers;
    }

    /// <summary>Ways to be refused; the code is null where the specification of codes leaves it to the server.</summary>
    private static IEnumerable<(string Slug, int Status, string? Code, Func<Stage, Task<HttpAnswer>> Provoke)> Problems =>
    [
        ("get-unknown-topic", 404, "TOPIC_NOT_FOUND", async stage => await stage.Rest.GetTopicAsync(stage.FreshName())),
        ("delete-unknown-topic", 404, "TOPIC_NOT_FOUND", stage => stage.Rest.DeleteTopicAsync(stage.FreshName())),
        ("create-existing-topic", 409, "TOPIC_EXISTS", async stage => await stage.Rest.CreateTopicAsync(await stage.TopicAsync())),
        ("unparsable-body", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("POST", Rest.TopicsPath, "{")),
        ("missing-name", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("POST", Rest.TopicsPath, "{}")),
        ("illegal-name", 400, "BAD_REQUEST", stage => stage.Rest.CreateTopicAsync(new string('x', 256))),
        ("illegal-name-in-path", 400, "BAD_REQUEST", stage => stage.Rest.DeleteTopicAsync(new string('x', 256))),
        ("invalid-utf-8-in-path", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("DELETE", $"{Rest.TopicsPath}/%FF")),
        ("control-character-in-path", 400, "BAD_REQUEST", stage => stage.Rest.SendAsync("DELETE", $"{Rest.TopicsPath}/%01")),
        ("wrong-content-type", 415, null, stage => CreateAsAsync(stage, stage.FreshName(), "text/plain")),
        ("too-large-body", 413, null, stage =>
        {
            stage.Supports(stage.Target.IsMessageLimitKnown, "a message limit that was found");
            return stage.Rest.SendBytesAsync("POST", Rest.TopicsPath, Padded(stage.FreshName(), stage.Limits.MessageBytes + 1));
        }),
        ("wrong-method", 405, null, stage => stage.Rest.SendAsync("PUT", Rest.TopicsPath)),
        ("unknown-path", 404, null, stage => stage.Rest.SendAsync("GET", "/no-such-thing")),
    ];

    /// <summary>
    /// Legal, each with a character or a look that some layer takes for its own. Those that cannot begin as the suite's names do are made
    /// only where nobody else has made them.
    /// </summary>
    private static IEnumerable<(string Slug, Func<string, string> Name)> OddNames =>
    [
        ("slash", fresh => $"{fresh}/b"),
        ("many-slashes", fresh => $"{fresh}//b/"),
        ("encoded-slash", fresh => $"{fresh}%2Fb"),
        ("percent", fresh => $"{fresh}%100%"),
        ("dot", _ => "."),
        ("dot-dot", _ => ".."),
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
        ("prototype", _ => "__proto__"),
        ("constructor", _ => "constructor"),
    ];

    private static IEnumerable<(string Slug, string Segment)> IllegalPaths =>
    [
        ("with-a-stray-byte", "%FF"),
        ("with-a-broken-sequence", "a%C3%28"),
        ("with-an-overlong-slash", "a%C0%AFb"),
        ("with-an-encoded-surrogate", "%ED%A0%80"),
        ("with-a-lone-percent", "a%"),
        ("with-half-an-escape", "a%2"),
        ("with-letters-for-an-escape", "a%ZZ"),
        ("with-nul", "a%00b"),
        ("with-a-line-break", "a%0D%0Ab"),
        ("with-del", "a%7F"),
        ("with-a-c1-control", "a%C2%85"),
        ("with-256-characters", new string('x', 256)),
        ("with-256-emoji", string.Concat(Enumerable.Repeat("%F0%9F%98%80", 256))),
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

    private static Scenario TooLarge(string slug, Func<Stage, byte[], Task<HttpAnswer>> send) => new("PS-REST-017", slug, async stage =>
    {
        var family = await FamilyAsync(stage);
        stage.Supports(stage.Target.IsMessageLimitKnown, "a message limit that was found");
        var longer = stage.Target.Accommodations.TopicName.Length - "name".Length;
        var fits = Padded(Within(stage, $"{family}-fits"), stage.Limits.MessageBytes - longer);
        await stage.Rest.SendBytesAsync("POST", Rest.TopicsPath, fits).Succeeded();

        var answer = await send(stage, Padded(Within(stage, $"{family}-refused"), stage.Limits.MessageBytes + 1));

        stage.Expect.Status(413, answer, "A body that is larger than the limit is answered with 413");
        stage.Expect.Sequence([family, $"{family}-fits"], await NamesAsync(stage, family),
            "A body that is larger than the limit creates nothing");
    });

    private static async Task LocationAsync(Stage stage, string name)
    {
        var answer = await stage.Rest.CreateTopicAsync(Within(stage, name)).Succeeded();

        var location = answer.Header("Location");
        stage.Expect.True(!string.IsNullOrEmpty(location), "A creation is answered with a Location");
        var there = await stage.Rest.FollowAsync(location!);
        stage.Expect.Status(200, there, "The Location can be fetched");
        stage.Expect.Equal(name, there.Topic, "The Location addresses the topic");
    }

    private static async Task CountAsync(Stage stage, string topic, long expected, string expectation) =>
        await stage.Expect.EventuallyAsync(expected, async () => (await ListAsync(stage)).Of(topic)?.Subscribers, expectation);

    private static Task<HttpAnswer> CreateAsAsync(Stage stage, string name, string contentType) =>
        stage.Rest.SendAsync("POST", Rest.TopicsPath, Rest.CreateBody(name), contentType);

    private static Task<HttpAnswer> AnnounceAsync(Stage stage, long length, Dictionary<string, string?> headers)
    {
        headers["Content-Type"] = "application/json";
        headers["Content-Length"] = $"{length}";
        return stage.Rest.SendAsync("POST", Rest.TopicsPath, headers: headers);
    }

    private static async Task<string?> FetchAsync(Stage stage, string segment) =>
        new TopicAnswer(await stage.Rest.SendAsync("GET", $"{Rest.TopicsPath}/{segment}")).Counts.Name;

    private static Task<TopicsAnswer> ListAsync(Stage stage) => stage.Rest.ListTopicsAsync().Succeeded();

    /// <summary>A topic of its own by which others can be told: what follows it in the listing begins with its name.</summary>
    private static async Task<string> FamilyAsync(Stage stage)
    {
        var family = await stage.TopicAsync("family");
        stage.Require((await NamesAsync(stage, family)) is [var only] && only == family, "the topic is listed");
        return family;
    }

    /// <summary>The listed names with this beginning, in the order of the listing.</summary>
    private static async Task<IReadOnlyList<string>> NamesAsync(Stage stage, string family)
    {
        var list = await ListAsync(stage);
        return [.. (list.Topics ?? []).Select(entry => entry.Name ?? "").Where(name => name.StartsWith(family, StringComparison.Ordinal))];
    }

    /// <summary>The name; should a topic of it come to be, it goes with the scenario.</summary>
    private static string Within(Stage stage, string name)
    {
        stage.Forget(name);
        return name;
    }

    /// <summary>
    /// The answer to a creation. A name that does not begin as the run's own names do may be that of another run, which tries the same
    /// thing just now and soon deletes it; only who has made it deletes it. One that is never listed meanwhile is nobody's.
    /// </summary>
    private static async Task<HttpAnswer> CreateUnclaimedAsync(Stage stage, string fresh, string name)
    {
        if (name.StartsWith(fresh, StringComparison.Ordinal))
        {
            return await stage.Rest.CreateTopicAsync(Within(stage, name));
        }

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
                stage.Require(!isListed, $"nobody else has a topic {name}");
                return answer;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), stage.Time, stage.Cancellation);
        }
    }

    private static byte[] Padded(string name, int length)
    {
        var head = $"{{\"name\":{Json.Quote(name)},\"padding\":\"";
        return Encoding.UTF8.GetBytes($"{head.PadRight(length - 2, 'x')}\"}}");
    }

    private static string Emoji(int count) => string.Concat(Enumerable.Repeat("\U0001f600", count));

    /// <summary>One of the many characters of the supplementary ideographic plane: nobody else is likely to have it.</summary>
    private static string OneCharacter(string fresh) =>
        char.ConvertFromUtf32(0x20000 + (fresh.Aggregate(17, (sum, letter) => (sum * 31 + letter) & 0xffffff) % 0xa000));
}
