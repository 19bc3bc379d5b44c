using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace PubSub.Hosting.Protocol;

/// <summary>An error over REST: RFC 9457 problem details with the protocol's code (PS-REST-018).</summary>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What to change, for people: the field and the rule.</param>
/// <param name="Code">One of <see cref="ErrorCode"/>, for machines.</param>
internal sealed record Problem(string Title, int Status, string Detail, string Code)
{
    /// <summary>Milliseconds after which the request may pass; null if time changes nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfterMs { get; private init; }

    public static IResult Result(Refusal refusal) => new Answer(refusal);

    public static Task WriteAsync(HttpContext context, Refusal refusal)
    {
        if (refusal.RetryAfter is { } milliseconds)
        {
            context.Response.Headers.RetryAfter = ((milliseconds + 999) / 1_000).ToString(CultureInfo.InvariantCulture);
        }

        if (refusal.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110 §11.6.1
        }

        var problem = new Problem(ReasonPhrases.GetReasonPhrase(refusal.Status), refusal.Status, refusal.Text, refusal.Code)
        {
            RetryAfterMs = refusal.RetryAfter,
        };
        return TypedResults
            .Json(problem, ProblemJson.Readable.Problem, "application/problem+json", refusal.Status)
            .ExecuteAsync(context);
    }

    private sealed class Answer(Refusal refusal) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, refusal);
    }
}

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext
{
    public static ProblemJson Readable { get; } = new(ReadableOptions());

    /// <summary>Names are left readable: only what JSON itself requires is escaped, which is safe outside of HTML.</summary>
    public static JsonSerializerOptions ReadableOptions() => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
