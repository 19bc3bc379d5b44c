using System.CommandLine;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Cli;

/// <summary>The options that say where the credentials of several identities are. None holds a secret.</summary>
internal sealed class CredentialOptions
{
    private readonly Option<string[]> _identities = CommandLine.Texts(
        "--identity",
        $"The credential of an identity ({string.Join(", ", Role.Of("").Select(role => role.Name))}) for requirements about access; "
            + $"SOURCE is {CredentialSources.Form}. May be given again.",
        "NAME=SOURCE");

    private readonly Option<string?> _key = CommandLine.Text(
        "--jwt-key",
        $"A secret of the server that signs tokens with HS256, in place of tokens: {CredentialSources.KeyForm}, as text, JWK or JWK set.",
        "SOURCE");

    private readonly Option<string?> _issuer = CommandLine.Text("--jwt-issuer", "The iss of these tokens.", "TEXT");
    private readonly Option<string?> _audience = CommandLine.Text("--jwt-audience", "The aud of these tokens.", "TEXT");

    private Credentials? _read;

    public IEnumerable<Option> All => [_identities, _key, _issuer, _audience];

    /// <summary>Reads the credentials once; those of the command line win over those of the target file.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="declared">The sources in the target file; null if it has none.</param>
    /// <param name="folder">That of the target file: its paths begin there.</param>
    /// <returns>Null if there are none.</returns>
    /// <exception cref="WrongUsage">A source is wrong or cannot be read; the message names it, and no secret.</exception>
    public Credentials? Read(ParseResult parsed, CredentialSources? declared, string folder)
    {
        if (_read is not null)
        {
            return _read;
        }

        var identities = (declared?.Identities ?? new Dictionary<string, string>())
            .ToDictionary(one => one.Key, one => (Source: one.Value, Folder: folder));
        foreach (var text in parsed.GetValue(_identities)!)
        {
            // No message quotes the source: it may be a secret by mistake.
            identities[text.Split('=')[0]] = text.Split('=', 2) is [_, var source]
                ? (source, ".")
                : throw new WrongUsage($"--identity must be NAME=SOURCE, where SOURCE is {CredentialSources.Form}.");
        }

        var given = parsed.GetValue(_key);
        var sources = new CredentialSources
        {
            Identities = identities.ToDictionary(one => one.Key, one => one.Value.Source),
            JwtKey = given ?? declared?.JwtKey,
            JwtIssuer = parsed.GetValue(_issuer) ?? declared?.JwtIssuer,
            JwtAudience = parsed.GetValue(_audience) ?? declared?.JwtAudience,
        };
        if (sources is { Identities.Count: 0, JwtKey: null, JwtIssuer: null, JwtAudience: null })
        {
            return null;
        }

        return sources.Fault is { } fault
            ? throw new WrongUsage($"The credentials of --identity, --jwt-key, --jwt-issuer and --jwt-audience are wrong: {fault}.")
            : _read = new Credentials
            {
                Identities = identities.ToDictionary(one => one.Key, one => Identity(one.Key, one.Value.Source, one.Value.Folder)),
                TokenKey = sources.JwtKey is { } key ? TokenKeyOf(sources, key, given is null ? folder : ".") : null,
            };
    }

    private static Credential Identity(string name, string source, string folder)
    {
        var (kind, isFile, place) = CredentialSources.Split(source)!.Value;
        return new(kind, Secret($"--identity {name}", isFile, place, folder));
    }

    private static TokenKey TokenKeyOf(CredentialSources sources, string source, string folder)
    {
        var (isFile, place) = CredentialSources.SplitKey(source)!.Value;
        try
        {
            return TokenKey.Parse(Secret("--jwt-key", isFile, place, folder), sources.JwtIssuer!, sources.JwtAudience!);
        }
        catch (InvalidDataException e)
        {
            throw new WrongUsage($"--jwt-key {source}: {e.Message}.");
        }
    }

    private static string Secret(string option, bool isFile, string place, string folder)
    {
        var text = isFile ? CommandLine.ReadFile(Path.Combine(folder, place), option) : Environment.GetEnvironmentVariable(place);
        var where = isFile ? $"the file '{place}'" : $"the environment variable {place}";
        var secret = text?.Trim();
        return string.IsNullOrEmpty(secret)
            ? throw new WrongUsage($"{option}: {where} is empty, or not set.")
            : secret.Contains('\n', StringComparison.Ordinal) && !secret.StartsWith('{')
                ? throw new WrongUsage($"{option}: a credential has one line.")
                : secret;
    }
}
