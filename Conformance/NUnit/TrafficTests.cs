using NUnit.Framework;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Connections and bytes are counted once, per scenario and per run, and only for the target.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TrafficTests
{
    [Test]
    public async Task Every_connection_and_every_byte_is_counted_for_the_scenario_and_for_the_run()
    {
        await using var server = new MortalServer();
        var runner = new Runner(Script.Catalogue, server.Target());

        var one = await runner.RunAsync(Script.Asks("one"));
        var both = await runner.RunAsync(Script.Scene("both", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            var another = await stage.ConnectAsync("another");
            await client.PingAsync();
            await client.DisposeAsync();
            await another.PingAsync();
            await stage.ConnectAsync("third");
            await Script.AskAsync(stage);
        }));

        Assert.That((one.Traffic!.Connections, one.Traffic.MostOpen), Is.EqualTo((1, 1)));
        Assert.That((both.Traffic!.Connections, both.Traffic.MostOpen), Is.EqualTo((4, 3)));
        Assert.That((runner.Traffic.Connections, runner.Traffic.MostOpen), Is.EqualTo((5, 3)));
        Assert.That(runner.Traffic.BytesSent, Is.EqualTo(one.Traffic.BytesSent + both.Traffic.BytesSent).And.GreaterThan(200));
        Assert.That(runner.Traffic.BytesReceived, Is.EqualTo(one.Traffic.BytesReceived + both.Traffic.BytesReceived).And.GreaterThan(200));
    }

    [Test]
    public async Task Bytes_are_counted_as_on_the_wire()
    {
        const string Answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
        await using var server = new TinyServer(
            async (_, stream, stopping) => await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Answer), stopping));

        var outcome = await new Runner(Script.Catalogue, server.Target).RunAsync(Script.Scene("raw", async stage =>
            stage.Expect.Status(200, await stage.Rest.SendRawAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray()), "it answers")));

        Assert.That((outcome.Traffic!.BytesSent, outcome.Traffic.BytesReceived), Is.EqualTo((18L, (long)Answer.Length)));
    }

    [Test]
    public async Task Servers_that_a_scenario_starts_itself_do_not_count()
    {
        await using var server = new MortalServer();
        await using var own = new MortalServer();
        var runner = new Runner(Script.Catalogue, server.Target());

        var outcome = await runner.RunAsync(Script.Scene("elsewhere", async stage =>
        {
            stage.Expect.Status(200, await stage.RestAt(own.Target()).HealthAsync(), "the other server answers");
            await stage.ConnectAsync("client", new ConnectOptions { Target = own.Target() });
        }));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        Assert.That((runner.Traffic.Connections, runner.Traffic.BytesSent, runner.Traffic.BytesReceived), Is.EqualTo((0L, 0L, 0L)));
    }

    [Test]
    public async Task A_connection_is_not_open_after_any_kind_of_end()
    {
        await using var server = new MortalServer();
        var runner = new Runner(Script.Catalogue, server.Target());

        for (var n = 0; n < 3; n++)
        {
            var outcome = await runner.RunAsync(Script.Scene("endings", async stage =>
            {
                await (await stage.ConnectAsync("polite")).CloseAsync();
                (await stage.ConnectAsync("rude")).Abort();
                var twice = await stage.ConnectAsync("twice");
                twice.Abort();
                await twice.DisposeAsync();
                await twice.DisposeAsync();
                stage.Expect.True(true, "all have left");
            }));
            Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        }

        Assert.That(
            (runner.Traffic.Connections, runner.Traffic.MostOpen),
            Is.EqualTo((9L, 2L)),
            "each scenario starts without connections");
    }

    [Test]
    public async Task The_results_of_a_run_contain_its_traffic()
    {
        await using var server = new MortalServer();

        var results = await Script.PlayAsync(
            server, [Script.Asks("one"), Script.Asks("two"), Script.Asks("three")], new RunOptions { Parallel = 1 });

        Assert.That(
            (results.Traffic.Connections, results.Traffic.MostConnectionsAtOnce),
            Is.EqualTo((3L, 1L)),
            "the pulse check does not count");
        Assert.That(results.Traffic.BytesSent, Is.GreaterThan(100));
    }
}
