using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Access;

/// <summary>Finds out who sends a request, and refuses one that no identity sends (PS-ACC-001).</summary>
internal sealed class Authentication(
    ApiKeys keys, Settings settings, TimeProvider time, ILogger<Authentication> logger, Tokens? tokens = null)
{
    /// <summary>Makes the caller known to the request.</summary>
    /// <returns>Why not; null if it is.</returns>
    public async ValueTask<Refusal?> AuthenticateAsync(HttpContext context)
    {
        var (identity, expires, refusal) = await FindAsync(context).ConfigureAwait(false);
        if (identity is null)
        {
            Log.Unauthorized(logger, context.Connection.Id, refusal!.Value.Text);
            return refusal;
        }

        Log.Authenticated(logger, context.Connection.Id, new(identity.Name));
        context.Features.Set(new Caller(identity, context.ConnectionRates(settings), expires, time));
        return null;
    }

    private async ValueTask<(Identity?, DateTimeOffset?, Refusal?)> FindAsync(HttpContext context)
    {
        var request = context.Request;
        var key = request.Headers[Credentials.KeyHeader] is { Count: > 0 } header ? header.ToString() : Credentials.KeyInQuery(request);
        if (key is not null)
        {
            return (keys.Find(key), null, Refusals.Unauthorized("the API key is not valid"));
        }

        return tokens is not null && (request.Headers.Authorization.Count > 0 || Credentials.InQuery(request) is not null)
            ? await tokens.AuthenticateAsync(context).ConfigureAwait(false)
            : (null, null, Refusals.Unauthorized(
                tokens is null ? "the request must have an X-API-Key" : "the request must have an X-API-Key or a bearer token"));
    }
}

/// <summary>Where a request has its credentials.</summary>
internal static class Credentials
{
    public const string KeyHeader = "X-API-Key";

    /// <summary>The parameter of RFC 6750 §2.3, for browsers, which set no header on a WebSocket or an EventSource.</summary>
    public const string Parameter = "access_token";

    /// <summary>The token or key in the query of the paths of subscribers; null on any other, and if there is none.</summary>
    public static string? InQuery(HttpRequest request) =>
        request.HttpContext.GetEndpoint()?.Metadata.GetMetadata<InQueryAttribute>() is not null
        && request.Query[Parameter] is { Count: > 0 } values
            ? values.ToString()
            : null;

    /// <summary>The same, if it has the form of an API key.</summary>
    public static string? KeyInQuery(HttpRequest request) =>
        request.Headers.Authorization.Count == 0 && InQuery(request) is { } text && KeyEntry.IdIn(text) is not null ? text : null;
}

/// <summary>The endpoint takes credentials in the query too.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class InQueryAttribute : Attribute;

internal static class AuthenticationExtensions
{
    /// <summary>Adds what access needs.</summary>
    /// <exception cref="SettingsException">A file cannot be used; the message names the setting.</exception>
    public static void AddAccess(this IServiceCollection services, Settings settings)
    {
        var (keys, tokens) = (new ApiKeys(), settings.JwtKeysFile.Length > 0 ? new Tokens(TimeProvider.System) : null);
        services.AddSingleton(keys);
        services.AddSingleton(new CredentialFiles(settings, keys, tokens));
        services.AddHostedService<Reloading>();
        services.AddSingleton<Authentication>();
        if (tokens is not null)
        {
            services.AddSingleton(tokens);

            // The handler of bearer tokens without what cookies and discovery need: half the size, and no files of its own.
            services.AddSingleton(UrlEncoder.Default);
            services.AddAuthenticationCore(schemes => schemes.AddScheme<JwtBearerHandler>(JwtBearerDefaults.AuthenticationScheme, null));
            services.Configure<JwtBearerOptions>(
                JwtBearerDefaults.AuthenticationScheme, bearer => tokens.Configure(bearer, settings));
        }
    }

    /// <summary>Refuses requests of no identity, but for endpoints that are open to all. Behind the routing.</summary>
    public static void UseAccess(this WebApplication app, Settings settings)
    {
        if (settings.HasAccess)
        {
            if (settings.JwtKeysFile.Length > 0)
            {
                app.UseAuthentication(); // the framework would put it before the routing, which tells where a token may be
            }

            var authentication = app.Services.GetRequiredService<Authentication>();
            app.Use(async (context, next) =>
            {
                if (context.GetEndpoint() is { } endpoint
                    && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
                    && await authentication.AuthenticateAsync(context).ConfigureAwait(false) is { } refusal)
                {
                    await Problem.WriteAsync(context, refusal).ConfigureAwait(false);
                    return;
                }

                await next(context).ConfigureAwait(false);
            });
        }
        else if (settings.PublishesPerSecond > 0 || settings.BytesPerSecond > 0)
        {
            app.Use((context, next) =>
            {
                context.Features.Set(new Caller(identity: null, context.ConnectionRates(settings), expires: null, TimeProvider.System));
                return next(context);
            });
        }
    }
}
