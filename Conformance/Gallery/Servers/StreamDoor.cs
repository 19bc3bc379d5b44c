using System.Text;
using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Server-Sent Events (SPEC, section 19). A stream is a subscriber with a queue of its own, and the only writer of its connection.
/// </summary>
internal sealed class StreamDoor(SmallServer server)
{
    private static readonly string[] LineEnds = ["\r\n", "\n", "\r"];

    /// <summary>Request, topic name.</summary>
    public Seam<Func<HttpRequest, string, HttpResponse>> Answer => field ??= new((request, name) =>
    {
        if (server.IsDraining)
        {
            return server.Messages.Problem.Call(503, "DRAINING", "the server is about to end");
        }

        var beginning = BeginningOf.Call(request);
        if (server.Topics.Find.Call(name) is not { } topic)
        {
            return NoSuchTopic.Call(name);
        }

        if (request.Method == "HEAD")
        {
            return Head;
        }

        var queue = new SendQueue(server);
        EachQueue.Call(topic, queue);
        server.Streams[queue] = 0;
        if (topic.TryFollow.Call(queue, beginning) is { } reading)
        {
            return Head with
            {
                Stream = (connection, head, stopping) =>
                    RunAsync(new(topic, beginning, reading, queue, connection, request.Caller), head, stopping),
            };
        }

        Drop(queue);
        return NoSuchTopic.Call(name);
    });

    /// <summary>Topic, queue: changes the queue of every stream.</summary>
    public Seam<Action<Topic, SendQueue>> EachQueue => field ??= new((_, _) => { });

    /// <summary>The answer before its stream.</summary>
    private HttpResponse Head => new(200, "", "text/event-stream") { KeepsAlive = false, Headers = [.. Headers.Call()] };

    public Seam<Func<IEnumerable<string>>> Headers => field ??= new(() => ["Cache-Control: no-store"]);

    public Seam<Func<string, HttpResponse>> NoSuchTopic => field ??= new(name => server.Rest.NoSuchTopic.Call("GET", name));

    /// <summary>
    /// Where a stream begins. An <c>EventSource</c> that reconnects repeats its address, so Last-Event-ID is later than what that says.
    /// </summary>
    public Seam<Func<HttpRequest, Beginning>> BeginningOf => field ??= new(request =>
    {
        var asked = Beginning.In(request, otherwise: 0);
        return request["Last-Event-ID"] is { Length: > 0 } id
            ? new(0, Position.Parse(id) ?? throw RestDoor.Bad("Last-Event-ID must be an id of this server's events"))
            : asked;
    });

    /// <summary>Topic, beginning, reading: the text before the first event.</summary>
    public Seam<Func<Topic, Beginning, Reading, string>> Opening => field ??= new((topic, beginning, reading) =>
        $": {topic.Name}\n"
        + (beginning.Since is null ? First.Call(topic, reading.Before) : "\n")
        + (IsTorn.Call(beginning, reading) ? Gap.Call(topic) : ""));

    /// <summary>Topic, stamp: the position before the first event of a stream that is not resumed.</summary>
    public Seam<Func<Topic, long, string>> First => field ??= new((topic, stamp) => $"id: {Id.Call(topic, stamp)}\n\n");

    /// <summary>Whether a stream begins with a gap.</summary>
    public Seam<Func<Beginning, Reading, bool>> IsTorn =>
        field ??= new((beginning, reading) => beginning.Since is not null && !reading.IsComplete);

    public Seam<Func<Topic, string>> Gap => field ??= new(topic =>
        Named("gap", $$"""{"type":"gap","topic":{{Messages.Quote(topic.Name)}}}"""));

    /// <summary>Topic, stamp.</summary>
    public Seam<Func<Topic, long, string>> Id =>
        field ??= new((topic, stamp) => $"{topic.Epoch.Call()}/{server.Messages.Format.Call(stamp)}");

    /// <summary>Topic, event: the text of an event with its id.</summary>
    public Seam<Func<Topic, byte[], string>> Event => field ??= new((topic, @event) =>
        $"id: {Id.Call(topic, topic.StampOf(@event) ?? 0)}\n{Data.Call(Encoding.UTF8.GetString(@event))}\n");

    /// <summary>The lines of a JSON text, which may have line ends between its members.</summary>
    public Seam<Func<string, string>> Data =>
        field ??= new(json => string.Concat(json.Split(LineEnds, StringSplitOptions.None).Select(line => $"data: {line}\n")));

    /// <summary>A notice or an error, after which the stream ends.</summary>
    public Seam<Func<byte[], string>> Last => field ??= new(message =>
    {
        using var json = JsonDocument.Parse(message);
        return Named(json.RootElement.GetProperty("type").GetString()!, Encoding.UTF8.GetString(message));
    });

    /// <summary>The line that is sent when no event came for a while.</summary>
    public Seam<Func<string>> Comment => field ??= new(() => ":\n\n");

    /// <summary>Encodes each text for the connection; the empty text is the end.</summary>
    public Seam<Func<string, byte[]>> Coding => field ??= new(Encoding.UTF8.GetBytes);

    private string Named(string name, string json) => $"event: {name}\n{Data.Call(json)}\n";

    private async Task RunAsync(Stream stream, byte[] head, CancellationToken stopping)
    {
        var (topic, beginning, reading, queue, connection, caller) = stream;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = WatchAsync(queue, connection, ending.Token);
        _ = server.Guard.ExpireAsync.Call(caller, queue);
        try
        {
            await connection.WriteAsync((byte[])[.. head, .. Coding.Call(Opening.Call(topic, beginning, reading))], stopping);
            while (await NextAsync(queue, connection, stopping) is { } text)
            {
                var isEvent = topic.StampOf(text) is not null;
                await connection.WriteAsync(Coding.Call(isEvent ? Event.Call(topic, text) : Last.Call(text)), stopping);
                if (!isEvent)
                {
                    break;
                }
            }

            if (Coding.Call("") is { Length: > 0 } end)
            {
                await connection.WriteAsync(end, stopping);
            }
        }
        finally
        {
            queue.Abandon.Call(null, 1000, "");
            topic.Leave.Call(queue);
            await ending.CancelAsync();
            Drop(queue);
        }
    }

    /// <summary>The next text of the queue; until it comes, comments are sent.</summary>
    private async Task<byte[]?> NextAsync(SendQueue queue, Connection connection, CancellationToken stopping)
    {
        var next = queue.NextAsync();
        if (server.Settings.KeepAliveInterval > TimeSpan.Zero)
        {
            while (await Task.WhenAny(next, Task.Delay(server.Settings.KeepAliveInterval, stopping)) != next)
            {
                stopping.ThrowIfCancellationRequested();
                await connection.WriteAsync(Coding.Call(Comment.Call()), stopping);
            }
        }

        return await next;
    }

    /// <summary>Ends the queue of a reader that has gone.</summary>
    private static async Task WatchAsync(SendQueue queue, Connection connection, CancellationToken ending)
    {
        var input = new byte[256];
        try
        {
            while (await connection.ReadAsync(input, ending) > 0)
            {
                // A reader has nothing more to say.
            }
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // It was reset, or the stream has ended.
        }

        queue.Abandon.Call(null, 1000, "");
    }

    private void Drop(SendQueue queue)
    {
        server.Streams.TryRemove(queue, out _);
        queue.Dispose();
    }

    private sealed record Stream(
        Topic Topic, Beginning Beginning, Reading Reading, SendQueue Queue, Connection Connection, Caller Caller);
}
