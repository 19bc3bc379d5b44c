using Microsoft.AspNetCore.Http.HttpResults;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>Topics over REST (SPEC, section 1).</summary>
internal static class Topics
{
    public static void MapTopics(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(TopicPath.All, CreateAsync);
        routes.MapMethods(TopicPath.All, Methods.GetAndHead, ListAsync);
        routes.MapMethods(TopicPath.One, Methods.GetAndHead, GetAsync);
        routes.MapDelete(TopicPath.One, DeleteAsync);
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, Broker broker, IEngine engine, Settings settings, ILogger<Broker> logger)
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problem.Result(Refusals.NoJson);
        }

        using var body = await Body.ReadAsync(context, broker, settings.MaxMessageBytes, "MAX_MESSAGE_BYTES").ConfigureAwait(false);
        if (body.Refusal(settings) is { } refusal)
        {
            return Problem.Result(refusal);
        }

        if (CreationBody.Fault(body.Bytes.Span, out var name) is { } fault)
        {
            return Problem.Result(Refusals.BadRequest(fault));
        }

        if (!context.Caller().MayManage(name))
        {
            return Problem.Result(Refusals.Forbidden("create"));
        }

        switch (await engine.CreateAsync(name).ConfigureAwait(false))
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

    private static async Task<Ok<TopicList>> ListAsync(HttpContext context, IEngine engine)
    {
        var (caller, topics) = (context.Caller(), await engine.CountAllAsync().ConfigureAwait(false));
        var seen = topics.Where(topic => caller.Sees(topic.Name));
        return TypedResults.Ok(new TopicList([.. seen.Select(topic => new ListedTopic(topic.Name, topic.Subscribers))]));
    }

    private static async Task<IResult> GetAsync(HttpContext context, IEngine engine)
    {
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        return context.Caller().Sees(name) && await engine.CountAsync(name).ConfigureAwait(false) is { } topic
            ? TypedResults.Ok(new TopicDetails(name, topic.Subscribers, topic.Messages))
            : NotFound();
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, IEngine engine, ILogger<Broker> logger)
    {
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        if (!context.Caller().MayManage(name))
        {
            return Problem.Result(Refusals.Forbidden("delete"));
        }

        if (!await engine.DeleteAsync(name).ConfigureAwait(false))
        {
            return NotFound();
        }

        Log.TopicDeleted(logger, new(name));
        return TypedResults.Ok(new TopicOutcome("deleted", name));
    }

    private static IResult NotFound() => Problem.Result(Refusals.TopicNotFound);
}
