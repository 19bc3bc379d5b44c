using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Operations;

/// <summary>A page in a <see cref="Browser"/>.</summary>
internal sealed class Page(Browser browser, string session)
{
    private static readonly Dictionary<string, int> KeyCodes = new(StringComparer.Ordinal)
    {
        ["Tab"] = 9,
        ["Enter"] = 13,
        ["Escape"] = 27,
        ["ArrowDown"] = 40,
    };

    private readonly ConcurrentQueue<string> _faults = [];
    private readonly ConcurrentQueue<string> _requests = [];

    /// <summary>Exceptions, errors in its console, and what its policy has forbidden; not what the network refused.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    /// <summary>The addresses of its requests.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    public Task<JsonElement> CallAsync(string method, object parameters) => browser.CallAsync(method, parameters, session);

    /// <summary>The value of an expression; a promise is awaited.</summary>
    public async Task<JsonElement> EvaluateAsync(string expression)
    {
        var answer = await CallAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        if (answer.TryGetProperty("exceptionDetails", out var details))
        {
            throw new InvalidOperationException($"{expression}: {details.GetRawText()}");
        }

        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    /// <summary>Waits until an expression is true.</summary>
    public async Task UntilAsync(string expression)
    {
        var started = Stopwatch.StartNew();
        while (!await IsAsync(expression))
        {
            if (started.Elapsed > Threads.Patience)
            {
                Assert.Fail($"not within {Threads.Patience}: {expression}\n{await EvaluateAsync("document.body.innerText")}");
            }

            await Task.Delay(30);
        }
    }

    /// <summary>Whether an expression is true now. While the page loads, it is not.</summary>
    public async Task<bool> IsAsync(string expression)
    {
        try
        {
            return (await EvaluateAsync(expression)).ValueKind == JsonValueKind.True;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Waits until the page shows a text.</summary>
    public Task ShowsAsync(string text) => UntilAsync($"document.body.innerText.includes({JsonSerializer.Serialize(text)})");

    public Task ClickAsync(string selector) => EvaluateAsync($"{Element(selector)}.click()");

    /// <summary>Moves the focus to an element, and types in place of what is there.</summary>
    public async Task TypeAsync(string selector, string text)
    {
        await EvaluateAsync($"{Element(selector)}.focus(), {Element(selector)}.select()");
        await TypeAsync(text);
    }

    /// <summary>Types where the focus is.</summary>
    public Task TypeAsync(string text) => CallAsync("Input.insertText", new { text });

    public async Task PressAsync(string key, bool control = false, bool shift = false)
    {
        var modifiers = (control ? 2 : 0) + (shift ? 8 : 0);
        var (windowsVirtualKeyCode, text) = (KeyCodes[key], key == "Enter" && !control ? "\r" : "");
        await CallAsync("Input.dispatchKeyEvent", new { type = "keyDown", key, code = key, windowsVirtualKeyCode, modifiers, text });
        await CallAsync("Input.dispatchKeyEvent", new { type = "keyUp", key, code = key, windowsVirtualKeyCode, modifiers });
    }

    /// <summary>Presses Tab until an element has the focus. Each element on the way must show that it has the focus.</summary>
    public async Task TabToAsync(string selector, bool back = false)
    {
        for (var steps = 0; steps < 40; steps++)
        {
            await PressAsync("Tab", shift: back);
            Assert.That(
                await IsAsync("(at => at === document.body || getComputedStyle(at).outlineWidth === '2px')(document.activeElement)"),
                $"no visible focus on the way to {selector}");
            if (await IsAsync($"document.activeElement.matches({JsonSerializer.Serialize(selector)})"))
            {
                return;
            }
        }

        Assert.Fail($"Tab does not lead to {selector}");
    }

    /// <summary>A picture of an element, or else of what is in view, as PNG.</summary>
    public async Task<byte[]> PictureAsync(string? selector = null)
    {
        var parameters = new Dictionary<string, object> { ["format"] = "png", ["captureBeyondViewport"] = selector is not null };
        if (selector is not null)
        {
            parameters["clip"] = await EvaluateAsync(
                "(({ x, y, width, height }) => ({ x: x + scrollX, y: y + scrollY, width, height, scale: 1 }))"
                + $"({Element(selector)}.getBoundingClientRect())");
        }

        return (await CallAsync("Page.captureScreenshot", parameters)).GetProperty("data").GetBytesFromBase64();
    }

    /// <summary>Takes an event of the protocol.</summary>
    public void Note(string method, JsonElement parameters)
    {
        switch (method)
        {
            case "Runtime.exceptionThrown":
            case "Runtime.consoleAPICalled" when parameters.GetProperty("type").GetString() is "error" or "assert":
            case "Log.entryAdded" when IsFault(parameters.GetProperty("entry")):
                _faults.Enqueue(parameters.GetRawText());
                break;
            case "Network.requestWillBeSent":
                _requests.Enqueue(parameters.GetProperty("request").GetProperty("url").GetString()!);
                break;
        }
    }

    private static string Element(string selector) => $"document.querySelector({JsonSerializer.Serialize(selector)})";

    private static bool IsFault(JsonElement entry) =>
        entry.GetProperty("level").GetString() == "error" && entry.GetProperty("source").GetString() != "network";
}
