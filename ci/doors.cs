// Tests a Host from outside, over HTTP and WebSocket, with raw sockets.
//   dotnet run --file ci/doors.cs -- faults HOST.dll                       the inputs of a list of known faults, each with its outcome
//   dotnet run --file ci/doors.cs -- fuzz HOST.dll SECONDS|COUNTx [SEED]   generated requests and streams; status 1 at the first failure
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Text;

return args switch
{
    ["faults", var host] => await Faults.RunAsync(host),
    ["fuzz", var host, var amount] => await Fuzz.RunAsync(host, amount, Environment.TickCount),
    ["fuzz", var host, var amount, var seed] => await Fuzz.RunAsync(host, amount, int.Parse(seed, CultureInfo.InvariantCulture)),
    _ => throw new ArgumentException("faults HOST.dll | fuzz HOST.dll SECONDS|COUNTx [SEED]"),
};

/// <summary>The Host in a process of its own, on a free port.</summary>
internal sealed class Server : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = []; // guarded by itself
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Server(string host, string arguments, int? descriptors, bool isRead, (string Name, string Value)[] settings)
    {
        var shell = $"{(descriptors is { } most ? $"ulimit -n {most}; " : "")}exec dotnet '{host}' {arguments}";
        var start = new ProcessStartInfo("/bin/sh", ["-c", shell]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PORT"] = "0";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginErrorReadLine();
        if (isRead)
        {
            _process.OutputDataReceived += (_, line) => Hear(line.Data);
            _process.BeginOutputReadLine();
        }
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public Uri Origin => _listening.Task.Result;

    public string Log
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public int Descriptors => Directory.GetFiles($"/proc/{Id}/fd").Length;

    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static async Task<Server> StartAsync(string host, params (string Name, string Value)[] settings) =>
        await StartAsync(host, null, settings);

    public static async Task<Server> StartAsync(string host, int? descriptors, params (string Name, string Value)[] settings)
    {
        var server = new Server(host, "", descriptors, isRead: true, settings);
        await server._listening.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return server;
    }

    /// <summary>Leaves the server's standard output unread in its pipe; so the port is chosen before the start.</summary>
    public static async Task<Server> StartUnreadAsync(string host, params (string Name, string Value)[] settings)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var server = new Server(host, "", null, isRead: false, [.. settings, ("PORT", $"{port}")]);
        server._listening.SetResult(new Uri($"http://127.0.0.1:{port}"));
        for (var time = 0; time < 400 && (await Net.AskAsync(server.Origin, Net.Get("/livez", server.Origin))).Length == 0; time++)
        {
            await Task.Delay(50);
        }

        return server;
    }

    /// <summary>Starts a server that may exit by itself. The status is null if it still runs when it listens, or after 20 s.</summary>
    public static async Task<(int? Status, string Log)> TryAsync(
        string host, string arguments, params (string Name, string Value)[] settings)
    {
        using var server = new Server(host, arguments, null, isRead: true, settings);
        await Task.WhenAny(server._listening.Task, server._process.WaitForExitAsync(), Task.Delay(20_000));
        if (server._process.HasExited)
        {
            await server._process.WaitForExitAsync(); // its last line has arrived too
        }

        return (server._process.HasExited ? server._process.ExitCode : null, server.Log);
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        return _process.ExitCode;
    }

    public void Signal(int signal) => _ = Kill(Id, signal);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Add(line);
        }

        if (line.IndexOf("Now listening on: ", StringComparison.Ordinal) is var at and >= 0 && !_listening.Task.IsCompleted)
        {
            var origin = line[(at + "Now listening on: ".Length)..].Split('"', ' ')[0];
            _listening.TrySetResult(new UriBuilder(origin) { Host = "127.0.0.1" }.Uri);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}

/// <summary>Sends bytes to a server, valid or not, and reads its answers.</summary>
internal static class Net
{
    public const string Upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    public static byte[] Get(string target, Uri at, string headers = "") =>
        Bytes($"GET {target} HTTP/1.1\r\nHost: {at.Authority}\r\nConnection: close\r\n{headers}\r\n");

    public static byte[] Post(string body, Uri at) =>
    [
        .. Bytes(
            $"POST /v1/topics HTTP/1.1\r\nHost: {at.Authority}\r\nConnection: close\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
        .. Bytes(body),
    ];

    public static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);

    public static async Task<Socket> OpenAsync(Uri at)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(at.Host, at.Port);
        return socket;
    }

    /// <summary>Sends a request and reads until the server ends the connection or the time is over.</summary>
    /// <returns>What was read; empty if the server refused the connection.</returns>
    public static async Task<string> AskAsync(Uri at, byte[] request, bool fin = false, double seconds = 5)
    {
        try
        {
            using var socket = await OpenAsync(at);
            return await AskAsync(socket, request, fin, seconds);
        }
        catch (SocketException)
        {
            return "";
        }
    }

    public static async Task<string> AskAsync(Socket socket, byte[] request, bool fin, double seconds)
    {
        var answer = new StringBuilder();
        try
        {
            await socket.SendAsync(request);
            if (fin)
            {
                socket.Shutdown(SocketShutdown.Send);
            }

            var buffer = new byte[16 * 1024];
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            while (await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var count)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A reset, or the time is over: return what was read before.
        }

        return answer.ToString();
    }

    public static int Status(string answer) => answer.Length > 12 && int.TryParse(answer.AsSpan(9, 3), out var status) ? status : 0;

    public static byte[] Handshake(Uri at, string headers = "") =>
        Bytes($"GET /v1/ws HTTP/1.1\r\nHost: {at.Authority}\r\n{Upgrade}{headers}\r\n");

    /// <summary>A client's frame, masked with zeros.</summary>
    public static byte[] Frame(int first, ReadOnlySpan<byte> payload)
    {
        byte[] length = payload.Length < 126
            ? [(byte)(0x80 | payload.Length)]
            : [0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length];
        return [(byte)first, .. length, 0, 0, 0, 0, .. payload];
    }

    public static byte[] Text(string text) => Frame(0x81, Encoding.UTF8.GetBytes(text));

    public static async Task<ClientWebSocket> SocketAsync(Uri at)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(at) { Scheme = "ws", Path = "/v1/ws" }.Uri, CancellationToken.None);
        return socket;
    }

    public static Task SayAsync(this ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    /// <returns>The next message; "the end" and the close code if the server closed; "nothing" after the time.</returns>
    public static async Task<string> HearAsync(this ClientWebSocket socket, double seconds = 10)
    {
        var buffer = new byte[128 * 1024];
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            var length = 0;
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(length), limit.Token);
                length += part.Count;
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return $"the end {(int?)socket.CloseStatus}";
                }

                if (part.EndOfMessage)
                {
                    return Encoding.UTF8.GetString(buffer, 0, length);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            return e is OperationCanceledException ? "nothing" : "the end";
        }
    }
}

/// <summary>Known faults of servers of this kind: the input, the expected outcome, and what this server did.</summary>
internal static class Faults
{
    private const int Sighup = 1, Sigcont = 18, Sigstop = 19;

    private static string _host = "";
    private static int _wrong;

    public static async Task<int> RunAsync(string host)
    {
        _host = Path.GetFullPath(host);
        await WithAsync([], ForeignTextAsync);
        await WithinAsync(2, MemoryAsync);
        await WithinAsync(3, UnreadLogAsync);
        await WithAsync([], HalfCloseAsync);
        await WithinAsync(5, StandstillAsync);
        await WithAsync([], server => IsAsync(6, "file watchers of the process", "0", () => $"{CountFileWatchers(server)}"));
        await WithinAsync(7, DescriptorsAsync);
        await WithinAsync(8, SilenceAsync);
        await StartsAsync();
        await OriginsAsync();
        await WithAsync([], NamesAndHostsAsync);
        await WithAsync([("LOG_LEVEL", "debug")], LogAsync);
        await WithAsync([("ALLOWED_ORIGINS", "https://app.example")], PreflightAsync);
        await WithAsync([], HangupAsync);
        Console.WriteLine(_wrong == 0 ? "faults: all as they should be" : $"faults: {_wrong} NOT as they should be");
        return _wrong == 0 ? 0 : 1;
    }

    private static async Task WithAsync((string, string)[] settings, Func<Server, Task> look)
    {
        using var server = await Server.StartAsync(_host, settings);
        await look(server);
    }

    /// <summary>Counts a server that exits or hangs as wrong, and goes on with the next input.</summary>
    private static async Task WithinAsync(int kind, Func<Task> look)
    {
        try
        {
            await look().WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (Exception e)
            when (e is TimeoutException or InvalidOperationException or SocketException or WebSocketException or IOException)
        {
            Is(kind, "the whole", "an answer", e.Message);
        }
    }

    private static void Is(int kind, string input, string right, string seen)
    {
        var isRight = right.Split('|').Contains(seen);
        _wrong += isRight ? 0 : 1;
        Console.WriteLine($"{(isRight ? "right" : "WRONG")}  {kind,2}  {input}: {seen}{(isRight ? "" : $", but should be {right}")}");
    }

    private static async Task IsAsync(int kind, string input, string right, Func<Task<string>> see)
    {
        string seen;
        try
        {
            seen = await see();
        }
        catch (Exception e) when (e is TimeoutException or IOException or SocketException or WebSocketException)
        {
            seen = e.GetType().Name;
        }

        Is(kind, input, right, seen);
    }

    private static Task IsAsync(int kind, string input, string right, Func<string> see) =>
        IsAsync(kind, input, right, () => Task.FromResult(see()));

    private static async Task<string> StatusOf(Server server, byte[] request) =>
        $"{Net.Status(await Net.AskAsync(server.Origin, request))}";

    private static int CountFileWatchers(Server server) => Directory.GetFiles($"/proc/{server.Id}/fd")
        .Count(file => File.ResolveLinkTarget(file, false)?.Name.Contains("inotify", StringComparison.Ordinal) == true);

    private static async Task PreflightAsync(Server server)
    {
        var request = Net.Bytes(
            $"OPTIONS /v1/topics HTTP/1.1\r\nHost: {server.Origin.Authority}\r\nConnection: close\r\n"
            + "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n\r\n");
        await IsAsync(16, "CORS preflight of an allowed origin", "204", () => StatusOf(server, request));
    }

    private static async Task ForeignTextAsync(Server server)
    {
        (string Body, string Right)[] bodies =
        [
            ("""{"nam\ud800":1}""", "400"), ("""{"name":{"\ud800":1}}""", "400"), ("""{"name":"s1","\ud800":1}""", "201"),
            ("""{"name":"s2","x":"\udc00"}""", "201"), ("""{"name":"\ud800"}""", "400"), ("{\"name\":\"u1\",\"x\":\"\u00ff\"}", "400"),
            ("{\"\u00ff\":1}", "400"), ("\u00ef\u00bb\u00bf{\"name\":\"bom\"}", "400|201"), ("\u0000", "400"),
        ];
        foreach (var (body, right) in bodies)
        {
            await IsAsync(1, $"POST {Uri.EscapeDataString(body)}", right, () => StatusOf(server, Net.Post(body, server.Origin)));
        }

        foreach (var host in new[] { "xn--0.example", "a_b..c", "[::1", "::1", "localhost:99999", "%6c", "\u00fc" })
        {
            var request = Net.Bytes($"GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://a.example\r\n{Net.Upgrade}\r\n");
            await IsAsync(1, $"handshake with Host {host}", "400|403|421", () => StatusOf(server, request));
        }

        foreach (var origin in new[] { "http://xn--0", "http://[", "http://a:99999", "\u00ff", "http://%", "null" })
        {
            var request = Net.Handshake(server.Origin, $"Origin: {origin}\r\n");
            await IsAsync(1, $"handshake with Origin {origin}", "400|403", () => StatusOf(server, request));
        }

        Is(1, "exceptions in the log", "0", $"{Count(server.Log, "Exception")}");
    }

    private static async Task MemoryAsync()
    {
        using var server = await Server.StartAsync(_host, ("DOTNET_GCHeapHardLimit", "6400000"));
        await Net.AskAsync(server.Origin, Net.Post("""{"name":"mine"}""", server.Origin));
        using var other = await Net.SocketAsync(server.Origin);
        await other.SayAsync("""{"type":"subscribe","topic":"mine","client_id":"other"}""");
        await other.HearAsync();
        for (var n = 0; n < 100; n++)
        {
            await other.SayAsync("""{"type":"publish","topic":"mine","message":{"id":"1","payload":1}}""");
            await other.HearAsync();
            await other.HearAsync();
        }

        using var filler = await Net.SocketAsync(server.Origin);
        var payload = new string('x', 60_000);
        var (refused, failed, lost) = (0, 0, 0);
        for (var n = 0; n < 4_000 && filler.State == WebSocketState.Open; n++)
        {
            if (n % 100 == 0)
            {
                await Net.AskAsync(server.Origin, Net.Post($$"""{"name":"t{{n / 100}}"}""", server.Origin));
                await other.SayAsync("""{"type":"publish","topic":"mine","message":{"id":"1","payload":1}}""");
                string[] heard = [await other.HearAsync(), await other.HearAsync()];
                var hasAck = heard.Any(text => text.StartsWith("{\"type\":\"ack\"", StringComparison.Ordinal));
                var hasEvent = heard.Any(text => text.StartsWith("{\"type\":\"event\"", StringComparison.Ordinal));
                lost += hasAck && hasEvent ? 0 : 1;
            }

            await filler.SayAsync(
                $$$"""{"type":"publish","topic":"t{{{n / 100}}}","message":{"id":"{{{n}}}","payload":"{{{payload}}}"}}""");
            var reply = await filler.HearAsync();
            var isLimit = reply.Contains("LIMIT_EXCEEDED", StringComparison.Ordinal);
            refused += isLimit && reply.Contains("MAX_RETAINED_BYTES", StringComparison.Ordinal) ? 1 : 0;
            failed += reply.Contains("INTERNAL", StringComparison.Ordinal) || reply.StartsWith("the end", StringComparison.Ordinal) ? 1 : 0;
        }

        Is(
            2,
            "100 MiB, 240 MB published: refused by name, failed, lost by another client, exited",
            "True 0 0 False",
            $"{refused > 0} {failed} {lost} {server.HasExited}");

        // Clients that ask for large replies and read none of them.
        var request = Net.Text($$"""{"type":"ping","request_id":"{{new string('r', 250)}}"}""");
        var large = Net.Text($$"""{"type":"subscribe","topic":"t0","client_id":"c","last_n":100}""");
        var gone = Net.Text("""{"type":"unsubscribe","topic":"t0","client_id":"c"}""");
        byte[] flood = [.. Enumerable.Repeat<byte[]>([.. large, .. gone, .. request], 60).SelectMany(bytes => bytes)];
        var silent = new List<Socket>();
        for (var n = 0; n < 200; n++)
        {
            var socket = await Net.OpenAsync(server.Origin);
            silent.Add(socket);
            await socket.SendAsync(Net.Handshake(server.Origin));
            _ = Net.AskAsync(socket, [], fin: false, 0.01);
            _ = socket.SendAsync(flood);
        }

        await Task.Delay(3_000);
        await other.SayAsync("""{"type":"ping"}""");
        var isAnswered = (await other.HearAsync()).Contains("pong", StringComparison.Ordinal);
        Is(
            2,
            "100 MiB, 200 clients that read nothing: another client is answered, exited",
            "True False",
            $"{isAnswered} {server.HasExited}");
        silent.ForEach(socket => socket.Dispose());
    }

    private static async Task UnreadLogAsync()
    {
        using var server = await Server.StartUnreadAsync(_host, ("LOG_LEVEL", "debug"));
        for (var n = 0; n < 1_600; n++)
        {
            using var socket = await Net.OpenAsync(server.Origin);
            await socket.SendAsync(Net.Handshake(server.Origin));
            await Net.AskAsync(socket, Net.Frame(0x88, [3, 232]), fin: true, 2);
        }

        var clock = Stopwatch.StartNew();
        var status = await StatusOf(server, Net.Post("""{"name":"late"}""", server.Origin));
        var threads = Directory.GetDirectories($"/proc/{server.Id}/task").Length;
        Is(
            3,
            "1,600 connections and no reader of the log: creation, within 2 s, fewer than 100 threads",
            "201 True True",
            $"{status} {clock.Elapsed.TotalSeconds < 2} {threads < 100}");
    }

    private static async Task HalfCloseAsync(Server server)
    {
        const int Rounds = 50;
        await Net.AskAsync(server.Origin, Net.Post("""{"name":"half"}""", server.Origin));
        byte[] publishes =
        [
            .. Enumerable.Range(0, 20).SelectMany(n =>
                Net.Text($$$"""{"type":"publish","topic":"half","message":{"id":"{{{n}}}","payload":1}}""")),
        ];
        byte[] close = Net.Frame(0x88, [3, 232]);
        const string Echo = "\u0088\u0002\u0003\u00e8";
        var (acks, closes, alone, rest) = (0, 0, 0, 0);
        for (var n = 0; n < Rounds; n++)
        {
            var both = await Net.AskAsync(server.Origin, [.. Net.Handshake(server.Origin), .. publishes, .. close], fin: true);
            acks += Count(both, "\"ack\"") == 20 ? 1 : 0;
            closes += both.EndsWith(Echo, StringComparison.Ordinal) ? 1 : 0;
            var acked = await Net.AskAsync(server.Origin, [.. Net.Handshake(server.Origin), .. publishes], fin: true);
            acks += Count(acked, "\"ack\"") == 20 ? 1 : 0;
            var closed = await Net.AskAsync(server.Origin, [.. Net.Handshake(server.Origin), .. close], fin: true);
            alone += closed.EndsWith(Echo, StringComparison.Ordinal) ? 1 : 0;
            rest += Net.Status(await Net.AskAsync(server.Origin, Net.Get("/v1/topics", server.Origin), fin: true)) == 200 ? 1 : 0;
        }

        Is(4, "20 publishes, with and without Close, and FIN: all answered", $"{2 * Rounds}", $"{acks}");
        Is(4, "Close and FIN, with and without publishes: echoed", $"{2 * Rounds}", $"{closes + alone}");
        Is(4, "a request over REST and FIN: answered", $"{Rounds}", $"{rest}");
    }

    private static async Task StandstillAsync()
    {
        using var server = await Server.StartAsync(_host, ("KEEPALIVE_INTERVAL", "2"), ("KEEPALIVE_TIMEOUT", "2"));
        var clients = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            var client = await Net.SocketAsync(server.Origin);
            return (Client: client, End: client.HearAsync(60)); // a client that reads answers each Ping
        }));
        for (var time = 0; time < 3; time++)
        {
            await Task.Delay(2_100 + time * 300);
            server.Signal(Sigstop);
            await Task.Delay(4_000);
            server.Signal(Sigcont);
        }

        await Task.Delay(2_500);
        Is(
            5,
            "stopped for 4 s three times, clients answer every Ping: cut of 200",
            "0",
            $"{clients.Count(client => client.End.IsCompleted)}");
        foreach (var (client, _) in clients)
        {
            client.Dispose();
        }
    }

    private static async Task DescriptorsAsync()
    {
        using var server = await Server.StartAsync(_host, 220);
        var sockets = new List<Socket>();
        for (var n = 0; n < 400; n++)
        {
            var socket = await Net.OpenAsync(server.Origin);
            sockets.Add(socket);
            await socket.SendAsync(Net.Handshake(server.Origin));
        }

        await Task.Delay(1_000);
        var before = server.Cpu;
        await Task.Delay(3_000);
        var cores = (server.Cpu - before).TotalSeconds / 3;
        var live = await StatusOf(server, Net.Get("/livez", server.Origin));
        sockets.ForEach(socket => socket.Dispose());
        await Task.Delay(500);
        var after = await StatusOf(server, Net.Get("/livez", server.Origin));
        Is(
            7,
            "220 descriptors, 400 handshakes: less than 0.2 of a core, alive meanwhile and after, logged",
            "True 200 200 True",
            $"{cores < 0.2} {live} {after} {server.Log.Contains("MAX_CONNECTIONS", StringComparison.Ordinal)}");
    }

    private static async Task SilenceAsync()
    {
        using var server = await Server.StartAsync(_host, ("MAX_CONNECTIONS", "10"));
        var sockets = new List<Socket>();
        for (var n = 0; n < 300; n++)
        {
            var socket = await Net.OpenAsync(server.Origin);
            sockets.Add(socket);
            if (n % 3 == 1)
            {
                await socket.SendAsync(Net.Bytes("GET /livez HTTP/1.1\r\nHost: "));
            }
            else if (n % 3 == 2)
            {
                await socket.SendAsync(Net.Bytes($"GET /livez HTTP/1.1\r\nHost: {server.Origin.Authority}\r\n\r\n"));
            }
        }

        var clock = Stopwatch.StartNew();
        var live = await StatusOf(server, Net.Get("/livez", server.Origin));
        Is(
            8,
            "MAX_CONNECTIONS 10, 300 connections that are silent, slow or idle: /livez, within 1 s",
            "200 True",
            $"{live} {clock.Elapsed.TotalSeconds < 1}");
        sockets.ForEach(socket => socket.Dispose());
    }

    private static async Task StartsAsync()
    {
        (int Kind, string Arguments, (string, string)[] Settings, string Right, string Says)[] starts =
        [
            (9, "", [("BIND", "10.99.99.99")], "1", "BIND"),
            (9, "", [("BIND", "8080")], "2", "BIND"),
            (9, "", [("BIND", "fe80::1")], "2", "BIND"),
            (9, "", [("BIND", "::1%nosuch")], "2", "BIND"),
            (9, "", [("BIND", "localhos")], "2", "BIND"),
            (9, "", [("BIND", "127.1")], "2", "BIND"),
            (9, "", [("PORT", "-1")], "2", "PORT"),
            (9, "", [("PORT", "0x50")], "2", "PORT"),
            (9, "", [("MAX_RETAINED_BYTES", "-1")], "2", "MAX_RETAINED_BYTES"),
            (10, "", [("ALLOWED_ORIGINS", "app.example")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "https://*.example")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "https://a.example;https://b.example")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "[\"https://a.example\"]")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "'https://a.example'")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "https://a.example/path")], "2", "ALLOWED_ORIGINS"),
            (10, "", [("ALLOWED_ORIGINS", "https://a.example https://b.example")], "2", "ALLOWED_ORIGINS"),
            (11, "--help", [], "0", "MAX_MESSAGES"),
            (11, "--MAX_MESAGES 5", [], "2", "MAX_MESAGES"),
            (11, "healthcheck --PORT 1", [], "1", ""),
            (11, "serve", [], "2", "serve"),
            (11, "", [("LOG_LEVEL", "warn")], "", "Now listening on"),
            (11, "", [("LOG_LEVEL", "error"), ("LOG_FORMAT", "json")], "", "Now listening on"),
            (13, "", [("ALLOWED_HOSTS", "http://app.example")], "2", "ALLOWED_HOSTS"),
            (13, "", [("ALLOWED_HOSTS", "app.example:80")], "2", "ALLOWED_HOSTS"),
        ];
        foreach (var (kind, arguments, settings, right, says) in starts)
        {
            var (status, log) = await Server.TryAsync(_host, arguments, settings);
            var isOneLine = status is null or 0 || log.Split('\n').Length == 1;
            var given = arguments + string.Join(' ', settings.Select(setting => $"{setting.Item1}={setting.Item2}"));
            Is(
                kind,
                $"start with {given}: status, says {says}, in a line",
                $"{right} True True",
                $"{status} {log.Contains(says, StringComparison.Ordinal)} {isOneLine}");
        }
    }

    private static async Task OriginsAsync()
    {
        (string List, string Origin)[] rows =
        [
            ("https://app.example/", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("HTTPS://App.Example", "https://app.example"),
            ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
            (" https://a.example , https://app.example ", "https://app.example"),
            ("*", "https://any.example"),
        ];
        foreach (var (list, origin) in rows)
        {
            await WithAsync([("ALLOWED_ORIGINS", list)], async server =>
            {
                byte[] request = [.. Net.Handshake(server.Origin, $"Origin: {origin}\r\n"), .. Net.Frame(0x88, [])];
                await IsAsync(10, $"ALLOWED_ORIGINS={list}, handshake from {origin}", "101", async () =>
                    $"{Net.Status(await Net.AskAsync(server.Origin, request, fin: true))}");
            });
        }
    }

    private static async Task NamesAndHostsAsync(Server server)
    {
        foreach (var name in new[] { ".", ".." })
        {
            var post = Net.Post($$"""{"name":"{{name}}"}""", server.Origin);
            await IsAsync(12, $"POST of the name {name}", "400", () => StatusOf(server, post));
            var publish = Net.Text($$$"""{"type":"publish","topic":"{{{name}}}","message":{"id":"1","payload":1}}""");
            byte[] request = [.. Net.Handshake(server.Origin), .. publish, .. Net.Frame(0x88, [])];
            await IsAsync(12, $"publish to {name}", "True", async () =>
                $"{(await Net.AskAsync(server.Origin, request, fin: true)).Contains("BAD_REQUEST", StringComparison.Ordinal)}");
        }

        var own = server.Origin.Authority;
        var evil = $"evil.example:{server.Origin.Port}";
        await SendAsync(
            13,
            "handshake for evil.example from its page",
            "421",
            $"GET /v1/ws HTTP/1.1\r\nHost: {evil}\r\nOrigin: http://{evil}\r\n{Net.Upgrade}\r\n");
        await SendAsync(13, "GET for evil.example", "421", $"GET /v1/topics HTTP/1.1\r\nHost: {evil}\r\nConnection: close\r\n\r\n");
        await SendAsync(
            13,
            "GET of an absolute target on evil.example",
            "400|421",
            $"GET http://{evil}/v1/topics HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n");
        await SendAsync(
            13,
            "GET for localhost.",
            "200",
            $"GET /v1/topics HTTP/1.1\r\nHost: localhost.:{server.Origin.Port}\r\nConnection: close\r\n\r\n");

        await SendAsync(14, "handshake over HTTP/1.0", "426", $"GET /v1/ws HTTP/1.0\r\nHost: {own}\r\n{Net.Upgrade}\r\n");
        await IsAsync(14, "426 says Connection: Upgrade", "True", async () =>
        {
            var answer = await Net.AskAsync(server.Origin, Net.Get("/v1/ws", server.Origin));
            return $"{answer.Contains("Connection: Upgrade", StringComparison.OrdinalIgnoreCase)}";
        });
        await Net.AskAsync(server.Origin, Net.Post("""{"name":"a/b"}""", server.Origin));
        var target = $"http://{own}/v1/topics/a%2Fb";
        await IsAsync(14, "absolute target with %2F", "200", () => StatusOf(server, Net.Get(target, server.Origin)));
        await IsAsync(14, "GET /v1/topics/foo/", "404", () => StatusOf(server, Net.Get("/v1/topics/foo/", server.Origin)));
        Is(14, "exceptions in the log", "0", $"{Count(server.Log, "Exception")}");

        Task SendAsync(int kind, string input, string right, string request) =>
            IsAsync(kind, input, right, () => StatusOf(server, Net.Bytes(request)));
    }

    private static async Task LogAsync(Server server)
    {
        await Net.AskAsync(server.Origin, Net.Get("/v1/\u001b[31m", server.Origin));
        await Net.AskAsync(server.Origin, Net.Get("/v1/\u007f\u0001", server.Origin));
        await Net.AskAsync(
            server.Origin, Net.Bytes($"G\u001bT / HTTP/1.1\r\nHost: {server.Origin.Authority}\r\nConnection: close\r\n\r\n"));
        await Net.AskAsync(server.Origin, Net.Post("""{"name":"line\u2028feed\u202e\u200b"}""", server.Origin));
        await Task.Delay(500);
        var unsafeCharacters = server.Log.Count(letter =>
            letter != '\n' && (char.IsControl(letter) || letter is '\u2028' or '\u202e' or '\u200b'));
        Is(15, "characters in the log that end a line, colour it or reverse it", "0", $"{unsafeCharacters}");
        Is(15, "the topic is in the log", "True", $"{server.Log.Contains("feed", StringComparison.Ordinal)}");
    }

    private static async Task HangupAsync(Server server)
    {
        using var client = await Net.SocketAsync(server.Origin);
        server.Signal(Sighup);
        var end = await client.HearAsync();
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await IsAsync(17, "SIGHUP: the end, status", "the end 1001 0", async () => $"{end} {await server.ExitAsync()}");
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}

/// <summary>Generated requests and streams. The seed and the number of one determine it, so it can be sent again.</summary>
internal static class Fuzz
{
    private const int AtOnce = 8;

    /// <summary>Resident bytes by which the server may grow after warm-up.</summary>
    private const long Growth = 64 * 1024 * 1024;

    private static readonly string[] Targets =
    [
        "/v1/topics", "/v1/topics/", "/v1/topics/a", "/v1/topics/%2e%2e", "/v1/topics/..", "/v1/topics/a%2Fb", "/v1/topics/%",
        "/v1/topics/%zz", "/v1/topics/%ff", "/v1/topics/a/b/", "/v1/ws", "/v1/health", "/v1/stats", "/livez", "/readyz", "/", "*", "", "//",
        "/v1/../v1/topics", "http://localhost/v1/topics/a%2Fb", "http://[::1]:8/v1/ws", "/v1/topics?x=%00", "/v1/topics/\u001b[0m",
        "/v1/topics/\u00e9", "/v1/topics/a b", "localhost:80", "http://",
        "/v1/topics/a/messages", "/v1/topics/a/messages?last_n=2", "/v1/topics/a/messages?since=2025-01-01T00:00:00Z&epoch=%00%ff",
        "/v1/topics/a/messages?last_n=%ud8&last_n", "/v1/topics/%2e%2e/messages", "/v1/topics//messages", "/v1/topics/messages/messages",
        "/v1/topics/a/events", "/v1/topics/a/events?last_n=9", "/v1/topics/a/events?since=9999-12-31T23:59:59.9999999Z",
        "/v1/topics/a/events/../messages", "http://localhost/v1/topics/a/events?last_n=1",
    ];

    private static readonly string[] Methods =
    [
        "GET", "POST", "DELETE", "HEAD", "PUT", "OPTIONS", "PATCH", "CONNECT", "TRACE", "get", "G\u0001T", "", "PRI",
    ];

    private static readonly string[] Headers =
    [
        "Connection: close", "Connection: keep-alive", "Connection: Upgrade", "Connection: close, Upgrade, x, ,", "Upgrade: websocket",
        "Upgrade: h2c", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Key: x", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: a, b",
        "Content-Type: application/json", "Content-Type: application/json; charset=utf-16", "Content-Type: ;;", "Content-Length: 0",
        "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 70000",
        "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Expect: 100-continue",
        "Origin: http://localhost", "Origin: http://xn--0", "Origin: null", "Origin: http://[", "Host: evil.example", "Host: xn--0.example",
        "Host:", "X: \u00ff\u00fe", " folded: x", "no colon", "Access-Control-Request-Method: POST", "Range: bytes=0-1", "Accept: */*;q=2",
        "Cookie: \u0000", "Last-Event-ID: e/2025-01-01T00:00:00Z", "Last-Event-ID: /", "Last-Event-ID: \u00ff/\u00fe",
        "Accept: text/event-stream",
    ];

    private static readonly string[] Bodies =
    [
        """{"name":"a"}""", """{"name":"b","x":[1,2,{}]}""", """{"nam\ud800":1}""", """{"name":"\ud800"}""",
        """{"name":{"\udc00":[]}}""", """{"name":"."}""", "", "{", "[[[[", "\u00ff\u00fe", "null",
        """{"name":1e999}""", """{"name":"a","name":"b"}""", """{"name":"\u0000"}""",
        """{"id":"1","payload":1}""", """[{"id":"1","payload":[1,{}]},{"id":"2","payload":"\ud800"}]""",
        """[{"id":"\ud800","payload":1}]""",
        """[{"id":"1","payload":1},[""", "[[],{}]", "[]", """{"id":"1","id":2,"payload":1e999,"p\udc00":0}""",
    ];

    private static readonly string[] Messages =
    [
        """{"type":"ping","request_id":"r"}""",
        """{"type":"subscribe","topic":"a","client_id":"c","last_n":5}""",
        """{"type":"unsubscribe","topic":"a","client_id":"c"}""",
        """{"type":"publish","topic":"a","message":{"id":"1","payload":{"x":[1.5e300,"\ud83d\ude00"]}}}""",
        """{"type":"publish","topic":"none","message":{"id":"1","payload":null}}""",
        """{"type":"publish","topic":".","message":{"id":"1","payload":null}}""",
        """{"type":"pi\ud800ng"}""",
        """{"\ud800":1,"type":"ping"}""",
        """{"type":"subscribe","topic":"\udfff","client_id":"c"}""",
        """{"type":"subscribe","topic":"a","client_id":"c","last_n":1e999}""",
        """{"type":"subscribe","topic":"a","client_id":"c","last_n":-0.0}""",
        """{"type":"subscribe","topic":"a","client_id":"c","since":"2025-01-01T00:00:00Z","epoch":"\ud800"}""",
        """{"type":"subscribe","topic":"a","client_id":"c","since":"9999-12-31T23:59:60.99999999999+23:59"}""",
        """{"type":"subscribe","topic":"a","client_id":"c","since":"0000-00-00T00:00:00-00:00","epoch":""}""",
        """{"type":"subscribe","topic":"a","client_id":"c","since":null,"last_n":1}""",
        """{"type":"publish","topic":"a","message":"x"}""",
        """{"type":["ping"]}""",
        """{"type":"ping","request_id":{"a":1}}""",
        "[]",
        "",
        "null",
        "{\"type\":\"ping\"",
        "\ufeff{}",
        """{"type":"publish","topic":"a","message":{"id":"1","payload":1,"payload":2}}""",
    ];

    private static int _next;
    private static int _offences;

    public static async Task<int> RunAsync(string host, string amount, int seed)
    {
        var count = amount.EndsWith('x') ? int.Parse(amount[..^1], CultureInfo.InvariantCulture) : int.MaxValue;
        var time = amount.EndsWith('x') ? TimeSpan.FromDays(1) : TimeSpan.FromSeconds(double.Parse(amount, CultureInfo.InvariantCulture));
        using var server = await Server.StartAsync(
            Path.GetFullPath(host), ("LOG_LEVEL", "warn"), ("MAX_TOPICS", "50"), ("HANDSHAKE_TIMEOUT", "5"));
        await Net.AskAsync(server.Origin, Net.Post("""{"name":"a"}""", server.Origin));
        var clock = Stopwatch.StartNew();
        var warm = 0L;
        var descriptors = server.Descriptors;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time && Interlocked.Increment(ref _next) is var number && number <= count && !server.HasExited
                && Volatile.Read(ref _offences) == 0)
            {
                await OneAsync(server, seed, number);
                if (number == 20_000)
                {
                    warm = server.ResidentBytes;
                }
            }
        })));

        if (server.HasExited)
        {
            Object(seed, _next, $"the server ended: {server.Log}");
            return 1;
        }

        // A connection that hangs still has its descriptor.
        for (var wait = 0; wait < 200 && server.Descriptors > descriptors + 4; wait++)
        {
            await Task.Delay(100);
        }

        var sent = Math.Min(_next, count);
        var health = await Net.AskAsync(server.Origin, Net.Get("/v1/health", server.Origin));
        Check(server.Descriptors <= descriptors + 4, $"{server.Descriptors} descriptors after the run, {descriptors} before");
        Check(health.Contains("\"subscribers\":0", StringComparison.Ordinal), $"health says {health.Split("\r\n")[^1]}");
        Check(
            warm == 0 || server.ResidentBytes < warm + Growth,
            $"{server.ResidentBytes >> 20} MiB resident, {warm >> 20} MiB after warm-up");
        string[] bad =
        [
            .. server.Log.Split('\n').Where(line =>
                line.Contains("fail:", StringComparison.Ordinal) || line.Contains("Exception", StringComparison.Ordinal)),
        ];
        Check(bad.Length == 0, $"the log has: {string.Join('\n', bad.Take(5))}");
        Console.WriteLine(
            $"fuzz: seed {seed}, {sent:N0} requests and streams in {clock.Elapsed.TotalSeconds:F0} s, "
            + $"{server.ResidentBytes >> 20} MiB resident: {(_offences == 0 ? "no failure" : "FAILED")}");
        return _offences == 0 ? 0 : 1;

        void Check(bool holds, string otherwise)
        {
            if (!holds)
            {
                Object(seed, sent, otherwise);
            }
        }
    }

    private static async Task OneAsync(Server server, int seed, int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        var (bytes, isStream) = random.Next(2) == 0 ? (Requests(random, server.Origin), false) : (Stream(random, server.Origin), true);
        try
        {
            using var socket = await Net.OpenAsync(server.Origin);
            if (random.Next(20) == 0)
            {
                await socket.SendAsync(bytes);
                socket.Close(0); // a reset
                return;
            }

            var clock = Stopwatch.StartNew();
            var answer = await Net.AskAsync(socket, bytes, fin: true, seconds: 20);
            if (clock.Elapsed.TotalSeconds > 15)
            {
                Object(seed, number, "the server did not end a connection whose client had closed its sending side");
            }

            foreach (var start in answer.Split("HTTP/1.1 ")[1..])
            {
                // 503 says "not now", 507 "no room"; 505 answers a version of HTTP that is not 1.
                if (start is ['5', _, _, ' ', ..] && start[..3] is not ("503" or "505" or "507"))
                {
                    var input = Uri.EscapeDataString(Encoding.Latin1.GetString(bytes));
                    Object(seed, number, $"answered with {start.Split('\r')[0]} to {input}");
                }
            }

            if (isStream && answer.Contains("\"INTERNAL\"", StringComparison.Ordinal))
            {
                Object(seed, number, $"INTERNAL to {Uri.EscapeDataString(Encoding.Latin1.GetString(bytes))}");
            }
        }
        catch (SocketException)
        {
            // The server refused or reset the connection. The next request shows whether it is alive.
        }
    }

    private static void Object(int seed, int number, string offence)
    {
        Interlocked.Increment(ref _offences);
        Console.WriteLine($"fuzz: FAILED, seed {seed}, number {number}: {offence}");
    }

    /// <summary>One to four requests in a row, some truncated, some with bytes changed.</summary>
    private static byte[] Requests(Random random, Uri at)
    {
        var bytes = new List<byte>();
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var body = Net.Bytes(Any(random, Bodies));
            var (method, target) = (Any(random, Methods), Any(random, Targets));
            var version = random.Next(10) == 0 ? Any(random, ["HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "", "http/1.1"]) : "HTTP/1.1";
            var head = new StringBuilder($"{method} {target} {version}\r\n");
            head.Append(random.Next(10) == 0 ? "" : $"Host: {at.Authority}\r\n");
            head.Append(random.Next(3) == 0 ? "" : $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n");
            for (var h = random.Next(5); h > 0; h--)
            {
                head.Append(Any(random, Headers)).Append(random.Next(20) == 0 ? "\n" : "\r\n");
            }

            bytes.AddRange([.. Net.Bytes(head.Append("\r\n").ToString()), .. body]);
        }

        return Spoilt(random, bytes);
    }

    /// <summary>A handshake and frames, valid and invalid.</summary>
    private static byte[] Stream(Random random, Uri at)
    {
        var bytes = new List<byte>(Net.Handshake(at));
        for (var n = random.Next(1, 12); n > 0; n--)
        {
            var text = Encoding.UTF8.GetBytes(Any(random, Messages));
            bytes.AddRange(random.Next(12) switch
            {
                0 => Net.Frame(random.Next(256), text.AsSpan(0, Math.Min(text.Length, random.Next(126)))),
                1 =>
                [
                    .. Net.Frame(0x01, text.AsSpan(0, text.Length / 2)),
                    .. random.Next(2) == 0 ? Net.Frame(0x89, "p"u8) : [],
                    .. Net.Frame(0x80, text.AsSpan(text.Length / 2)),
                ],
                2 => Net.Frame(0x88, random.Next(3) switch
                {
                    0 => [],
                    1 => [3, 232],
                    _ => [(byte)random.Next(256), (byte)random.Next(256), 0xff],
                }),
                3 => Net.Frame(0x89, new byte[random.Next(126)]),
                4 => [0x81, 0xff, .. BitConverter.GetBytes(random.NextInt64()), 0, 0, 0, 0],
                5 => Net.Frame(0x82, text),
                6 => [.. Enumerable.Repeat(Net.Frame(0x00, []), random.Next(50)).SelectMany(frame => frame)],
                _ => Spoilt(random, [.. Net.Frame(0x81, text)], oneIn: 4),
            });
        }

        return Spoilt(random, bytes);
    }

    private static byte[] Spoilt(Random random, List<byte> bytes, int oneIn = 3)
    {
        if (random.Next(oneIn) == 0)
        {
            for (var n = random.Next(1, 6); n > 0 && bytes.Count > 0; n--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(3))
                {
                    case 0:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        bytes.RemoveAt(at);
                        break;
                    default:
                        bytes.Insert(at, (byte)random.Next(256));
                        break;
                }
            }
        }

        return [.. random.Next(6) == 0 ? bytes.Take(random.Next(bytes.Count + 1)) : bytes];
    }

    private static T Any<T>(Random random, T[] of) => of[random.Next(of.Length)];
}
