using Microsoft.AspNetCore.Http.Features;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>Gives every answer that has no body of its own a problem document, and every request a line in the log.</summary>
internal static class Errors
{
    public static void UseProblems(this IApplicationBuilder app, ILogger logger, TimeProvider time) => app.Use(async (context, next) =>
    {
        var started = time.GetTimestamp();
        var slot = context.Features.Get<Admission.Slot>();
        slot?.Begin();
        var target = new Escaped(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        var method = new Escaped(context.Request.Method);
        try
        {
            await next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && context.Response.StatusCode >= 400)
            {
                await WriteAsync(context, context.Response.StatusCode).ConfigureAwait(false);
            }
        }
        catch (BadHttpRequestException bad) when (!context.Response.HasStarted)
        {
            await Problem.WriteAsync(context, bad.StatusCode, ErrorCode.BadRequest, bad.Message).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException || (gone is OperationCanceledException && context.RequestAborted.IsCancellationRequested))
        {
            // The client is gone, and nothing can be told to it.
        }
#pragma warning disable CA1031 // the last resort of every REST request
        catch (Exception bug) when (!context.Response.HasStarted)
#pragma warning restore CA1031
        {
            Log.RestFailed(logger, bug, method, target);
            await Problem.WriteAsync(context, 500, ErrorCode.Internal, "the server failed to handle the request").ConfigureAwait(false);
        }

        slot?.End();
        Log.RestAnswered(logger, method, target, context.Response.StatusCode, time.GetElapsedTime(started).TotalMilliseconds);
    });

    private static Task WriteAsync(HttpContext context, int status) => status switch
    {
        404 => Problem.WriteAsync(context, status, ErrorCode.NotFound, "there is nothing at this path"),
        405 => Problem.WriteAsync(context, status, ErrorCode.MethodNotAllowed, $"the path takes {context.Response.Headers.Allow} only"),
        _ => Problem.WriteAsync(context, status, ErrorCode.BadRequest, "the request was refused"),
    };
}
