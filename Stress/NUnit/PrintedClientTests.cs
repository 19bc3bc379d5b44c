using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using PubSub.PropertyTests.Wire;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Tests;

/// <summary>
/// The clients that README.md prints lose nothing, double nothing and keep the order while their connections are cut, and say where
/// something was lost.
/// </summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class PrintedClientTests
{
    private const string Missing = "notice Events may be missing here.";
    private const int Ring = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private PubSubContender _host = null!;
    private PubSubContender _forgetful = null!;

    [OneTimeSetUp]
    public void StartHosts()
    {
        _host = HostTests.Start(new() { ["MAX_MESSAGES"] = "10000", ["ALLOWED_ORIGINS"] = "*" });
        _forgetful = HostTests.Start(new() { ["MAX_MESSAGES"] = $"{Ring}", ["ALLOWED_ORIGINS"] = "*" });
    }

    [OneTimeTearDown]
    public void StopHosts()
    {
        _host.Dispose();
        _forgetful.Dispose();
    }

    [TestCase(PrintedClient.CSharp)]
    [TestCase(PrintedClient.JavaScript)]
    public void The_code_has_at_most_15_lines_of_at_most_150_columns(string kind)
    {
        var lines = PrintedClient.Code(kind).TrimEnd('\n').Split('\n');

        Assert.That(lines, Has.Length.InRange(5, 15));
        Assert.That(lines, Has.All.Length.LessThanOrEqualTo(150));
    }

    [TestCase(PrintedClient.CSharp)]
    [TestCase(PrintedClient.JavaScript)]
    [TestCase(PrintedClient.Page, Category = "Browser", Explicit = true, Reason = "It takes a minute: ci/browser.")]
    [TestCase(PrintedClient.EventSource, Category = "Browser", Explicit = true, Reason = "It takes a minute: ci/browser.")]
    public void A_client_loses_nothing_while_its_connections_are_cut(string kind) =>
        Assert.That(Follow(kind, PrintedClient.Code(kind)), Is.Empty);

    [TestCase(PrintedClient.CSharp, "Bytes(request)", "Bytes(new { type = \"subscribe\", topic, client_id = \"reader\" })", "lost untold")]
    [TestCase(PrintedClient.CSharp, "??=", "=", "lost untold")]
    [TestCase(PrintedClient.CSharp, "request[\"since\"] = $\"{said[\"timestamp\"]}\";", "", "doubled")]
    [TestCase(PrintedClient.JavaScript, ", ...position }))", " }))", "lost untold")]
    [TestCase(PrintedClient.JavaScript, "{ since, epoch: said.epoch, ...position }", "{ since, epoch: said.epoch }", "lost untold")]
    [TestCase(PrintedClient.JavaScript, "position = { since, epoch }", "0", "doubled")]
    public void A_wrong_client_is_found_out(string kind, string part, string by, string problem)
    {
        var code = PrintedClient.Code(kind);

        Assert.That(code, Does.Contain(part));
        var problems = Follow(kind, code.Replace(part, by, StringComparison.Ordinal), isWrong: true);
        Assert.That(problems, Has.Some.Contains(problem));
    }

    [TestCase(PrintedClient.CSharp)]
    [TestCase(PrintedClient.JavaScript)]
    [TestCase(PrintedClient.Page, Category = "Browser", Explicit = true, Reason = "It takes a minute: ci/browser.")]
    [TestCase(PrintedClient.EventSource, Category = "Browser", Explicit = true, Reason = "It takes a minute: ci/browser.")]
    public void A_loss_is_told_where_the_ring_was_too_short_and_where_the_topic_is_a_new_one(string kind)
    {
        RequireProgram(kind);
        var topic = $"printed-{Guid.NewGuid():N}";
        _forgetful.CreateTopic(topic);
        using var relay = new CuttingRelay(_forgetful.Url, () => null);
        using var client = new PrintedClient(kind, PrintedClient.Code(kind), relay.Port, topic);
        using var loop = new Loop();
        var publisher = _forgetful.Open(loop, payloadBytes: 20);
        publisher.PublishTo(topic);
        AwaitSubscriber(_forgetful, topic);

        Publish(1, 10);
        Await(client, () => client.Lines.Count == 10, "10 events");
        relay.Close();
        Publish(11, 100);
        relay.Open();
        Await(client, () => client.Lines.Count == 11 + Ring, $"a notice and {Ring} events");
        relay.Close();
        _forgetful.DeleteTopic(topic);
        _forgetful.CreateTopic(topic);
        publisher = _forgetful.Open(loop, payloadBytes: 20);
        publisher.PublishTo(topic);
        Publish(101, 110);
        relay.Open();
        Await(client, () => client.Lines.Count == 11 + Ring + 11, "a notice and 10 events");

        Assert.That(client.Lines, Is.EqualTo((string[])
        [
            .. Events(1, 10),
            Missing,
            .. Events(101 - Ring, 100),
            Missing,
            .. Events(101, 110),
        ]));

        void Publish(int first, int last)
        {
            for (var id = first; id <= last; id++)
            {
                publisher.Publish(id);
            }

            publisher.Flush();
            loop.Until(() => publisher.Unanswered == 0, Patience, "for the publishes to be answered");
        }
    }

    /// <summary>
    /// Lets a client follow a topic from before it exists, through a relay that cuts each connection somewhere, while the topic is
    /// published to.
    /// </summary>
    /// <returns>What the client did wrong.</returns>
    private List<string> Follow(string kind, string code, bool isWrong = false)
    {
        // Every other connection is cut near the ack, where a client that takes a position from there would lose what follows. An
        // EventSource waits for seconds before it connects again, and does not come back after a 404.
        var waitsForTopic = kind != PrintedClient.EventSource;
        var connections = isWrong ? 60 : waitsForTopic ? 16 : 8;
        RequireProgram(kind);
        var random = TestContext.CurrentContext.Random;
        var (cuts, cut) = (false, 0);
        var topic = $"printed-{Guid.NewGuid():N}";
        using var relay = new CuttingRelay(_host.Url, () =>
            !Volatile.Read(ref cuts) ? null : ++cut % 2 == 0 ? 250 + (12 * cut) : random.Next(500, 20_000));
        relay.Close();
        using var client = new PrintedClient(kind, code, relay.Port, topic);
        Await(client, () => relay.Accepted > 0, "a first attempt to connect"); // at which a WebSocket of Node.js 20 may just go silent
        if (!waitsForTopic)
        {
            _host.CreateTopic(topic);
        }

        relay.Open();
        if (waitsForTopic)
        {
            Await(client, () => client.Lines.Any(line => line.Contains("TOPIC_NOT_FOUND", StringComparison.Ordinal)), "a notice");
            _host.CreateTopic(topic);
        }

        using var loop = new Loop();
        var publisher = _host.Open(loop, payloadBytes: 20);
        publisher.PublishTo(topic);
        var published = 0;
        AwaitSubscriber(_host, topic);
        Publish();
        Await(client, () => client.Lines.Contains(Event(1)), "the first event"); // now it has a position

        Volatile.Write(ref cuts, true);
        relay.Close();
        relay.Open();
        Await(
            client,
            () => Publish() && (relay.Accepted >= connections || (isWrong && Problems().Count > 0)),
            $"{connections} connections");
        Volatile.Write(ref cuts, false);
        relay.Close();
        relay.Open();
        var last = published;
        Await(client, () => Publish() && client.Lines.Any(line => Id(line) > last), "an event after the last cut");
        return Problems();

        List<string> Problems() => [.. Judge(client.Lines.SkipWhile(line => line != Event(1)))];

        bool Publish()
        {
            publisher.Publish(++published);
            publisher.Flush();
            loop.For(TimeSpan.FromMilliseconds(5));
            return true;
        }
    }

    /// <summary>Finds what is doubled, out of order, lost untold, or told to be lost although nothing is.</summary>
    private static IEnumerable<string> Judge(IEnumerable<string> lines)
    {
        var (seen, told) = (0L, false);
        foreach (var line in lines)
        {
            if (line == Missing)
            {
                told = true;
            }
            else if (Id(line) is not { } id)
            {
                yield return $"unexpected: {line}";
            }
            else if (id <= seen)
            {
                yield return $"doubled or out of order: {id} after {seen}";
            }
            else
            {
                if (told != id > seen + 1)
                {
                    yield return told ? $"told a loss before {id}, which follows {seen}" : $"lost untold: {seen + 1} to {id - 1}";
                }

                (seen, told) = (id, false);
            }
        }
    }

    private static string Event(long id) => $"event {Digits.Text(id)}";

    private static IEnumerable<string> Events(int first, int last) => Enumerable.Range(first, last - first + 1).Select(id => Event(id));

    private static long? Id(string line) =>
        line.StartsWith("event ", StringComparison.Ordinal) && long.TryParse(line.AsSpan(6), CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    private static void RequireProgram(string kind)
    {
        if (PrintedClient.Lacks(kind) is { } reason)
        {
            Assert.Ignore(reason);
        }
    }

    private static void AwaitSubscriber(PubSubContender server, string topic)
    {
        while (server.CountSubscribers(topic).GetAwaiter().GetResult() == 0)
        {
        }
    }

    private static void Await(PrintedClient client, Func<bool> done, string what)
    {
        using var never = new ManualResetEventSlim();
        var start = Stopwatch.GetTimestamp();
        while (!done())
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                Assert.Fail(
                    $"Still waiting for {what} after {Patience.TotalSeconds:0} s.\n{string.Join('\n', client.Lines)}\n{client.Other}");
            }

            never.Wait(5);
        }
    }
}
