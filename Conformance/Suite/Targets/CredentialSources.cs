using System.Text.RegularExpressions;

namespace PubSub.Conformance.Targets;

/// <summary>Where the credentials of several identities are. No member is a secret, so a target file may hold them.</summary>
public sealed partial record CredentialSources
{
    /// <summary>What a source of an identity looks like.</summary>
    public const string Form = "key:env:VARIABLE, key:file:PATH, token:env:VARIABLE or token:file:PATH";

    /// <summary>What the source of the key that signs tokens looks like.</summary>
    public const string KeyForm = "env:VARIABLE or file:PATH";

    private static readonly IReadOnlyDictionary<string, string> NoIdentities = new Dictionary<string, string>();

    /// <summary>Sources by the name of the identity.</summary>
    public IReadOnlyDictionary<string, string> Identities { get; init => field = value ?? NoIdentities; } = NoIdentities;

    /// <summary>The source of a secret that signs tokens with HS256; null if the suite makes no tokens.</summary>
    public string? JwtKey { get; init; }

    /// <summary>The <c>iss</c> of these tokens.</summary>
    public string? JwtIssuer { get; init; }

    /// <summary>The <c>aud</c> of these tokens.</summary>
    public string? JwtAudience { get; init; }

    /// <summary>The rule that a member breaks; null if all are legal.</summary>
    public string? Fault
    {
        get
        {
            string[] known = [.. Role.Of("").Select(role => role.Name)];
            return Identities.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown
                ? $"credentials.identities must be among {string.Join(", ", known)}, but names {unknown}"
                : Identities.Values.Any(source => Split(source) is null) ? $"each of credentials.identities must be {Form}"
                : JwtKey is not null && SplitKey(JwtKey) is null ? $"credentials.jwtKey must be {KeyForm}"
                : JwtKey is not null && (JwtIssuer is null || JwtAudience is null)
                    ? "credentials.jwtKey needs jwtIssuer and jwtAudience beside it"
                : JwtKey is null && !Identities.ContainsKey(Role.All) ? $"credentials need the identity {Role.All}, or jwtKey"
                : null;
        }
    }

    /// <summary>The parts of the source of an identity; null if it is not one. No message quotes it: it may be a secret.</summary>
    public static (CredentialKind Kind, bool IsFile, string Name)? Split(string source)
    {
        var match = Identity().Match(source);
        var kind = match.Groups["kind"].Value == "key" ? CredentialKind.Key : CredentialKind.Token;
        return match.Success ? (kind, IsFile(match), match.Groups["name"].Value) : null;
    }

    /// <inheritdoc cref="Split"/>
    public static (bool IsFile, string Name)? SplitKey(string source) => Place().Match(source) is { Success: true } match
        ? (IsFile(match), match.Groups["name"].Value)
        : null;

    private static bool IsFile(Match match) => match.Groups["place"].Value == "file";

    [GeneratedRegex(@"\A(?<kind>key|token):(?<place>env|file):(?<name>.+)\z")]
    private static partial Regex Identity();

    [GeneratedRegex(@"\A(?<place>env|file):(?<name>.+)\z")]
    private static partial Regex Place();
}
