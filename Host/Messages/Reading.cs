using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Messages;

/// <summary>
/// Reads a topic's retained events over HTTP (SPEC, section 18). The reader is a subscriber that joins nothing, so that what a slow client
/// has not taken is counted and bounded like everything else that waits.
/// </summary>
internal static class Reading
{
    /// <summary>Bytes of events that are written at a time, unless a single one is larger.</summary>
    private const int BatchBytes = 32 * 1024;

    public static void MapReading(this IEndpointRouteBuilder routes) =>
        routes.MapMethods(TopicPath.Messages, Methods.GetAndHead, ReadAsync);

    private static async Task<IResult> ReadAsync(HttpContext context, Broker broker, IEngine engine, Settings settings)
    {
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        if (!context.Caller().MaySubscribe(name))
        {
            return Problem.Result(Refusals.Forbidden("read"));
        }

        var beginning = Beginning.OfQuery(context.Request);
        if (await engine.FindAsync(name).ConfigureAwait(false) is not { } topic)
        {
            return Problem.Result(Refusals.TopicNotFound);
        }

        var reader = broker.Admit();
        try
        {
            var wakes = new Wakes();
            var isWhole = beginning.Position is { } position
                ? topic.Read(reader, position, wakes)
                : topic.Read(reader, beginning.LastN ?? int.MaxValue, wakes);
            wakes.Release();
            if (isWhole is null)
            {
                return Problem.Result(Refusals.TopicNotFound);
            }

            if (reader.Closed != CloseReason.None)
            {
                return Problem.Result(Refusals.NoRoom(settings));
            }

            await AnswerAsync(context, topic, isWhole.Value, reader).ConfigureAwait(false);
            return Results.Empty;
        }
        finally
        {
            reader.Close(CloseReason.Left);
            reader.Forget();
        }
    }

    private static async ValueTask AnswerAsync(HttpContext context, Topic topic, bool isWhole, Subscriber reader)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        var body = context.Response.BodyWriter;
        var name = JsonEncodedText.Encode(topic.Name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        await context.Response
            .WriteAsync($$"""{"topic":"{{name}}","epoch":"{{topic.Epoch}}","complete":{{(isWhole ? "true" : "false")}},"events":[""")
            .ConfigureAwait(false);
        var isFirst = true;
        for (var batch = reader.Take(BatchBytes); !batch.IsEmpty; batch = reader.Take(BatchBytes))
        {
            Write(batch, body, ref isFirst);
            await body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            reader.Release();
        }

        if (reader.Closed != CloseReason.None)
        {
            context.Abort(); // it was too slow, and what it has got is not all
        }

        await context.Response.WriteAsync("]}").ConfigureAwait(false);
    }

    private static void Write(ReadOnlyMemory<Outgoing> batch, PipeWriter body, ref bool isFirst)
    {
        foreach (ref readonly var outgoing in batch.Span)
        {
            var json = WebSocketFrame.Payload(outgoing.Frame);
            var target = body.GetSpan(json.Length + 1);
            target[0] = (byte)',';
            var comma = isFirst ? 0 : 1;
            json.CopyTo(target[comma..]);
            body.Advance(json.Length + comma);
            isFirst = false;
        }
    }
}
