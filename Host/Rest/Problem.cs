using System.Text.Json;
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
        TypedResults.Json(Of(status, code, detail), RestJson.Readable.Problem, "application/problem+json", status);

    public static Task WriteAsync(HttpContext context, int status, string code, string detail)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(Of(status, code, detail), RestJson.Readable.Problem, "application/problem+json");
    }

    private static Problem Of(int status, string code, string detail) => new(ReasonPhrases.GetReasonPhrase(status), status, detail, code);
}
