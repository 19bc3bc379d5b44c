using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NUnit.Framework;
using PubSub.PropertyTests.Access;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Operations;

/// <summary>The console in a real browser.</summary>
[Category("Browser")]
public sealed class ConsoleTests : IAsyncDisposable
{
    private const string Json = "Content-Type: application/json";
    private const string Ids = "[...document.querySelectorAll('#messages .id')].map(id => id.textContent)";

    private Browser? _browser;
    private RunningHost? _host;
    private Page? _page;

    private RunningHost Host => _host!;

    private Page Page => _page!;

    [OneTimeSetUp]
    public async Task StartBrowserAsync() => _browser = await Browser.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await (_host?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_browser?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [SetUp]
    public void StartHost()
    {
        _page = null;
        _host = new RunningHost(("CONSOLE", "on"), ("MAX_QUEUE_SIZE", "1000"));
    }

    [TearDown]
    public async Task EndAsync()
    {
        var (page, origin) = (_page, Host.Origin.AbsoluteUri);
        await Host.DisposeAsync();
        if (page is not null)
        {
            Assert.That(page.Faults, Is.Empty);
            Assert.That(page.Requests, Has.Some.StartsWith(origin));
            Assert.That(page.Requests.Where(address => !address.StartsWith("data:", StringComparison.Ordinal)), Has.All.StartsWith(origin));
        }
    }

    [Test]
    public async Task Topics_show_their_rates_and_counts()
    {
        await CreateAsync("quiet", "busy");
        using var peer = await Peer.OfAsync(Host);
        await peer.AskAsync(Subscribe("busy"));
        await OpenAsync();
        await Page.UntilAsync(Row("quiet", "cells[2].textContent === '0'"));

        var sent = 0;
        while (!await Page.IsAsync(Row("busy", "cells[2].textContent !== '0'")))
        {
            Assert.That(sent, Is.LessThan(10_000));
            await PublishAsync("busy", sent, 5);
            sent += 5;
        }

        await Page.UntilAsync(Row("busy", $"cells[3].textContent.replace(',', '') === '{sent}'"));
        await Page.UntilAsync(Row("busy", "cells[4].textContent === '1'"));
        await Page.UntilAsync(Row("busy", "querySelector('polyline').getAttribute('points').length > 0"));
        Assert.That(await Page.IsAsync(Row("quiet", "cells[2].textContent === '0'")));
        await Page.UntilAsync("document.querySelector('#topic-count').textContent === '2'");

        await Page.ClickAsync("[data-sort=rate]");
        Assert.That(
            (await Page.EvaluateAsync("document.querySelector('#topic-rows button').textContent")).GetString(), Is.EqualTo("busy"));
        await Page.TypeAsync("#filter", "QUI");
        Assert.That((await Page.EvaluateAsync("document.querySelector('#topic-rows').children.length")).GetInt32(), Is.EqualTo(1));
        await Page.ShowsAsync("1 of 2");

        static string Row(string name, string isSo) =>
            $"[...document.querySelectorAll('#topic-rows tr')].find(row => row.cells[0].textContent === '{name}').{isSo}";
    }

    [Test]
    public async Task A_followed_topic_shows_messages_in_order_as_they_come()
    {
        await CreateAsync("orders");
        await PublishAsync("orders", 1, 5);
        await OpenAsync("orders");
        await HasIdsAsync(1, 5);

        await PublishAsync("orders", 6, 5);
        await HasIdsAsync(1, 10);

        await Page.ClickAsync("#pause");
        await PublishAsync("orders", 11, 3);
        await Page.ShowsAsync("Paused · 3 new");
        await HasIdsAsync(1, 10);

        await Page.ClickAsync("#pause");
        await HasIdsAsync(1, 13);
    }

    [Test]
    public async Task The_last_200_messages_are_shown()
    {
        await CreateAsync("orders");
        await OpenAsync("orders");
        await Page.ShowsAsync("Following");

        await PublishAsync("orders", 1, 350);

        await HasIdsAsync(151, 200);
        await Page.ShowsAsync("the last 200 of 350");
    }

    [Test]
    public async Task A_message_from_the_page_reaches_a_subscriber_as_it_was_written()
    {
        await CreateAsync("orders");
        using var peer = await Peer.OfAsync(Host);
        await peer.AskAsync(Subscribe("orders"));
        await OpenAsync("orders");

        await Page.TypeAsync("#payload", "{\"total\": 12.50, ");
        await Page.ClickAsync("#publish .main");
        await Page.ShowsAsync("The payload is not JSON");

        await Page.TypeAsync("#payload", "{\"total\": 12.50, \"big\": 9007199254740993}");
        await Page.TypeAsync("#message-id", "m\"1");
        await Page.ClickAsync("#publish .main");

        Assert.That(
            await peer.HearAsync(),
            Does.EndWith(""","message":{"id":"m\"1","payload":{"total": 12.50, "big": 9007199254740993}}}"""));
        await Page.ShowsAsync("{\"total\": 12.50, \"big\": 9007199254740993}");
        await Page.UntilAsync("document.querySelector('#publish-fault').textContent === ''");

        await Page.ClickAsync("#publish .main");
        Assert.That(await peer.HearAsync(), Does.Match("\"id\":\"[0-9a-f]{16}\""), "an id is made");
    }

    [Test]
    public async Task Hostile_text_stays_text()
    {
        const string image = "<img src=x onerror='window.harmed = 1'>";
        string[] payloads =
        [
            image, "</script><script>window.harmed = 1</script>", "\u202Eright to left\u2066", "javascript:window.harmed = 1",
            new string('x', 60_000) + image,
        ];
        await CreateAsync(image, "a\u202Eb/../?#%2F");
        foreach (var payload in payloads)
        {
            var (id, text) = (JsonSerializer.Serialize(payload[..Math.Min(60, payload.Length)]), JsonSerializer.Serialize(payload));
            await PublishAsync(image, $$"""{"id":{{id}},"payload":{{text.Replace("\\u003C", "<", StringComparison.Ordinal)}}}""");
        }

        await OpenAsync(image);
        await Page.UntilAsync($"{Ids}.length === {payloads.Length}");
        await Page.ShowsAsync("\"<img src=x onerror=");
        await Page.ShowsAsync("\\u202eright to left\\u2066");
        await Page.ShowsAsync("Show all ");
        await Page.ClickAsync("#messages button");
        await Page.UntilAsync("[...document.querySelectorAll('.payload')].some(cell => cell.textContent.length > 60000)");
        await Page.ShowsAsync("a\\u202eb/../?#%2F");

        Assert.That((await Page.EvaluateAsync("document.querySelectorAll('img, script').length")).GetInt32(), Is.EqualTo(1));
        Assert.That(await Page.IsAsync("window.harmed === undefined"));
        Assert.That(await Page.IsAsync("document.documentElement.scrollWidth <= innerWidth"));
    }

    [Test]
    public async Task No_script_can_turn_text_into_HTML()
    {
        var page = await _browser!.OpenAsync(new Uri(Host.Origin, "/console"));

        Assert.That(
            async () => await page.EvaluateAsync("document.body.innerHTML = '<b>x</b>'"),
            Throws.Exception.With.Message.Contains("TrustedHTML"));
        Assert.That(page.Faults, Has.Some.Contains("TrustedHTML"));
    }

    [Test]
    public async Task The_page_asks_for_a_key_and_goes_on([Values("psk_1_right", "e30.e30.right")] string key)
    {
        var (header, value) = key[0] == 'p' ? ("X-API-Key", key) : ("Authorization", $"Bearer {key}");
        Host.Instead = context => context.Request.Path == "/console" || context.Request.Headers[header] == value
            ? Task.FromResult(false)
            : RefuseAsync(context, 401, "UNAUTHORIZED", "a key or a token is needed");
        Host.Broker.Create("orders");
        await OpenAsync("orders");
        await Page.UntilAsync("document.querySelector('#key-dialog').open");

        await Page.TypeAsync("psk_1_wrong");
        await Page.PressAsync("Enter");
        await Page.ShowsAsync("UNAUTHORIZED a key or a token is needed");
        await Page.UntilAsync("document.querySelector('#key').value === ''");
        await Page.TypeAsync("#key", key);
        await Page.PressAsync("Enter");

        await Page.UntilAsync("!document.querySelector('#key-dialog').open");
        await Page.UntilAsync("document.querySelector('#topic-count').textContent === '1'");
        await Page.ShowsAsync("Following");
        await Page.TypeAsync("#payload", "1");
        await Page.ClickAsync("#publish .main");
        await Page.UntilAsync($"{Ids}.length === 1");
        Assert.That(Page.Requests, Has.None.Contains("right"), "no key is in an address");
        Assert.That(await Page.IsAsync("localStorage.length === 0 && document.cookie === '' && sessionStorage.length === 1"));

        await Page.ClickAsync("#key-button");
        await Page.UntilAsync("document.querySelector('#key-dialog').open && sessionStorage.length === 0");
        await Page.PressAsync("Escape");
        await Page.ShowsAsync("UNAUTHORIZED");
        await Page.UntilAsync("document.querySelector('#key-button').textContent === 'Enter a key…'");
    }

    [Test]
    public async Task A_key_shows_what_it_permits()
    {
        using var with = new Credentials();
        var key = with.Key("reader", publish: "orders.new", subscribe: "orders*");
        await Host.DisposeAsync();
        _host = with.Start(("CONSOLE", "on"), ("LOG_LEVEL", "warn"));
        Array.ForEach(["orders", "other"], topic => Host.Broker.Create(topic));
        await OpenAsync("orders");
        await Page.UntilAsync("document.querySelector('#key-dialog').open");

        await Page.TypeAsync("#key", key);
        await Page.PressAsync("Enter");

        await Page.ShowsAsync("Following");
        await Page.UntilAsync("document.querySelector('#topic-count').textContent === '1'");
        await Page.ShowsAsync("FORBIDDEN Not permitted: only an identity that may manage all topics");
        await Page.TypeAsync("#payload", "1");
        await Page.ClickAsync("#publish .main");
        await Page.ShowsAsync("FORBIDDEN this identity may not publish to the topic");

        with.Remove("reader");
        await Page.UntilAsync("document.querySelector('#key-dialog').open");
    }

    [Test]
    public async Task What_is_forbidden_is_named_and_the_rest_goes_on()
    {
        Host.Instead = context => context.Request.Path.Value is "/v1/connections" or "/v1/nodes"
            || (context.Request.Method == "POST" && context.Request.Headers.ContainsKey("Sec-Fetch-Mode"))
            ? RefuseAsync(context, 403, "FORBIDDEN", "this key may not do that")
            : Task.FromResult(false);
        Host.Broker.Create("orders");
        await OpenAsync("orders");
        await Page.ShowsAsync("FORBIDDEN Not permitted: this key may not do that");
        await Page.ShowsAsync("Answering");

        await Page.TypeAsync("#payload", "1");
        await Page.ClickAsync("#publish .main");
        await Page.UntilAsync("document.querySelector('#publish-fault').textContent === 'FORBIDDEN this key may not do that'");

        await PublishAsync("orders", 1, 1);
        await HasIdsAsync(1, 1);
    }

    [Test]
    public async Task Refusals_are_shown_with_code_and_text()
    {
        await CreateAsync("orders");
        await OpenAsync();

        await Page.TypeAsync("#create-name", "orders");
        await Page.PressAsync("Enter");

        await Page.ShowsAsync("TOPIC_EXISTS name must not be that of an existing topic");
    }

    [Test]
    public async Task Keys_alone_are_enough()
    {
        await CreateAsync("other");
        await OpenAsync();
        await Page.UntilAsync("document.querySelectorAll('#topic-rows tr').length === 1");

        await Page.TabToAsync("a[href='#topics']");
        await Page.PressAsync("Enter");
        await Page.TabToAsync("#create-name");
        await Page.TypeAsync("made by keys");
        await Page.PressAsync("Enter");
        await Page.UntilAsync("document.activeElement.id === 'topic-title' && document.activeElement.textContent === 'made by keys'");
        await Page.ShowsAsync("Following");

        await Page.TabToAsync("#payload");
        await Page.TypeAsync("\"by keys\"");
        await Page.PressAsync("Enter", control: true);
        await Page.UntilAsync($"{Ids}.length === 1");

        await Page.TabToAsync("#topic-rows tr:nth-child(2) button", back: true);
        await Page.TabToAsync("#topic-rows tr:nth-child(1) button", back: true);
        await Page.PressAsync("ArrowDown");
        Assert.That(await Page.IsAsync("document.activeElement.textContent === 'other'"));
        await Page.PressAsync("Enter");
        await Page.UntilAsync("document.querySelector('#topic-title').textContent === 'other'");

        await Page.TabToAsync("#delete");
        await Page.PressAsync("Enter");
        await Page.UntilAsync("document.activeElement.id === 'delete-cancel'");
        await Page.PressAsync("Escape");
        await Page.UntilAsync("!document.querySelector('#delete-dialog').open");
        Assert.That(Host.Broker.Find("other"), Is.Not.Null);

        await Page.PressAsync("Enter");
        await Page.UntilAsync("document.activeElement.id === 'delete-cancel'");
        await Page.TabToAsync("#delete-dialog .risky");
        await Page.PressAsync("Enter");
        await Page.UntilAsync("document.querySelectorAll('#topic-rows tr').length === 1");
        Assert.That(Host.Broker.Find("other"), Is.Null);
        Assert.That(await Page.IsAsync("document.activeElement.id === 'create-name'"));
    }

    [Test]
    public async Task A_phone_needs_no_scrolling_sideways()
    {
        var longest = new string('x', 255);
        await CreateAsync([.. Enumerable.Range(0, 30).Select(i => $"topic-{i}"), longest, string.Concat(Enumerable.Repeat("長い", 60))]);
        await PublishAsync(longest, $$"""{"id":"{{new string('y', 255)}}","payload":"{{new string('z', 20_000)}}"}""");

        await OpenAsync(longest, width: 360, height: 700);
        await Page.UntilAsync($"{Ids}.length === 1 && document.querySelectorAll('#topic-rows tr').length === 32");
        await Page.UntilAsync("document.querySelectorAll('#open-rows tr').length === 1");

        Assert.That((await Page.EvaluateAsync("document.documentElement.scrollWidth")).GetInt32(), Is.EqualTo(360));
        var beyond = await Page.EvaluateAsync(
            """
            [...document.querySelectorAll("main *:not(option)")].filter(one => one.getBoundingClientRect().right > 360.5
                && !one.closest("thead, .cut-off")).map(one => one.outerHTML.slice(0, 80))
            """);
        Assert.That(beyond.GetArrayLength(), Is.Zero, beyond.GetRawText());
    }

    [Test]
    public async Task Text_can_be_read_in_light_and_in_dark([Values] bool dark)
    {
        await CreateAsync("quiet", "orders");
        using (var slow = await Peer.OfAsync(Host))
        {
            await slow.SendAsync(0x8F, 0x80, 0, 0, 0, 0); // cut
            await slow.HearAllAsync();
        }

        await PublishAsync("orders", 1, 2);
        await OpenAsync("orders", dark: dark);
        await Page.UntilAsync($"{Ids}.length === 2 && document.querySelectorAll('#closed-rows .tag').length === 1");
        await Page.TypeAsync("#create-name", "orders");
        await Page.PressAsync("Enter");
        await Page.ShowsAsync("TOPIC_EXISTS");

        Assert.That(await Page.IsAsync($"matchMedia('(prefers-color-scheme: dark)').matches === {(dark ? "true" : "false")}"));
        var texts = await Page.EvaluateAsync(
            """
            (() => {
              const parts = color => color.match(/[\d.]+/g).map(Number);
              const light = color => parts(color).slice(0, 3).map(c => c / 255)
                .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
              const ground = node => !node ? "rgb(255, 255, 255)" : (color => parts(color)[3] === 0 ? ground(node.parentElement) : color)(
                getComputedStyle(node).backgroundColor);
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = [];
              let read = 0;
              for (let text; text = walker.nextNode();) {
                const node = text.parentElement;
                if (!text.data.trim() || !node.checkVisibility() || node.closest("script, .unseen")) continue;
                const [one, other] = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
                read++;
                if ((one + .05) / (other + .05) < 4.5) faint.push(`${text.data.trim()}: ${(one + .05) / (other + .05)}`);
              }
              return { read, faint };
            })()
            """);
        Assert.That(texts.GetProperty("faint").GetArrayLength(), Is.Zero, texts.GetRawText());
        Assert.That(texts.GetProperty("read").GetInt32(), Is.GreaterThan(40));
        Assert.That(
            (await Page.EvaluateAsync("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128")).GetBoolean(),
            Is.EqualTo(dark));
    }

    [Test]
    public async Task A_restart_of_the_server_is_told_and_survived()
    {
        var port = ("PORT", Frames.Text(Ports.Lasting()));
        await Host.DisposeAsync();
        _host = new RunningHost(("CONSOLE", "on"), port);
        await CreateAsync("orders");
        await OpenAsync("orders");
        await Page.ShowsAsync("Following");

        await Host.DisposeAsync();
        await Page.ShowsAsync("The server does not answer.");
        _host = new RunningHost(("CONSOLE", "on"), port);
        await Page.ShowsAsync("The server answers again");
        await Page.ShowsAsync("There is no such topic now");

        await CreateAsync("orders");
        await Page.ShowsAsync("Following");
        await PublishAsync("orders", 1, 1);
        await HasIdsAsync(1, 1);
        Assert.That(await Page.IsAsync("document.querySelector('#outage').textContent === ''"));
    }

    [Test]
    public async Task A_stream_that_is_cut_goes_on_without_a_loss()
    {
        await CreateAsync("orders");
        await PublishAsync("orders", 1, 3);
        await OpenAsync("orders");
        await HasIdsAsync(1, 3);

        foreach (var (session, _) in Host.Sessions.Open)
        {
            session.Abort();
        }

        await PublishAsync("orders", 4, 3);
        await HasIdsAsync(1, 6);
    }

    [Test]
    public async Task The_deletion_of_the_topic_is_told()
    {
        await CreateAsync("orders");
        await OpenAsync("orders");
        await Page.ShowsAsync("Following");

        await Host.Origin.AskAsync("DELETE", "/v1/topics/orders");

        await Page.ShowsAsync("The topic was deleted.");
        await Page.ShowsAsync("There is no such topic now");
        await Page.ShowsAsync("There are no topics yet");
    }

    [Test]
    public async Task Connections_show_what_was_cut_and_why()
    {
        await CreateAsync("orders");
        using var peer = await Peer.OfAsync(Host, window: 4096);
        await peer.AskAsync(Subscribe("orders"));
        await OpenAsync();
        await Page.UntilAsync("document.querySelector('#open-rows')?.textContent.includes('orders')");

        var topic = Host.Broker.Find("orders")!;
        while (Host.Broker.Count().Subscriptions > 0)
        {
            topic.TryPublish(Frames.Of(1, 64 * 1024));
        }

        peer.BreakOff();
        await Page.UntilAsync("document.querySelector('#closed-rows')?.textContent.includes('cut slow consumer')");
        await Page.ShowsAsync("1 of the last 1 closed were cut");
    }

    [Test]
    public async Task A_path_in_front_changes_nothing()
    {
        const string prefix = "/broker";
        Host.Before = context =>
        {
            Assert.That(context.Request.Path.StartsWithSegments(prefix, out var rest));
            context.Request.Path = rest;
            var request = context.Features.GetRequiredFeature<IHttpRequestFeature>();
            request.RawTarget = request.RawTarget[prefix.Length..];
        };
        Host.Broker.Create("orders");
        _page = await _browser!.OpenAsync(new Uri(Host.Origin, $"{prefix}/console/#topic=orders"));

        await Page.ShowsAsync("Following");
        await Page.TypeAsync("#payload", "1");
        await Page.ClickAsync("#publish .main");
        await Page.UntilAsync($"{Ids}.length === 1");
    }

    private static string Subscribe(string topic) => $$"""{"type":"subscribe","topic":"{{topic}}","client_id":"c","last_n":0}""";

    private static async Task<bool> RefuseAsync(HttpContext context, int status, string code, string detail)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(new { title = "no", status, detail, code });
        return true;
    }

    private async Task OpenAsync(string? topic = null, int width = 1280, int height = 900, bool dark = false)
    {
        var hash = topic is null ? "" : $"#topic={Uri.EscapeDataString(topic)}";
        _page = await _browser!.OpenAsync(new Uri(Host.Origin, $"/console{hash}"), width, height, dark);
    }

    private Task HasIdsAsync(int first, int count) => Page.UntilAsync(
        $"{Ids}.reverse().join() === '{string.Join(',', Frames.Texts(first, count))}'");

    private async Task CreateAsync(params string[] names)
    {
        foreach (var name in names)
        {
            var answer = await Host.Origin.AskAsync("POST", "/v1/topics", JsonSerializer.Serialize(new { name }), Json);
            Assert.That(answer.Status, Is.EqualTo((int)HttpStatusCode.Created), answer.Body);
        }
    }

    private Task PublishAsync(string topic, int first, int count) => PublishAsync(
        topic, $"[{string.Join(',', Enumerable.Range(first, count).Select(id => $$"""{"id":"{{id}}","payload":{{id}}}"""))}]");

    private async Task PublishAsync(string topic, string body)
    {
        var answer = await Host.Origin.AskAsync("POST", $"/v1/topics/{Uri.EscapeDataString(topic)}/messages", body, Json);
        Assert.That(answer.Status, Is.EqualTo((int)HttpStatusCode.OK), answer.Body);
    }
}
