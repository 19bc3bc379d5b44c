using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>Topics over REST (SPEC, section 1).</summary>
internal static class Topics
{
    private const string Path = "/v1/topics";
    private const string NamedPath = "/v1/topics/{name}";

    private static readonly string[] GetAndHead = ["GET", "HEAD"];

    public static void MapTopics(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, CreateAsync);
        routes.MapMethods(Path, GetAndHead, List);
        routes.MapMethods(NamedPath, GetAndHead, Get);
        routes.MapDelete(NamedPath, Delete);
    }

    /// <summary>
    /// Leads every target with one segment behind <c>/v1/topics/</c> to the named path, before the server's idea of <c>..</c> and
    /// <c>%2F</c> gets in the way: names have no meaning (PS-REST-023). The handlers read the name from the raw target.
    /// </summary>
    public static void UseRawTopicNames(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var target = RawTarget(context);
        var path = target.Split('?', 2)[0];
        if (path.StartsWith(Path + "/", StringComparison.Ordinal) && path.Length > Path.Length + 1 && path.LastIndexOf('/') == Path.Length)
        {
            context.Request.Path = Path + "/name";
        }

        return next(context);
    });

    private static async Task<IResult> CreateAsync(HttpContext context, Broker broker, Settings settings, ILogger<Broker> logger)
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problem.Result(415, ErrorCode.UnsupportedMediaType, "Content-Type must be application/json");
        }

        string name;
        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false };
            using var body = await JsonDocument.ParseAsync(context.Request.Body, options, context.RequestAborted).ConfigureAwait(false);
            if (NameFault(body.RootElement, out name) is { } fault)
            {
                return Problem.Result(400, ErrorCode.BadRequest, fault);
            }
        }
        catch (JsonException)
        {
            return Problem.Result(400, ErrorCode.BadRequest, "the body must be valid JSON, nested at most 64 levels deep, with no member given twice");
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == 413)
        {
            return Problem.Result(413, ErrorCode.ContentTooLarge, $"the body must be at most {settings.MaxMessageBytes} bytes long (MAX_MESSAGE_BYTES)");
        }

        switch (broker.Create(name))
        {
            case Creating.Exists:
                return Problem.Result(409, ErrorCode.TopicExists, "name must not be that of an existing topic");
            case Creating.LimitReached:
                return Problem.Result(507, ErrorCode.LimitExceeded, $"there are {settings.MaxTopics} topics, which is the most there may be (MAX_TOPICS)");
            default:
                Log.TopicCreated(logger, name);

                // Relative to the request, so that it holds behind a proxy that puts a path in front.
                var here = context.Request.Path.Value is [.., '/'] ? "" : "topics/";
                return TypedResults.Created($"{here}{Uri.EscapeDataString(name)}", new TopicOutcome("created", name));
        }
    }

    private static Ok<TopicList> List(Broker broker) =>
        TypedResults.Ok(new TopicList([.. broker.List().Select(topic => new ListedTopic(topic.Name, topic.Count().Subscribers))]));

    private static IResult Get(HttpContext context, Broker broker)
    {
        if (NameFault(context, out var name) is { } fault)
        {
            return fault;
        }

        return broker.Find(name)?.Count() is var (subscribers, messages)
            ? TypedResults.Ok(new TopicDetails(name, subscribers, messages))
            : NotFound();
    }

    private static IResult Delete(HttpContext context, Broker broker, Settings settings, ServerMessage say, ILogger<Broker> logger)
    {
        if (NameFault(context, out var name) is { } fault)
        {
            return fault;
        }

        if (!broker.TryDelete(name, say.TopicDeleted(name), settings.DisconnectOnDeletion))
        {
            return NotFound();
        }

        Log.TopicDeleted(logger, name);
        return TypedResults.Ok(new TopicOutcome("deleted", name));
    }

    private static IResult NotFound() => Problem.Result(404, ErrorCode.TopicNotFound, "topic not found");

    private static string? NameFault(JsonElement body, out string name)
    {
        name = "";
        if (body.ValueKind != JsonValueKind.Object)
        {
            return "the body must be a JSON object";
        }

        if (!body.TryGetProperty("name", out var value))
        {
            return "name is required";
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            return "name must be a string";
        }

        try
        {
            name = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return "name must not contain an unpaired surrogate";
        }

        return TopicName.Fault(name) is { } fault ? $"name {fault}" : null;
    }

    private static IResult? NameFault(HttpContext context, out string name)
    {
        if (!TopicName.TryFromTarget(RawTarget(context), out name))
        {
            return Problem.Result(400, ErrorCode.BadRequest, "the topic name in the path must be percent-encoded UTF-8");
        }

        return TopicName.Fault(name) is { } fault ? Problem.Result(400, ErrorCode.BadRequest, $"the topic name in the path {fault}") : null;
    }

    private static string RawTarget(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}
