using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests;

/// <summary>The servers that the suite is tried on do what they say, so that a verdict on them means something.</summary>
[TestFixture]
public sealed class ServersTests
{
    [Test]
    public async Task A_classic_server_beats_before_anything_else_and_tells_the_time_in_its_own_way()
    {
        await using var server = new ClassicServer();
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/topics", Json("""{"name":"orders"}"""));
        using var socket = await ConnectAsync(server, "/ws");

        var first = await HearAsync(socket);
        await SayAsync(socket, """{"type":"subscribe","topic":"orders","client_id":"c","request_id":"s"}""");
        await SayAsync(socket, Request.Publish("orders", "550e8400-e29b-41d4-a716-446655440000", "1.0").ToString());
        await SayAsync(socket, Request.Publish("orders", "msg1").ToString());
        await SayAsync(socket, """{"type":"ping","request_id":"p"}""");
        var answers = new List<JsonElement>();
        while (answers.Count < 5)
        {
            answers.Add(await HearAsync(socket, IsNoHeartbeat));
        }

        var second = await HearAsync(socket);

        Assert.That(created.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        string[] types = ["ack", "event", "ack", "error", "pong"];
        Assert.That(answers.Select(answer => answer.GetProperty("type").GetString()), Is.EqualTo(types));
        Assert.That(answers[1].GetProperty("message").GetProperty("payload").GetRawText(), Is.EqualTo("1.0"));
        Assert.That(answers[3].GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("BAD_REQUEST"), "no UUID");
        Assert.That(answers.Append(first).Append(second).Where(message => !message.TryGetProperty("ts", out _)), Is.Empty);
        Assert.That(answers.Append(first).Append(second).Where(message => message.TryGetProperty("timestamp", out _)), Is.Empty);
        Assert.That(new[] { first, second }.Where(IsNoHeartbeat), Is.Empty);
        Assert.That(await http.GetStringAsync("/health"), Does.Match("""^\{"uptime_sec":\d+,"topics":1,"subscribers":1\}$"""));
        Assert.That(await http.GetStringAsync("/stats"), Does.Contain("\"messages\":1"));
        Assert.That((await http.DeleteAsync("/topics/orders")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await HearAsync(socket, IsNoHeartbeat)).GetProperty("msg").GetString(), Is.EqualTo("topic_deleted"));
    }

    [Test]
    public async Task A_classic_server_may_leave_the_time_out_and_delete_without_a_word()
    {
        await using var server = new ClassicServer(new ClassicOptions { SaysTime = false, DeletionStatus = 204 });
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/topics", Json("""{"name":"orders"}"""));
        using var socket = await ConnectAsync(server, "/ws");

        await SayAsync(socket, """{"type":"ping"}""");
        using var deleted = await http.DeleteAsync("/topics/orders");

        Assert.That((await HearAsync(socket)).GetRawText(), Is.EqualTo("""{"type":"info","msg":"ping"}"""));
        Assert.That((await HearAsync(socket, IsNoHeartbeat)).GetRawText(), Is.EqualTo("""{"type":"pong"}"""));
        Assert.That(deleted.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task A_classic_server_with_a_key_opens_no_door_without_it()
    {
        await using var server = new ClassicServer(new ClassicOptions { ApiKey = "secret" });
        using var http = new HttpClient { BaseAddress = server.Origin };

        Assert.That((await http.GetAsync("/topics")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(server, "/ws"));
        Assert.That(refused!.Message, Does.Contain("401"));

        http.DefaultRequestHeaders.Add("X-API-Key", "secret");
        Assert.That((await http.GetAsync("/topics")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var socket = await ConnectAsync(server, "/ws", options => options.SetRequestHeader("X-API-Key", "secret"));
        Assert.That(socket.State, Is.EqualTo(WebSocketState.Open));
    }

    [Test]
    public async Task A_classic_server_that_drops_the_oldest_keeps_its_slow_consumer()
    {
        await using var server = new ClassicServer(new ClassicOptions { DropsOldest = true });
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/topics", Json("""{"name":"orders"}"""));
        using var slow = await ConnectAsync(server, "/ws");
        await SayAsync(slow, """{"type":"subscribe","topic":"orders","client_id":"slow"}""");
        await HearAsync(slow, message => message.GetProperty("type").GetString() == "ack");

        using var publisher = await ConnectAsync(server, "/ws");
        const int Count = 800;
        for (var i = 0; i < Count; i++)
        {
            var message = $$"""{"id":"{{Guid.NewGuid()}}","payload":"{{new string('x', 32 * 1024)}}","n":{{i}}}""";
            await SayAsync(publisher, $$"""{"type":"publish","topic":"orders","message":{{message}}}""");
            await HearAsync(publisher, IsNoHeartbeat);
        }

        var numbers = new List<int>();
        while (numbers.LastOrDefault() < Count - 1)
        {
            numbers.Add((await HearAsync(slow, IsNoHeartbeat)).GetProperty("message").GetProperty("n").GetInt32());
        }

        Assert.That(numbers, Is.Ordered);
        Assert.That(numbers, Has.Count.LessThan(Count), "something was dropped");
    }

    [Test]
    public async Task A_crashing_server_dies_of_its_third_burst_and_not_before()
    {
        await using var server = new CrashingServer();
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/v1/topics", Json("""{"name":"orders"}"""));
        using var raw = new TcpClient();
        await raw.ConnectAsync(IPAddress.Loopback, server.Origin.Port);
        using var socket = await UpgradeAsync(raw);
        var publish = Frame.Text(Request.Publish("orders", "m")).Encode();

        for (var i = 0; i < 30; i++)
        {
            await raw.Client.SendAsync(publish);
            await HearAsync(socket);
        }

        byte[] burst = [.. Enumerable.Repeat(publish, 20).SelectMany(bytes => bytes)];
        for (var i = 0; i < 2; i++)
        {
            await raw.Client.SendAsync(burst);
            for (var ack = 0; ack < 20; ack++)
            {
                await HearAsync(socket);
            }
        }

        Assert.That((await http.GetAsync("/livez")).StatusCode, Is.EqualTo(HttpStatusCode.OK), "two bursts do no harm");

        // Where the server's thread had no turn between two bursts, they are one to it; so the third may take some more.
        const int mostBursts = 10;
        await Assert.ThrowsAsync<WebSocketException>(async () =>
        {
            for (var acks = 0; acks < mostBursts * 20; acks++)
            {
                if (acks % 20 == 0)
                {
                    await raw.Client.SendAsync(burst);
                }

                await HearAsync(socket);
            }
        });
        using var late = new TcpClient();
        var refused = await Assert.ThrowsAsync<SocketException>(() => late.ConnectAsync(IPAddress.Loopback, server.Origin.Port));
        Assert.That(refused!.SocketErrorCode, Is.EqualTo(SocketError.ConnectionRefused));
    }

    [Test]
    public async Task A_crash_resets_every_connection()
    {
        await using var server = new SmallServer();
        using var idle = new TcpClient();
        await idle.ConnectAsync(IPAddress.Loopback, server.Origin.Port);
        using var socket = await ConnectAsync(server);

        server.Crash();

        var reset = await Assert.ThrowsAsync<SocketException>(async () => await idle.Client.ReceiveAsync(new byte[1]));
        Assert.That(reset!.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset));
        await Assert.ThrowsAsync<WebSocketException>(() => HearAsync(socket));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task A_far_server_is_late_but_not_slow()
    {
        await using var server = new FarServer();
        var clock = Stopwatch.StartNew();
        using var socket = await ConnectAsync(server);
        var handshake = clock.Elapsed;

        clock.Restart();
        for (var i = 0; i < 90; i++)
        {
            await SayAsync(socket, """{"type":"ping"}""");
        }

        for (var i = 0; i < 90; i++)
        {
            await HearAsync(socket);
        }

        Assert.That(handshake, Is.GreaterThan(TimeSpan.FromMilliseconds(295)));
        Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(295)).And.LessThan(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public async Task A_far_server_says_the_last_word_before_it_hangs_up()
    {
        await using var server = new FarServer(TimeSpan.FromMilliseconds(100));
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/v1/topics", Json("""{"name":"orders"}"""));
        using var socket = await ConnectAsync(server);
        await SayAsync(socket, """{"type":"subscribe","topic":"orders","client_id":"c"}""");
        await HearAsync(socket);

        using var deleted = await http.DeleteAsync("/v1/topics/orders");

        Assert.That((await HearAsync(socket)).GetProperty("msg").GetString(), Is.EqualTo("topic_deleted"));
        Assert.That(await TinyServer.HearAsync(socket, CancellationToken.None), Is.Null);
        Assert.That(socket.CloseStatus, Is.EqualTo(WebSocketCloseStatus.NormalClosure));
    }

    [Test]
    public async Task A_garbage_server_speaks_no_HTTP()
    {
        await using var server = new GarbageServer();
        using var http = new HttpClient { BaseAddress = server.Origin };

        var garbage = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/v1/topics"));
        Assert.That(garbage!.HttpRequestError, Is.EqualTo(HttpRequestError.InvalidResponse));
    }

    [Test]
    public async Task A_silent_server_accepts_and_says_nothing()
    {
        await using var server = new SilentServer();
        using var raw = new TcpClient();
        await raw.ConnectAsync(IPAddress.Loopback, server.Origin.Port);
        await raw.Client.SendAsync("GET /v1/topics HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());

        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.CatchAsync<OperationCanceledException>(async () => await raw.Client.ReceiveAsync(new byte[1], patience.Token));
    }

    [Test]
    public async Task A_chatty_server_talks_and_does_not_listen()
    {
        await using var server = new ChattyServer();
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var socket = await ConnectAsync(server);
        await SayAsync(socket, """{"type":"ping","request_id":"p"}""");

        for (var i = 0; i < 10_000; i++)
        {
            Assert.That((await HearAsync(socket)).GetProperty("type").GetString(), Is.EqualTo("info"));
        }

        Assert.That(await http.GetStringAsync("/v1/topics"), Is.EqualTo("{}"));
    }

    [Test]
    public async Task A_TLS_server_is_the_same_server_to_whoever_trusts_it()
    {
        await using var inner = new SmallServer();
        await using var server = new TlsServer(inner.Origin);
        using var stranger = new HttpClient { BaseAddress = server.Origin };
        using var trust = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => IsOf(server, shown) };
        using var friend = new HttpClient(trust) { BaseAddress = server.Origin };
        using var socket = await ConnectAsync(
            server, options: options => options.RemoteCertificateValidationCallback = (_, shown, _, _) => IsOf(server, shown));

        await SayAsync(socket, """{"type":"ping"}""");

        Assert.That((await HearAsync(socket)).GetProperty("type").GetString(), Is.EqualTo("pong"));
        Assert.That(await friend.GetStringAsync("/v1/topics"), Is.EqualTo("""{"topics":[]}"""));
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync("/v1/topics"));
        Assert.That(refused!.HttpRequestError, Is.EqualTo(HttpRequestError.SecureConnectionError));
    }

    [Test]
    public async Task A_server_behind_a_prefix_is_the_same_server()
    {
        await using var inner = new SmallServer();
        await using var server = new PrefixProxy(inner.Origin, "/some/prefix");
        using var http = new HttpClient { BaseAddress = server.Origin };
        using var created = await http.PostAsync("/some/prefix/v1/topics", Json("""{"name":"a/b"}"""));
        using var socket = await ConnectAsync(server, "/some/prefix/v1/ws");

        await SayAsync(socket, """{"type":"subscribe","topic":"a/b","client_id":"c"}""");

        Assert.That((await HearAsync(socket)).GetProperty("type").GetString(), Is.EqualTo("ack"));
        Assert.That(created.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        var topic = new Uri(created.RequestMessage!.RequestUri!, created.Headers.Location!);
        Assert.That(await http.GetStringAsync(topic), Is.EqualTo("""{"name":"a/b","subscribers":1,"messages":0}"""));
        Assert.That((await http.GetAsync("/v1/topics")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static bool IsOf(TlsServer server, X509Certificate? shown) =>
        shown is X509Certificate2 certificate && certificate.ExportCertificatePem() == server.CertificatePem;

    private static async Task<ClientWebSocket> ConnectAsync(
        TcpServer server, string path = "/v1/ws", Action<ClientWebSocketOptions>? options = null)
    {
        var socket = new ClientWebSocket();
        options?.Invoke(socket.Options);
        var scheme = server.Origin.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
        await socket.ConnectAsync(new UriBuilder(server.Origin) { Scheme = scheme, Path = path }.Uri, CancellationToken.None);
        return socket;
    }

    /// <summary>A connection whose bytes can still be sent by hand.</summary>
    private static async Task<WebSocket> UpgradeAsync(TcpClient raw)
    {
        const string Handshake = "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        await raw.Client.SendAsync(Encoding.ASCII.GetBytes(Handshake));
        using var reader = new StreamReader(raw.GetStream(), bufferSize: 1, leaveOpen: true);
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
            // The answer, which is 101.
        }

        return WebSocket.CreateFromStream(raw.GetStream(), new WebSocketCreationOptions());
    }

    private static Task SayAsync(WebSocket socket, string text) => TinyServer.SayAsync(socket, text, CancellationToken.None);

    /// <summary>The next message that fits; any, without a condition.</summary>
    private static async Task<JsonElement> HearAsync(WebSocket socket, Func<JsonElement, bool>? which = null)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            var text = await TinyServer.HearAsync(socket, patience.Token) ?? throw new WebSocketException("The server said goodbye.");
            using var json = JsonDocument.Parse(text);
            if (which?.Invoke(json.RootElement) != false)
            {
                return json.RootElement.Clone();
            }
        }
    }

    private static bool IsNoHeartbeat(JsonElement message) => !message.TryGetProperty("msg", out var msg) || msg.GetString() != "ping";
}
