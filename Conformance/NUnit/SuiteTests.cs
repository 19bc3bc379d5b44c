using System.Net.WebSockets;
using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>What the suite promises its users, tested against servers of a few lines.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SuiteTests
{
    private static readonly Target Nowhere = Target.From(new Uri("http://127.0.0.1:9"));

    private static IEnumerable<TestCaseData> Undecided =>
    [
        new TestCaseData((Stage _) => Task.CompletedTask, Verdict.Error).SetArgDisplayNames("without_a_decisive_check"),
        new TestCaseData(Task (Stage _) => throw new InvalidOperationException("a bug"), Verdict.Error).SetArgDisplayNames("with_a_bug"),
        new TestCaseData(Task (Stage stage) => stage.TopicAsync(), Verdict.Inconclusive).SetArgDisplayNames("whose_precondition_fails"),
    ];

    [TestCaseSource(nameof(Undecided))]
    public async Task A_scenario_without_a_decision_does_not_pass(Func<Stage, Task> body, Verdict verdict) =>
        Assert.That((await RunAsync(Nowhere, body)).Verdict, Is.EqualTo(verdict));

    [TestCase(Level.Must, Verdict.Fail)]
    [TestCase(Level.MustNot, Verdict.Fail)]
    [TestCase(Level.Should, Verdict.Warn)]
    [TestCase(Level.ShouldNot, Verdict.Warn)]
    public async Task A_violated_MUST_fails_and_a_violated_SHOULD_warns(Level level, Verdict verdict)
    {
        var outcome = await RunAsync(Nowhere, Decide, level);

        Assert.That(outcome.Verdict, Is.EqualTo(verdict));
        Assert.That(outcome.ToStory(), Does.Contain("The sentence.").And.Contain("one is two").And.Contain("expected     1"));

        static Task Decide(Stage stage)
        {
            stage.Expect.Equal(1, 2, "one is two");
            return Task.CompletedTask;
        }
    }

    [TestCase(Level.Must, Level.Must, Verdict.Fail)]
    [TestCase(Level.Should, Level.Should, Verdict.Warn)]
    [TestCase(Level.Must, Level.Should, Verdict.Inconclusive)]
    public async Task A_failed_precondition_fails_the_scenario_only_if_it_is_the_requirement_under_test(
        Level own, Level broken, Verdict verdict)
    {
        var outcome = await RunAsync(Nowhere, _ => throw new Inconclusive("the publish is refused", Script.IdOf(broken)), own);

        Assert.That(outcome.Verdict, Is.EqualTo(verdict));
        Assert.That(outcome.Blames, Is.EqualTo(own == broken ? null : Script.IdOf(broken)));
        Assert.That(outcome.Message, Does.Contain("the publish is refused"));
    }

    private static IEnumerable<TestCaseData> Refused =>
    [
        new TestCaseData((Client client) => client.PublishAllAsync("t", ["m1"]), "PS-PUB-001").SetArgDisplayNames("publish"),
        new TestCaseData((Client client) => client.PublishAllAsync("t", ["m1"], "0"), "PS-PUB-004").SetArgDisplayNames("publish_0"),
        new TestCaseData((Client client) => client.SubscribeAsync("t").Acked(), "PS-SUB-001").SetArgDisplayNames("subscribe"),
        new TestCaseData((Client client) => client.SubscribeAsync("t", lastN: 1_000).Acked(), "PS-RPL-005")
            .SetArgDisplayNames("large_last_n"),
        new TestCaseData((Client client) => client.UnsubscribeAsync("t").Acked(), "PS-UNS-001").SetArgDisplayNames("unsubscribe"),
        new TestCaseData((Client client) => client.RequestAsync(Request.Publish("t", "m1").With("more", "1")).Acked(), null)
            .SetArgDisplayNames("a_request_with_more"),
        new TestCaseData((Client client) => client.NextEventAsync().Given("the event comes"), "PS-FAN-001").SetArgDisplayNames("no_event"),
        new TestCaseData((Client client) => client.RequestAsync("mute").Given("it is answered"), "PS-ENV-007")
            .SetArgDisplayNames("no_reply"),
    ];

    [TestCaseSource(nameof(Refused))]
    public async Task A_failed_precondition_names_the_broken_requirement(Func<Client, Task> precondition, string? broken)
    {
        await using var refusing = TinyServer.Speaking(async (socket, stopping) =>
        {
            while (await TinyServer.HearAsync(socket, stopping) is { } heard)
            {
                if (heard != "mute")
                {
                    await TinyServer.SayAsync(socket, """{"type":"error","error":{"code":"BAD_REQUEST","message":"no"}}""", stopping);
                }
            }
        });

        var outcome = await RunAsync(refusing.Target, async stage => await precondition(await stage.ConnectAsync("client")));

        Assert.That((outcome.Verdict, outcome.Blames), Is.EqualTo((Verdict.Inconclusive, broken)), outcome.Message);
    }

    [Test]
    public async Task A_scenario_that_needs_a_launcher_is_unsupported_without_one()
    {
        var settings = new Dictionary<string, string> { ["PORT"] = "0" };
        var scenario = new Scenario(Script.IdOf(Level.Must), "launched", _ => Task.CompletedTask) { Launch = settings };

        var outcome = await new Runner(Script.Catalogue, Nowhere).RunAsync(scenario);

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Unsupported));
        Assert.That(outcome.Message, Does.Contain("needs a launcher"));
    }

    [Test]
    public async Task A_target_that_never_answers_fails_within_10_seconds()
    {
        await using var silent = new TinyServer((_, _, stopping) => Task.Delay(Timeout.Infinite, stopping));

        var outcome = await RunAsync(silent.Target, async stage =>
            stage.Expect.Status(200, await stage.Rest.HealthAsync(), "health answers"));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Fail));
        Assert.That(outcome.Observed, Does.Contain("none within 0.5 s"));
        Assert.That(outcome.Duration, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    [Test]
    public async Task A_missing_reply_is_a_violation_that_shows_what_arrived_instead()
    {
        await using var babbling = TinyServer.Speaking(async (socket, stopping) =>
        {
            await TinyServer.HearAsync(socket, stopping);
            await TinyServer.SayAsync(socket, """{"type":"info","msg":"hello"}""", stopping);
            await Task.Delay(Timeout.Infinite, stopping);
        });

        var outcome = await RunAsync(babbling.Target, async stage =>
        {
            var client = await stage.ConnectAsync("client");
            stage.Expect.Acked(await client.SubscribeAsync("orders"), "a subscribe is acked");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Fail));
        Assert.That(outcome.Observed, Does.Contain("silence").And.Contain("hello"));
    }

    [Test]
    public async Task Silence_without_the_sentinel_does_not_prove_absence()
    {
        await using var deaf = TinyServer.Speaking(AckEverythingAsync);

        var outcome = await RunAsync(deaf.Target, async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await subscriber.ReceivesNothingAsync(subscriber, topic, "nothing arrives");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Inconclusive));
        Assert.That(outcome.Message, Does.Contain("the sentinel reaches subscriber"));
    }

    [Test]
    public async Task A_duplicate_event_is_named()
    {
        await using var stuttering = TinyServer.Speaking(async (socket, stopping) =>
        {
            while (await TinyServer.HearAsync(socket, stopping) is { } request)
            {
                await TinyServer.SayAsync(socket, AckOf(request), stopping);
                if (request.Contains("\"publish\"", StringComparison.Ordinal))
                {
                    await TinyServer.SayAsync(socket, EventOf(request), stopping);
                    await TinyServer.SayAsync(socket, EventOf(request), stopping);
                }
            }
        });

        var outcome = await RunAsync(stuttering.Target, async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await subscriber.PublishAllAsync(topic, ["m1", "m2"]);
            await subscriber.ReceivesExactlyAsync(["m1", "m2"], subscriber, topic, "each message arrives once");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Fail));
        Assert.That(outcome.Observed, Does.Contain("duplicated [m1, m2]"));
    }

    [Test]
    public async Task Messages_that_one_wait_skips_are_kept_for_the_next()
    {
        await using var server = TinyServer.Speaking(async (socket, stopping) =>
        {
            await TinyServer.SayAsync(socket, """{"type":"info","msg":"first"}""", stopping);
            await TinyServer.SayAsync(
                socket, """{"type":"event","topic":"a","message":{"id":"e1","payload":  [1.0, "\u0041"] }}""", stopping);
            await TinyServer.SayAsync(socket, AckOf((await TinyServer.HearAsync(socket, stopping))!), stopping);
            await socket.CloseAsync(WebSocketCloseStatus.PolicyViolation, "enough", stopping);
        });

        var outcome = await RunAsync(server.Target, async stage =>
        {
            var client = await stage.ConnectAsync("client");
            stage.Expect.Acked(await client.PingAsync(), "the ping is answered");
            var @event = await client.NextEventAsync("a");
            stage.Expect.Equal("""[1.0, "\u0041"]""", @event.Payload, "the payload is kept as it was written");
            stage.Expect.JsonEqual("""[1, "A"]""", @event.Payload, "and is equal as a value");
            stage.Expect.Sequence(["first"], client.Unread.Select(message => message.Notice!), "the notice is still unread");
            stage.Expect.Equal(
                new Closure(1008, "enough", true, "the end of the TCP stream"), await client.ClosedAsync(), "the close is reported");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
    }

    [Test]
    public async Task The_raw_client_round_trips_frames_of_every_length_also_fragmented_and_in_pieces()
    {
        await using var echo = TinyServer.Speaking(async (socket, stopping) =>
        {
            while (await TinyServer.HearAsync(socket, stopping) is { } text)
            {
                var half = text.Length / 2;
                await socket.SendAsync(Encoding.UTF8.GetBytes(text[..half]), WebSocketMessageType.Text, false, stopping);
                await socket.SendAsync(Encoding.UTF8.GetBytes(text[half..]), WebSocketMessageType.Text, true, stopping);
            }
        });

        var outcome = await RunAsync(echo.Target, async stage =>
        {
            var raw = await stage.RawAsync("raw");
            foreach (var length in (int[])[0, 1, 125, 126, 127, 65535, 65536, 100_000])
            {
                var text = new string('x', length);
                await raw.SendTextAsync(text);
                stage.Expect.Equal(text, (await raw.ReadMessageAsync()).Raw, $"{length} bytes come back");
            }

            await raw.SendAsync(Network.Frame.Fragments("one, ", "two, ", "three"));
            stage.Expect.Equal("one, two, three", (await raw.ReadMessageAsync()).Raw, "fragments are one message");
            await raw.SendInPiecesAsync(Network.Frame.Text("in pieces").Encode(), 1);
            var first = await raw.ReadFrameAsync();
            stage.Expect.Equal(false, first?.Final, "single frames can be read");
            stage.Expect.Equal("in p", first?.TextPayload, "with their payload");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
    }

    [Test]
    public async Task A_close_frame_on_a_connection_that_stays_open_is_reported()
    {
        await using var lingering = TinyServer.Speaking(async (socket, stopping) =>
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", stopping);
            await Task.Delay(Timeout.Infinite, stopping);
        });

        var outcome = await RunAsync(lingering.Target, async stage => await (await stage.ConnectAsync("client")).ClosedAsync());

        Assert.That(outcome.Observed, Does.Contain("a close frame 1000, but an open TCP connection"));
    }

    [Test]
    public async Task Request_targets_are_sent_byte_for_byte_and_chunked_answers_are_read_whole()
    {
        var seen = new TaskCompletionSource<string>();
        await using var server = new TinyServer(async (head, stream, stopping) =>
        {
            seen.TrySetResult(head.Split("\r\n")[0]);
            const string Chunks = "5\r\n{\"cod\r\n8;x=y\r\ne\":\"X1\"}\r\n0\r\n\r\n";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n{Chunks}"), stopping);
        });

        var outcome = await RunAsync(server.Target, async stage =>
        {
            var answer = await stage.Rest.SendAsync("DELETE", "/topics/a%2Fb/%2E%2E/../c");
            stage.Expect.Status(404, answer, "the status is read");
            stage.Expect.Equal("X1", answer.ErrorCode, "the body is read");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        Assert.That(await seen.Task, Is.EqualTo("DELETE /v1/topics/a%2Fb/%2E%2E/../c HTTP/1.1"));
    }

    [Test]
    public void The_accept_value_is_that_of_the_example_in_RFC_6455() =>
        Assert.That(RawClient.AcceptFor("dGhlIHNhbXBsZSBub25jZQ=="), Is.EqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));

    [Test]
    public void Any_member_of_a_request_can_be_changed_or_left_out()
    {
        var publish = Request.Publish("a\"b", "m1", "[1]").WithRequestId("r");

        Assert.That(
            publish.ToString(),
            Is.EqualTo("""{"type":"publish","topic":"a\"b","message":{"id":"m1","payload":[1]},"request_id":"r"}"""));
        Assert.That(
            publish.Without("message.id").Without("topic").With("request_id", "7").ToString(),
            Is.EqualTo("""{"type":"publish","message":{"payload":[1]},"request_id":7}"""));
        Assert.That(publish.With("message", "null").ToString(), Does.Contain("\"message\":null"));
        Assert.That(publish.With("request_id", "7").IsAnonymous, Is.True);
    }

    private static Task<Outcome> RunAsync(Target target, Func<Stage, Task> body, Level level = Level.Must) =>
        new Runner(Script.Catalogue, target).RunAsync(new Scenario(Script.IdOf(level), "sample", body));

    private static async Task AckEverythingAsync(WebSocket socket, CancellationToken stopping)
    {
        while (await TinyServer.HearAsync(socket, stopping) is { } request)
        {
            await TinyServer.SayAsync(socket, AckOf(request), stopping);
        }
    }

    private static string AckOf(string request)
    {
        using var json = System.Text.Json.JsonDocument.Parse(request);
        return $$"""{"type":"ack","status":"ok","request_id":"{{json.RootElement.GetProperty("request_id").GetString()}}"}""";
    }

    private static string EventOf(string request)
    {
        using var json = System.Text.Json.JsonDocument.Parse(request);
        var topic = json.RootElement.GetProperty("topic").GetRawText();
        return $$"""{"type":"event","topic":{{topic}},"message":{{json.RootElement.GetProperty("message").GetRawText()}}}""";
    }
}
