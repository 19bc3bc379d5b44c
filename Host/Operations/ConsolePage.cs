using System.Security.Cryptography;
using System.Text;
using PubSub.Hosting.Description;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Operations;

/// <summary>The page at <c>/console</c>, which uses the public API alone.</summary>
internal static class ConsolePage
{
    /// <summary>Maps the console, and the paths that only it needs, unless CONSOLE is off.</summary>
    public static void MapConsole(this IEndpointRouteBuilder routes, Settings settings)
    {
        if (settings.Console == "off")
        {
            return;
        }

        routes.MapOverview();
        var page = Read();
        var policy = Policy(page);
        routes.MapMethods("/console", Methods.GetAndHead, (HttpContext context) =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.CacheControl = "no-store";
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            return TypedResults.Text(page, "text/html; charset=utf-8");
        }).AllowAnonymous().Describe("console", "The console: a page that uses this API.").Gives(200, typeof(string), "text/html");
    }

    private static string Read()
    {
        using var reader = new StreamReader(typeof(ConsolePage).Assembly.GetManifestResourceStream("console.html")!);
        return reader.ReadToEnd().ReplaceLineEndings("\n"); // as the browser hashes it
    }

    /// <summary>
    /// Allows the page's own style and script, and requests to its own origin. No script may turn text into HTML (Trusted Types).
    /// </summary>
    private static string Policy(string page) => string.Join(
        "; ",
        "default-src 'none'",
        $"style-src '{Hash(page, "style")}'",
        $"script-src '{Hash(page, "script")}'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'");

    private static string Hash(string page, string element)
    {
        var content = page.Split($"<{element}>")[1].Split($"</{element}>")[0];
        return $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}";
    }
}
