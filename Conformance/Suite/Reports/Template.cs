using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Reports;

/// <summary>
/// A self-contained page with inline style and script. Its content security policy allows only the script with that hash, so that injected
/// data can neither run nor load anything.
/// </summary>
internal static partial class Template
{
    /// <summary>Replaces each <c>{{name}}</c> by its value, in one pass: placeholders inside a value stay as they are.</summary>
    public static string Fill(string page, IReadOnlyDictionary<string, string> values)
    {
        var template = Load(page);
        var script = Script().Match(template).Groups[1].Value;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        var policy = $"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{hash}'; "
            + "base-uri 'none'; form-action 'none'";
        return Name().Replace(template, match => match.Groups[1].Value switch
        {
            "policy" => policy,
            "style" => Load("style.css"),
            var name => values.TryGetValue(name, out var value) ? value : throw new InvalidOperationException($"{page} asks for {name}"),
        });
    }

    /// <summary>Escapes untrusted text, for use as text or as an attribute in quotation marks.</summary>
    public static string Html(string text, int cap = int.MaxValue) => WebUtility.HtmlEncode(Visible.Text(text, cap));

    /// <summary>Normalises line ends: the hash must match the bytes that a browser sees, however the file was checked out.</summary>
    private static string Load(string name)
    {
        using var stream = typeof(Template).Assembly.GetManifestResourceStream($"Reports/{name}")
            ?? throw new InvalidOperationException($"the suite was built without Reports/{name}");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    [GeneratedRegex(@"<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex(@"\{\{([a-z-]+)\}\}")]
    private static partial Regex Name();
}
