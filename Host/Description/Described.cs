using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.Metadata;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Description;

/// <summary>What the description says of endpoints, and what it serves (SPEC, section 1).</summary>
internal static class Described
{
    /// <summary>Says what an endpoint does.</summary>
    /// <param name="route">Of the endpoint.</param>
    /// <param name="name">Its name, unique among all.</param>
    /// <param name="summary">One sentence.</param>
    /// <param name="refuses">The statuses of its problem documents.</param>
    public static T Describe<T>(this T route, string name, string summary, params int[] refuses) where T : IEndpointConventionBuilder =>
        route
            .WithMetadata(new EndpointNameMetadata(name), new EndpointSummaryAttribute(summary))
            .WithMetadata([.. refuses.Select(status => new Answer(status, typeof(Problem), "application/problem+json"))]);

    /// <summary>Says how an endpoint answers if all goes well.</summary>
    public static T Gives<T>(this T route, int status, Type body, string contentType = "application/json")
        where T : IEndpointConventionBuilder => route.WithMetadata(new Answer(status, body, contentType));

    /// <summary>Says what the body of a request is.</summary>
    public static T Takes<T>(this T route, Type body, bool orMany = false) where T : IEndpointConventionBuilder =>
        route.WithMetadata(new Taken(body, orMany));

    /// <summary>Says which parameters of the query there are.</summary>
    public static T Asks<T>(this T route, params Parameter[] parameters) where T : IEndpointConventionBuilder =>
        route.WithMetadata([.. parameters]);

    /// <summary>Serves the description of REST, made from the above, and that of the WebSocket and the streams.</summary>
    public static void MapDescription(this IEndpointRouteBuilder routes)
    {
        foreach (var name in (string[])["openapi.json", "asyncapi.json"])
        {
            routes.MapMethods($"/{name}", Methods.GetAndHead, () => Results.Stream(Open(name), "application/json")).AllowAnonymous()
                .Describe(name.Split('.')[0], $"This API, as {name}.").Gives(200, typeof(object));
        }
    }

    /// <summary>A description, as it is in the assembly.</summary>
    public static Stream Open(string name) => typeof(Described).Assembly.GetManifestResourceStream(name)!;

    private sealed class Answer(int status, Type type, string contentType) : IProducesResponseTypeMetadata
    {
        public Type Type => type;

        public int StatusCode => status;

        public IEnumerable<string> ContentTypes => [contentType];
    }
}

/// <summary>The body of a request.</summary>
/// <param name="Body">Its type.</param>
/// <param name="OrMany">Whether it may be an array of them too.</param>
internal sealed record Taken(Type Body, bool OrMany);

/// <summary>A parameter of a query, or a header.</summary>
/// <param name="Name">As the client writes it.</param>
/// <param name="Type">Of JSON.</param>
/// <param name="Text">What it is for.</param>
/// <param name="IsHeader">Whether it is a header.</param>
internal sealed record Parameter(string Name, string Type, string Text, bool IsHeader = false)
{
    /// <summary>Where a reader begins.</summary>
    public static Parameter[] Beginning { get; } =
    [
        new("last_n", "integer", "Begin with this many of the newest retained events."),
        new("since", "string", "Begin with all retained events later than this timestamp, which the server wrote; not with last_n."),
        new("epoch", "string", "The topic's epoch where since is from; another one means that events may be missing."),
    ];

    public static Parameter LastEventId { get; } =
        new("Last-Event-ID", "string", "The id of the last event that was received; wins over the query.", IsHeader: true);

    public static Parameter AccessToken { get; } =
        new("access_token", "string", "A bearer token or an API key, for clients that cannot set a header.");
}

// Bodies that are read or written by hand.

/// <summary>What creates a topic.</summary>
internal sealed record TopicCreation([property: StringLength(TopicName.MaxCharacters, MinimumLength = 1)] string Name);

/// <summary>A message; what else it has is kept as it is.</summary>
internal sealed record Message([property: StringLength(TopicName.MaxCharacters, MinimumLength = 1)] string Id, object? Payload);

/// <summary>The answer to a publish.</summary>
internal sealed record PublishOutcome(string Status, string Topic, IReadOnlyList<PublishedMessage> Messages);

/// <summary>A message that was published.</summary>
internal sealed record PublishedMessage(string Id, DateTimeOffset Timestamp);

/// <summary>Retained events of a topic.</summary>
internal sealed record RetainedEvents(string Topic, string Epoch, bool Complete, IReadOnlyList<Event> Events);

/// <summary>An event, as a subscriber gets it.</summary>
internal sealed record Event(string Type, string Topic, Message Message, DateTimeOffset Timestamp);
