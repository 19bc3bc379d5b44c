using Microsoft.AspNetCore.Http.Features;

namespace PubSub.Hosting.Protocol;

/// <summary>The paths of topics, and the names in them (SPEC, sections 1, 18 and 19).</summary>
internal static class TopicPath
{
    public const string All = "/v1/topics";
    public const string One = All + "/{name}";
    public const string Messages = One + MessagesPart;
    public const string Events = One + EventsPart;

    private const string MessagesPart = "/messages";
    private const string EventsPart = "/events";

    /// <summary>
    /// Routes every target with one segment behind <c>/v1/topics/</c> to the path of a topic, or of its messages or events, before the
    /// framework interprets <c>..</c> and <c>%2F</c>: names have no meaning (PS-REST-023). A target with a slash at its end leads nowhere.
    /// </summary>
    public static void UseRawTopicNames(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var path = RawPath(context);
        if (path.StartsWith(All + "/", StringComparison.Ordinal) && path.Length > All.Length + 1)
        {
            var part = Part(path);
            var isOneSegment = path.LastIndexOf('/', path.Length - part.Length - 1) == All.Length;
            context.Request.Path = isOneSegment ? $"{All}/name{part}" : path[^1] == '/' ? $"{All}/name/nothing" : context.Request.Path;
        }

        return next(context);
    });

    /// <summary>Reads the name from the raw target.</summary>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public static Refusal? Fault(HttpContext context, out string name)
    {
        var path = RawPath(context);
        if (!TopicName.TryFromTarget(path[..^Part(path).Length], out name))
        {
            return Refusals.BadRequest("the topic name in the path must be percent-encoded UTF-8");
        }

        return TopicName.Fault(name) is { } fault ? Refusals.BadRequest($"the topic name in the path {fault}") : null;
    }

    /// <summary>What stands behind the name; empty when nothing does. A topic may have the name of a part.</summary>
    private static string Part(string path) =>
        path.LastIndexOf('/') <= All.Length ? ""
        : path.EndsWith(MessagesPart, StringComparison.Ordinal) ? MessagesPart
        : path.EndsWith(EventsPart, StringComparison.Ordinal) ? EventsPart
        : "";

    /// <summary>The path as the client wrote it, of a target in absolute form too (RFC 9112 §3.2.2).</summary>
    private static string RawPath(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?', 2)[0];
        return target.StartsWith('/') || target.Split('/', 4) is not [_, "", _, var rest] ? target : $"/{rest}";
    }
}
