using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>Topics over REST (SPEC, section 1).</summary>
internal static class Topics
{
    public static void MapTopics(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(TopicPath.All, CreateAsync);
        routes.MapMethods(TopicPath.All, Methods.GetAndHead, List);
        routes.MapMethods(TopicPath.One, Methods.GetAndHead, Get);
        routes.MapDelete(TopicPath.One, Delete);
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, Broker broker, Settings settings, ServerMessage say, ILogger<Broker> logger)
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
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        return broker.Find(name)?.Count() is var (subscribers, messages)
            ? TypedResults.Ok(new TopicDetails(name, subscribers, messages))
            : NotFound();
    }

    private static IResult Delete(HttpContext context, Broker broker, Settings settings, ServerMessage say, ILogger<Broker> logger)
    {
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            return Problem.Result(fault);
        }

        if (!broker.TryDelete(name, say.TopicDeleted(name), settings.DisconnectOnDeletion))
        {
            return NotFound();
        }

        Log.TopicDeleted(logger, new(name));
        return TypedResults.Ok(new TopicOutcome("deleted", name));
    }

    private static IResult NotFound() => Problem.Result(Refusals.TopicNotFound);
}
