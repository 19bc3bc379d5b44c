using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Gallery;

/// <summary>The identities of the servers of the galleries, and the credentials that the suite gets.</summary>
internal static class Household
{
    private static readonly IReadOnlyList<Role> Roles = Role.Of(TopicNames.UsualPrefix);

    // Mixed case and hexadecimal digits, so that every change of a letter makes another key.
    private static readonly Dictionary<string, string> Keys =
        Roles.ToDictionary(role => role.Name, role => $"psk_{role.Name}_Zm9vYmFy0123aBcDeF");

    private static readonly TokenKey Tokens = new(
        [.. Enumerable.Range(1, 32).Select(one => (byte)(one * 7))], "k1", "https://issuer.example", "pubsub", "the-key-of-the-tokens");

    /// <summary>Keys and tokens.</summary>
    public static Credentials Whole { get; } = KeysAlone with { TokenKey = Tokens };

    /// <summary>Keys of every identity.</summary>
    public static Credentials KeysAlone => new()
    {
        Identities = Keys.ToDictionary(key => key.Key, key => new Credential(CredentialKind.Key, key.Value)),
    };

    /// <summary>A secret that makes tokens.</summary>
    public static Credentials TokensAlone => new() { TokenKey = Tokens };

    /// <summary>Makes a server ask for these credentials.</summary>
    public static Change Change(Credentials credentials) => server =>
    {
        server.Guard.Tokens = credentials.TokenKey;
        server.Guard.Keys = credentials.Identities.ToDictionary(
            one => one.Value.Secret, one => new Caller(Roles.First(role => role.Name == one.Key)), StringComparer.Ordinal);
    };
}
