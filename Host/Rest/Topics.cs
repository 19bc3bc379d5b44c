using System.Security.Cryptography;
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
    /// Routes every target with one segment behind <c>/v1/topics/</c> to the named path, before the framework interprets <c>..</c> and
    /// <c>%2F</c>: names have no meaning (PS-REST-023). A target with a slash at its end leads nowhere. The handlers read the name from the
    /// raw target.
    /// </summary>
    public static void UseRawTopicNames(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var path = RawPath(context);
        if (path.StartsWith(Path + "/", StringComparison.Ordinal) && path.Length > Path.Length + 1)
        {
            var isOneSegment = path.LastIndexOf('/') == Path.Length;
            context.Request.Path = isOneSegment ? Path + "/name" : path[^1] == '/' ? Path + "/name/nothing" : context.Request.Path;
        }

        return next(context);
    });

    private static async Task<IResult> CreateAsync(
        HttpContext context, Broker broker, Settings settings, ServerMessage say, ILogger<Broker> logger)
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problem.Result(Refusals.NoJson);
        }

        string name;
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted).ConfigureAwait(false); // MAX_MESSAGE_BYTES bounds it
            if (CreationBody.Fault(body.GetBuffer().AsSpan(0, (int)body.Length), out name) is { } fault)
            {
                return Problem.Result(Refusals.BadRequest(fault));
            }
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == 413)
        {
            return Problem.Result(Refusals.BodyTooLarge(settings));
        }

        switch (broker.Create(name, new Origin(say.Now, NewEpoch())))
        {
            case CreateResult.Exists:
                return Problem.Result(Refusals.TopicExists);
            case CreateResult.LimitReached:
                return Problem.Result(Refusals.TooManyTopics(settings));
            case CreateResult.BudgetReached:
                return Problem.Result(Refusals.NoMemory(settings));
            default:
                Log.TopicCreated(logger, new(name));

                // Relative to the request, so that it holds behind a proxy that puts a path in front.
                var here = context.Request.Path.Value is [.., '/'] ? "" : "topics/";
                return TypedResults.Created($"{here}{Uri.EscapeDataString(name)}", new TopicOutcome("created", name));
        }
    }

    /// <summary>64 random bits: no two topics have the same, also not before and after a restart.</summary>
    private static string NewEpoch() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

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

        Log.TopicDeleted(logger, new(name));
        return TypedResults.Ok(new TopicOutcome("deleted", name));
    }

    private static IResult NotFound() => Problem.Result(Refusals.TopicNotFound);

    private static IResult? NameFault(HttpContext context, out string name)
    {
        if (!TopicName.TryFromTarget(RawPath(context), out name))
        {
            return Problem.Result(Refusals.BadRequest("the topic name in the path must be percent-encoded UTF-8"));
        }

        return TopicName.Fault(name) is { } fault ? Problem.Result(Refusals.BadRequest($"the topic name in the path {fault}")) : null;
    }

    /// <summary>The path as the client wrote it, of a target in absolute form too (RFC 9112 §3.2.2).</summary>
    private static string RawPath(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?', 2)[0];
        return target.StartsWith('/') || target.Split('/', 4) is not [_, "", _, var rest] ? target : $"/{rest}";
    }
}
