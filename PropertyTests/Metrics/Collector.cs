using System.Collections.Concurrent;
using System.Net;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Metrics;

/// <summary>Takes what is pushed by OTLP over HTTP, and keeps it as it came.</summary>
internal sealed class Collector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _taken = new();

    public Collector()
    {
        Origin = $"http://127.0.0.1:{Ports.Lasting()}";
        _listener.Prefixes.Add(Origin + "/");
        _listener.Start();
        _ = TakeAsync();
    }

    public string Origin { get; }

    /// <summary>Waits until one of the bodies that were sent to a path contains all of these bytes.</summary>
    public async Task<byte[]> TakeAsync(string path, params byte[][] parts)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        while (true)
        {
            foreach (var (to, body) in _taken)
            {
                if (to == path && parts.All(part => body.AsSpan().IndexOf(part) >= 0))
                {
                    return body;
                }
            }

            await Task.Delay(20, limit.Token);
        }
    }

    public void Dispose() => ((IDisposable)_listener).Dispose();

    private async Task TakeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                _taken.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
        }
        catch (Exception end) when (end is HttpListenerException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
