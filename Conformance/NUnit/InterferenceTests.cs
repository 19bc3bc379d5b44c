using System.ComponentModel;
using System.Net.Sockets;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Failures of the machine, the network or a gateway are not reported as failures of the server.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class InterferenceTests
{
    private static readonly Exception OutOfDescriptors = new SocketException((int)SocketError.TooManyOpenSockets);

    private static IEnumerable<TestCaseData> Failures =>
    [
        Case(OutOfDescriptors, InterferenceKind.Machine, "EMFILE"),
        Case(new IOException("in a stream", OutOfDescriptors), InterferenceKind.Machine, "EMFILE"),
        Case(new SocketException((int)SocketError.AddressNotAvailable), InterferenceKind.Machine, "EADDRNOTAVAIL"),
        Case(new SocketException((int)SocketError.NoBufferSpaceAvailable), InterferenceKind.Machine, "ENOBUFS"),
        Case(new SocketException((int)SocketError.AccessDenied), InterferenceKind.Machine, "EACCES"),
        Case(new Win32Exception(24), InterferenceKind.Machine, "EMFILE"),
        Case(new Win32Exception(11), InterferenceKind.Machine, "EAGAIN"),
        Case(new IOException("disk full", 28), InterferenceKind.Machine, "ENOSPC"),
        Case(new InsufficientMemoryException(), InterferenceKind.Machine, "ENOMEM"),
        Case(new SocketException((int)SocketError.NetworkDown), InterferenceKind.Network, "cannot be reached"),
        Case(new SocketException((int)SocketError.NetworkUnreachable), InterferenceKind.Network, "cannot be reached"),
        Case(new SocketException((int)SocketError.HostUnreachable), InterferenceKind.Network, "cannot be reached"),
        Case(new SocketException((int)SocketError.TryAgain), InterferenceKind.Network, "cannot be resolved"),
        Case(new SocketException((int)SocketError.HostNotFound), InterferenceKind.Network, "cannot be resolved"),
    ];

    [TestCaseSource(nameof(Failures))]
    public void A_failure_of_the_machine_or_the_network_names_its_limit(Exception failure, InterferenceKind kind, string word)
    {
        var interference = Interference.Of(failure);
        Assert.That(interference?.Kind, Is.EqualTo(kind));
        Assert.That(interference?.Message, Does.Contain(word));
    }

    [TestCase(SocketError.ConnectionRefused)]
    [TestCase(SocketError.ConnectionReset)]
    [TestCase(SocketError.TimedOut)]
    public void A_failure_of_the_server_is_no_interference(SocketError error) =>
        Assert.That(Interference.Of(new SocketException((int)error)), Is.Null);

    [Test]
    public async Task A_scenario_without_a_descriptor_runs_again_and_passes()
    {
        await using var server = new MortalServer();
        var begun = 0;

        var outcome = await new Runner(Script.Catalogue, server.Target()).RunAsync(Script.Scene("short", stage =>
            ++begun == 1 ? throw OutOfDescriptors : Script.AskAsync(stage)));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass));
        Assert.That(begun, Is.EqualTo(2));
    }

    [Test]
    public async Task A_scenario_that_never_gets_a_descriptor_is_inconclusive()
    {
        await using var server = new MortalServer();

        var outcome = await new Runner(Script.Catalogue, server.Target()).RunAsync(Script.Scene("short", _ => throw OutOfDescriptors));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Inconclusive));
        Assert.That(outcome.Message, Does.Contain("EMFILE").And.Contain("not the server's doing"));
    }

    [Test]
    public async Task A_gateway_that_keeps_refusing_is_named_and_the_verdict_is_inconclusive()
    {
        await using var server = new SmallServer(Refuses(number => true, 503));

        var outcome = await RunAsync(server, async stage => await stage.Rest.CreateTopicAsync(stage.FreshName()));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Inconclusive));
        Assert.That(outcome.Message, Does.Contain("gateway").And.Contain("503"));
    }

    [TestCase(429, 2)]
    [TestCase(503, 2)]
    [TestCase(504, 3)]
    [TestCase(522, 3)]
    public async Task A_creation_is_repeated_only_if_the_server_cannot_have_received_it(int status, int requests)
    {
        var seen = 0;
        await using var server = new SmallServer(Refuses(number => (seen = number) == 1, status));

        var outcome = await RunAsync(server, async stage =>
        {
            var name = stage.FreshName();
            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(name), "a topic is created");

            // Otherwise the whole scenario runs again, and the deletion of its topic is one request more.
            stage.Expect.Equal(requests, seen, "so many requests were made");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.Message);
    }

    [TestCase("POST", 2)]
    [TestCase("DELETE", 2)]
    [TestCase("GET", 1)]
    public async Task Only_the_whole_scenario_repeats_a_request_that_an_unavailable_server_may_have_carried_out(string method, int runs)
    {
        var (seen, begun) = (0, 0);
        await using var server = new SmallServer(Unavailable(number => (seen = number) == 1));

        var outcome = await RunAsync(server, async stage =>
        {
            begun++;
            var answer = await stage.Rest.SendAsync(method, "/topics/nowhere");
            stage.Expect.True(answer.Status is 404 or 405, "the server itself answers", $"{answer}");
        });

        Assert.That((outcome.Verdict, begun, seen), Is.EqualTo((Verdict.Pass, runs, 2)), outcome.Message);
    }

    [Test]
    public async Task A_server_that_stays_unavailable_is_not_blamed()
    {
        await using var server = new SmallServer(Unavailable(_ => true));

        var outcome = await RunAsync(server, async stage =>
            stage.Expect.Status(201, await stage.Rest.CreateTopicAsync(stage.FreshName()), "a topic is created"));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Inconclusive));
        Assert.That(outcome.Message, Does.Contain("503 UNAVAILABLE. That is allowed, and nothing is decided"));
    }

    [TestCase("UNAVAILABLE", 1, Verdict.Pass)]
    [TestCase("UNAVAILABLE", int.MaxValue, Verdict.Inconclusive)]
    [TestCase("MISSED_EVENTS", 1, Verdict.Pass)]
    [TestCase("MISSED_EVENTS", int.MaxValue, Verdict.Inconclusive)]
    [TestCase("INTERNAL", 1, Verdict.Fail)]
    public async Task An_error_that_reports_an_outage_decides_nothing(string code, int times, Verdict verdict)
    {
        var published = 0;
        await using var server = new SmallServer(server => server.EachSession(session => session.Publish.Wrap(next => (topic, request) =>
        {
            if (Interlocked.Increment(ref published) > times)
            {
                return next(topic, request);
            }

            // The error of a request has its request_id; a subscriber that missed events is closed.
            var isReply = code != "MISSED_EVENTS";
            var error = server.Messages.Error.Call(code, "redis is away", isReply ? request.RawRequestId : null);
            session.Queue.Finish.Call(error, 1012, "try again");
            return true;
        })));

        var outcome = await RunAsync(server, async stage =>
        {
            var topic = await stage.TopicAsync();
            var client = await stage.SubscriberAsync("client", topic);
            stage.Expect.Acked(await client.PublishAsync(topic, "m"), "a publish is acked");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(verdict), outcome.Message);
        Assert.That(outcome.Message.Contains(code, StringComparison.Ordinal), Is.EqualTo(verdict != Verdict.Pass));
    }

    [Test]
    public async Task A_stream_that_ends_because_events_may_be_missing_decides_nothing()
    {
        var streams = 0;
        await using var server = new SmallServer(server => server.Stream.EachQueue.Wrap(next => (topic, queue) =>
        {
            next(topic, queue);
            if (Interlocked.Increment(ref streams) == 1)
            {
                queue.Finish.Call(server.Messages.Error.Call("MISSED_EVENTS", "events may be missing", null), 1012, "");
            }
        }));

        var outcome = await RunAsync(server, async stage =>
        {
            var topic = await stage.TopicAsync();
            var stream = await stage.StreamAsync("stream", topic);
            await stage.Rest.PublishAsync(topic, ("m", "{}")).Succeeded();
            stage.Expect.Equal("m", (await stream.NextEventAsync()).MessageId, "the event arrives");
        });

        Assert.That((outcome.Verdict, streams), Is.EqualTo((Verdict.Pass, 2)), outcome.Message);
    }

    [Test]
    public async Task A_handshake_that_a_gateway_refuses_is_repeated()
    {
        await using var server = new SmallServer(Refuses(number => number <= 2, 429));

        var outcome = await RunAsync(server, async stage =>
        {
            var raw = await stage.RawAsync("client", new ConnectOptions { Handshake = false });
            stage.Expect.Status(101, await raw.HandshakeAsync(), "the handshake succeeds");
        });

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.Message);
    }

    [TestCase("7", 7)]
    [TestCase("Thu, 01 Jan 1970 00:01:00 GMT", 60)]
    [TestCase("Wed, 31 Dec 1969 00:00:00 GMT", 0)]
    [TestCase("soon", null)]
    [TestCase("-1", null)]
    public void Retry_After_is_seconds_or_a_date(string text, int? seconds)
    {
        var answer = new HttpAnswer(429, "", [new("Retry-After", text)], []);
        Assert.That(Gateway.RetryAfter(answer, DateTimeOffset.UnixEpoch)?.TotalSeconds, Is.EqualTo((double?)seconds));
    }

    private static TestCaseData Case(Exception failure, InterferenceKind kind, string word) =>
        new TestCaseData(failure, kind, word).SetArgDisplayNames($"{failure.GetType().Name} {word} {failure.Message}");

    private static Change Refuses(Func<int, bool> which, int status) => server =>
    {
        var requests = 0;
        server.AnswerAsync.Wrap(next => (request, stopping) => which(Interlocked.Increment(ref requests))
            ? Task.FromResult(new HttpResponse(status, "not now", "text/plain") { KeepsAlive = false })
            : next(request, stopping));
    };

    private static Change Unavailable(Func<int, bool> which) => server =>
    {
        var requests = 0;
        server.AnswerAsync.Wrap(next => (request, stopping) => which(Interlocked.Increment(ref requests))
            ? Task.FromResult(server.Messages.Problem.Call(503, "UNAVAILABLE", "redis is away") with { KeepsAlive = false })
            : next(request, stopping));
    };

    private static Task<Outcome> RunAsync(SmallServer server, Func<Stage, Task> body) =>
        new Runner(Script.Catalogue, Target.From(server.Origin)).RunAsync(Script.Scene("gateway", body));
}
