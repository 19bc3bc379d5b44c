using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using PubSub.Hosting.Metrics;

namespace PubSub.Hosting.Protocol;

/// <summary>An error over REST: RFC 9457 problem details with the protocol's code (PS-REST-018).</summary>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What to change, for people: the field and the rule.</param>
/// <param name="Code">One of <see cref="ErrorCode"/>, for machines.</param>
internal sealed record Problem(string Title, int Status, string Detail, string Code) : IResult
{
    /// <summary>Milliseconds after which the request may pass; null if time changes nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfterMs { get; private init; }

    public static IResult Result(Refusal refusal) =>
        new Problem(ReasonPhrases.GetReasonPhrase(refusal.Status), refusal.Status, refusal.Text, refusal.Code)
        {
            RetryAfterMs = refusal.RetryAfter,
        };

    public static Task WriteAsync(HttpContext context, Refusal refusal) => Result(refusal).ExecuteAsync(context);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.RequestServices.GetService<Instruments>()?.Refuse(Code);
        if (RetryAfterMs is { } milliseconds)
        {
            httpContext.Response.Headers.RetryAfter = ((milliseconds + 999) / 1_000).ToString(CultureInfo.InvariantCulture);
        }

        if (Status == StatusCodes.Status401Unauthorized)
        {
            httpContext.Response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110 §11.6.1
        }

        return TypedResults.Json(this, ProblemJson.Readable.Problem, "application/problem+json", Status).ExecuteAsync(httpContext);
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
