using Microsoft.AspNetCore.Http.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>Gives every answer that has no body of its own a problem document, and every request a line in the log.</summary>
internal static class Errors
{
    public static void UseProblems(this IApplicationBuilder app, ILogger logger, TimeProvider time, bool hasAccess) =>
        app.Use((context, next) => AnswerAsync(context, next, logger, time, hasAccess));

    private static async Task AnswerAsync(HttpContext context, RequestDelegate next, ILogger logger, TimeProvider time, bool hasAccess)
    {
        var started = time.GetTimestamp();
        var slot = context.Features.Get<Admission.Slot>();
        slot?.Begin();
        var target = new Escaped(TargetToLog(context, hasAccess));
        var method = new Escaped(context.Request.Method);
        try
        {
            await next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && context.Response.StatusCode >= 400)
            {
                var refusal = Refusals.OfStatus(context.Response.StatusCode, context.Response.Headers.Allow.ToString());
                await Problem.WriteAsync(context, refusal).ConfigureAwait(false);
            }
        }
        catch (BadRequestException bad) when (!context.Response.HasStarted)
        {
            await Problem.WriteAsync(context, Refusals.BadRequest(bad.Message)).ConfigureAwait(false);
        }
        catch (BadHttpRequestException bad) when (!context.Response.HasStarted)
        {
            await Problem.WriteAsync(context, Refusals.BadRequest(bad.Message) with { Status = bad.StatusCode }).ConfigureAwait(false);
        }
        catch (UnavailableException unavailable) when (!context.Response.HasStarted)
        {
            await Problem.WriteAsync(context, Refusals.Unavailable(unavailable.MayHaveHappened)).ConfigureAwait(false);
        }
        catch (Exception gone)
            when (gone is IOException || (gone is OperationCanceledException && context.RequestAborted.IsCancellationRequested))
        {
            // The client is gone.
        }
#pragma warning disable CA1031 // the last resort of every REST request
        catch (Exception bug) when (!context.Response.HasStarted)
#pragma warning restore CA1031
        {
            Log.RestFailed(logger, bug, method, target);
            await Problem.WriteAsync(context, Refusals.Failed).ConfigureAwait(false);
        }

        slot?.End();
        Log.RestAnswered(logger, method, target, context.Response.StatusCode, time.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>The request target; without its query if there may be a secret in it.</summary>
    private static string TargetToLog(HttpContext context, bool hasAccess)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return hasAccess || context.Request.Query.ContainsKey(Credentials.Parameter) ? target.Split('?', 2)[0] : target;
    }
}
