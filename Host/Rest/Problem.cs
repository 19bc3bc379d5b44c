using Microsoft.AspNetCore.WebUtilities;

namespace PubSub.Hosting.Rest;

/// <summary>An error over REST: RFC 9457 problem details with the protocol's code (PS-REST-018).</summary>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What to change, for people: the field and the rule.</param>
/// <param name="Code">One of <see cref="Protocol.ErrorCode"/>, for machines.</param>
internal sealed record Problem(string Title, int Status, string Detail, string Code)
{
    public static IResult Result(int status, string code, string detail) =>
        TypedResults.Json(
            new Problem(ReasonPhrases.GetReasonPhrase(status), status, detail, code), RestJson.Readable.Problem, "application/problem+json", status);

    public static Task WriteAsync(HttpContext context, int status, string code, string detail) =>
        Result(status, code, detail).ExecuteAsync(context);
}
