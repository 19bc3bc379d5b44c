using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Operations;

/// <summary>Draws the pictures of README.md; <c>ci/pictures</c> runs it.</summary>
[Explicit]
[Category("Pictures")]
public sealed class Pictures
{
    private const int Seconds = 45;
    private const string Json = "Content-Type: application/json";

    /// <summary>Topics, and their messages in each second.</summary>
    private static readonly (string Name, double Rate)[] Topics =
    [
        ("alerts", 0), ("audit", 6), ("chat.lobby", 1), ("inventory.levels", 12), ("orders.created", 4), ("orders.paid", 3),
        ("orders.shipped", 2), ("payments", 9), ("prices.BTCUSD", 30), ("prices.EURUSD", 55), ("telemetry/eu-west-1/temperature", 21),
        ("telemetry/us-east-2/temperature", 18),
    ];

    private static readonly string[] Payloads =
    [
        """{"order": 4711, "total": 99.5, "currency": "EUR"}""", """{"order": 4712, "total": 12.80, "currency": "EUR"}""",
        """{"order": 4713, "total": 310, "currency": "USD", "gift": true}""",
    ];

    [Test]
    public async Task The_console()
    {
        using var host = new RunningHost(
            ("CONSOLE", "on"), ("NODE_NAME", "eu-1"), ("LOG_LEVEL", "error"), ("KEEPALIVE_INTERVAL", "0"), ("WRITE_TIMEOUT", "3600"));
        foreach (var (name, _) in Topics)
        {
            host.Broker.Create(name);
        }

        await using var browser = await Browser.StartAsync();
        var address = new Uri(host.Origin, "/console#topic=orders.created");
        var wide = await browser.OpenAsync(address, width: 1180, height: 700);
        var dark = await browser.OpenAsync(address, width: 1180, height: 700, dark: true);
        var phone = await browser.OpenAsync(address, width: 390, height: 740);
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 25).Select(index => SubscribeAsync(host, index, stop.Token)).ToList();
        var publishing = PublishAsync(host, stop.Token);
        foreach (var (page, name) in new[] { (wide, "console"), (dark, "console-dark") })
        {
            await page.UntilAsync($"totals.length >= {Seconds}");
            await SaveAsync(page, name);
        }

        await SaveAsync(phone, "console-phone", folder: "results/pictures");
        await SaveAsync(wide, "console-connections", "#connections");
        await stop.CancelAsync();
        await publishing;
        await host.DisposeAsync();
        await Task.WhenAll(clients);
    }

    [Test]
    public async Task A_report_of_the_conformance_suite()
    {
        var report = Environment.GetEnvironmentVariable("PUBSUB_REPORT");
        Assert.That(report, Is.Not.Null, "PUBSUB_REPORT names the file");
        await using var browser = await Browser.StartAsync();
        await SaveAsync(await browser.OpenAsync(new Uri(Path.GetFullPath(report!)), width: 1280, height: 800), "report");
    }

    /// <summary>Some subscribers leave after a while, and those of two topics read nothing.</summary>
    private static async Task SubscribeAsync(RunningHost host, int index, CancellationToken stop)
    {
        var isStuck = index % 6 == 5;
        using var peer = await Peer.OfAsync(host, window: isStuck ? 4096 : null);
        await peer.AskAsync($$"""{"type":"subscribe","topic":"{{Topics[index * 5 % Topics.Length].Name}}","client_id":"c"}""");
        if (isStuck)
        {
            await Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => { }, CancellationToken.None);
            return;
        }

        for (var left = index % 4 == 3 ? 20 * index : int.MaxValue; left > 0; left--)
        {
            if (await peer.HearAsync() == "the end")
            {
                return;
            }
        }

        await peer.CloseAsync();
        await peer.HearAllAsync();
    }

    private static async Task PublishAsync(RunningHost host, CancellationToken stop)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var tick = 0; !stop.IsCancellationRequested; tick++)
        {
            await ticks.WaitForNextTickAsync(CancellationToken.None);
            foreach (var (index, (name, rate)) in Topics.Index())
            {
                var wave = rate / 10 * (1 + (0.7 * Math.Sin(tick / (20.0 + (7 * index)))));
                var count = (int)wave + (Random.Shared.NextDouble() < wave % 1 ? 1 : 0);
                if (count > 0)
                {
                    await PublishAsync(host, name, Enumerable.Range(0, count).Select(i =>
                        $$"""{"id":"{{name[0]}}-{{(tick * 10) + i}}","payload":{{Payloads[(tick + i) % Payloads.Length]}}}"""));
                }
            }

            if (tick == 10 * Seconds / 2)
            {
                await PublishLargeAsync(host, "audit", () => host.Sessions.Open.Any(one => one.Key.Closed == CloseReason.SlowConsumer));
                await PublishLargeAsync(host, "payments", () => host.Sessions.Open.Any(
                    one => one.Key is { IsWaiting: true, Closed: CloseReason.None, Outstanding.Bytes: > 300_000 }));
            }
        }
    }

    private static async Task PublishLargeAsync(RunningHost host, string topic, Func<bool> isEnough)
    {
        while (!isEnough())
        {
            await PublishAsync(host, topic, [$$"""{"id":"large","payload":"{{new string('x', 60_000)}}"}"""]);
        }
    }

    private static Task<RawResponse> PublishAsync(RunningHost host, string topic, IEnumerable<string> messages) => host.Origin.AskAsync(
        "POST", $"/v1/topics/{Uri.EscapeDataString(topic)}/messages", $"[{string.Join(',', messages)}]", Json);

    private static async Task SaveAsync(Page page, string name, string? selector = null, string folder = ".github/pictures")
    {
        Directory.CreateDirectory(Repository.PathOf(folder));
        await File.WriteAllBytesAsync(Repository.PathOf($"{folder}/{name}.png"), await page.PictureAsync(selector));
    }
}
