using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Operations;

/// <summary>A headless Chromium, driven by the Chrome DevTools Protocol.</summary>
internal sealed partial class Browser : IAsyncDisposable
{
    private static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome"];

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("pubsub-browser-");
    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _calls = [];
    private readonly ConcurrentDictionary<string, Page> _pages = new(StringComparer.Ordinal);
    private readonly Process _process;
    private Task _receiving = Task.CompletedTask;
    private int _lastCall;

    private Browser(string program) => _process = new Process
    {
        StartInfo = new ProcessStartInfo(
            program,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
                "--remote-debugging-port=0", $"--user-data-dir={_profile.FullName}",
            ])
        {
            RedirectStandardError = true,
        },
    };

    /// <summary>Starts one. If there is none, the test is ignored; with PUBSUB_REQUIRE_BROWSER=1 it fails.</summary>
    public static async Task<Browser> StartAsync()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var program = Programs.FirstOrDefault(name => folders.Any(folder => File.Exists(Path.Combine(folder, name))));
        if (program is null)
        {
            var lacks = $"none of {string.Join(", ", Programs)} is on the PATH";
            if (Environment.GetEnvironmentVariable("PUBSUB_REQUIRE_BROWSER") == "1")
            {
                Assert.Fail(lacks);
            }

            Assert.Ignore(lacks);
        }

        var browser = new Browser(program!);
        try
        {
            await browser.ConnectAsync();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a page with a storage of its own, and lets it load.</summary>
    public async Task<Page> OpenAsync(Uri address, int width = 1280, int height = 900, bool dark = false)
    {
        var context = await CallAsync("Target.createBrowserContext", new { });
        var target = await CallAsync(
            "Target.createTarget",
            new { url = "about:blank", browserContextId = context.GetProperty("browserContextId").GetString() });
        var attached = await CallAsync(
            "Target.attachToTarget", new { targetId = target.GetProperty("targetId").GetString(), flatten = true });
        var session = attached.GetProperty("sessionId").GetString()!;
        var page = _pages[session] = new Page(this, session);
        foreach (var domain in new[] { "Runtime", "Log", "Network", "Page" })
        {
            await page.CallAsync($"{domain}.enable", new { });
        }

        await page.CallAsync("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 500 });
        await page.CallAsync(
            "Emulation.setEmulatedMedia",
            new { features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });
        await page.CallAsync("Page.navigate", new { url = address.AbsoluteUri });
        await page.UntilAsync("document.readyState === 'complete' && location.href !== 'about:blank'");
        return page;
    }

    public async Task<JsonElement> CallAsync(string method, object parameters, string? session = null)
    {
        var id = Interlocked.Increment(ref _lastCall);
        var answer = _calls[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new Dictionary<string, object> { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null)
        {
            call["sessionId"] = session;
        }

        using var limit = new CancellationTokenSource(Threads.Patience);
        await _sending.WaitAsync(limit.Token);
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(call), WebSocketMessageType.Text, true, limit.Token);
        }
        finally
        {
            _sending.Release();
        }

        return await answer.Task.WaitAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().WaitAsync(Threads.Patience);
        await _receiving.WaitAsync(Threads.Patience);
        _process.Dispose();
        _socket.Dispose();
        _sending.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A process of the browser has written at the last moment; the system clears its temporary files.
        }
    }

    private async Task ConnectAsync()
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        _process.Start();
        Match address;
        do
        {
            var line = await _process.StandardError.ReadLineAsync(limit.Token) ?? throw new IOException("the browser has ended");
            address = Address().Match(line);
        }
        while (!address.Success);

        _process.ErrorDataReceived += (_, _) => { };
        await _socket.ConnectAsync(new Uri(address.Value), limit.Token);
        _receiving = ReceiveAsync();
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                using var message = await JsonDocument.ParseAsync(WebSocketStream.CreateReadableMessageStream(_socket));
                Take(message.RootElement.Clone());
            }
        }
        catch (Exception end) when (end is WebSocketException or JsonException or IOException or ObjectDisposedException)
        {
            foreach (var call in _calls.Values)
            {
                call.TrySetException(new IOException("the browser has ended", end));
            }
        }
    }

    private void Take(JsonElement message)
    {
        if (!message.TryGetProperty("id", out var id))
        {
            if (message.TryGetProperty("sessionId", out var session) && _pages.TryGetValue(session.GetString()!, out var page))
            {
                page.Note(message.GetProperty("method").GetString()!, message.GetProperty("params"));
            }
        }
        else if (_calls.TryRemove(id.GetInt32(), out var call))
        {
            if (message.TryGetProperty("error", out var error))
            {
                call.TrySetException(new InvalidOperationException(error.GetRawText()));
            }
            else
            {
                call.TrySetResult(message.GetProperty("result"));
            }
        }
    }

    [GeneratedRegex(@"ws://\S+")]
    private static partial Regex Address();
}
