using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using PubSub.Hosting.Access;
using PubSub.Hosting.Description;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Metrics;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Rest;

namespace PubSub.Hosting.Messages;

/// <summary>Publishes over HTTP, one message or a batch (SPEC, section 18). Below the parsing it is what the WebSocket does.</summary>
internal static class Publishing
{
    /// <summary>Messages that a batch may have: a step that every subscriber of the topic waits for.</summary>
    private const int MaxMessages = 1_000;

    /// <summary>Bytes of events after which the readers are let run once more: about what one of them writes at a time.</summary>
    private const int BytesPerTurn = 32 * 1024;

    public static void MapPublishing(this IEndpointRouteBuilder routes) =>
        routes.MapPost(TopicPath.Messages, PublishAsync)
            .Describe(
                "publish",
                "Publishes a message, or up to 1,000 in one step. Needs the permission to publish to the topic.",
                400, 403, 404, 413, 415, 429, 503, 507)
            .Takes(typeof(Message), orMany: true).Gives(200, typeof(PublishOutcome));

    private static async Task<IResult> PublishAsync(
        HttpContext context,
        Broker broker,
        IEngine engine,
        Settings settings,
        ServerMessage say,
        ILogger<Broker> logger,
        [FromServices] Instruments? instruments)
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problem.Result(Refusals.NoJson);
        }

        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        if (!context.Caller().MayPublish(name))
        {
            return Problem.Result(Refusals.Forbidden("publish to"));
        }

        if (!await engine.HasAsync(name).ConfigureAwait(false))
        {
            return Problem.Result(Refusals.TopicNotFound);
        }

        var most = Math.Max(settings.MaxBatchBytes, settings.MaxMessageBytes);
        using var body = await Body.ReadAsync(context, broker, most, "MAX_BATCH_BYTES").ConfigureAwait(false);
        instruments?.Http.Received.Add(body.Bytes.Length);
        if (body.Refusal(settings) is { } refusal)
        {
            return Problem.Result(refusal);
        }

        if (body.Bytes.Length > settings.MaxMessageBytes && !IsArray(body.Bytes.Span))
        {
            return Problem.Result(Refusals.BodyTooLarge(settings.MaxMessageBytes, "MAX_MESSAGE_BYTES"));
        }

        var messages = RequestFields.ReadMessages(body.Bytes, MaxMessages, settings.MaxMessageBytes);
        if (context.Caller().Publish(name, messages.Count, body.Bytes.Length) is { } limit)
        {
            return Problem.Result(limit);
        }

        Log.PublishedOverHttp(logger, context.Connection.Id, new(name), messages.Count, body.Bytes.Length);
        var stamps = new long[messages.Count];
        switch (await PublishAllAsync(engine, name, messages, say, stamps).ConfigureAwait(false))
        {
            case PublishResult.Accepted:
                instruments?.Http.Publishes.Add(messages.Count);
                Answer(context, name, messages, stamps);
                return Results.Empty;
            case PublishResult.LimitReached:
                return Problem.Result(Refusals.NoMemory(settings));
            default:
                return Problem.Result(Refusals.TopicNotFound);
        }
    }

    private static async ValueTask<PublishResult> PublishAllAsync(
        IEngine engine, string topic, List<RawMessage> messages, ServerMessage say, long[] stamps)
    {
        var rawTopic = Quoted(topic);
        var drafts = new Draft[messages.Count];
        var bytes = 0;
        for (var i = 0; i < drafts.Length; i++)
        {
            drafts[i] = say.Event(rawTopic, messages[i].Json);
            bytes += drafts[i].Length;
        }

        var wakes = new Wakes();
        var result = await engine.PublishAllAsync(topic, drafts, stamps, wakes).ConfigureAwait(false);
        var turns = wakes.AreDue ? 1 + bytes / BytesPerTurn : 0;
        wakes.Release();
        for (; turns > 0; turns--)
        {
            await Task.Yield(); // a client that publishes without a pause must not outrun the readers
        }

        return result;
    }

    private static void Answer(HttpContext context, string topic, List<RawMessage> messages, long[] stamps)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        using var json = new Utf8JsonWriter(
            context.Response.BodyWriter, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
        Span<byte> timestamp = stackalloc byte[Stamp.Length];
        json.WriteStartObject();
        json.WriteString("status"u8, "ok"u8);
        json.WriteString("topic"u8, topic);
        json.WriteStartArray("messages"u8);
        for (var i = 0; i < messages.Count; i++)
        {
            Stamp.Write(stamps[i], timestamp);
            json.WriteStartObject();
            json.WritePropertyName("id"u8);
            json.WriteRawValue(messages[i].Id.Span, skipInputValidation: true);
            json.WriteString("timestamp"u8, timestamp);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static bool IsArray(ReadOnlySpan<byte> json) => json.TrimStart(" \t\r\n"u8) is [(byte)'[', ..];

    private static byte[] Quoted(string topic) =>
        [(byte)'"', .. JsonEncodedText.Encode(topic, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];
}
