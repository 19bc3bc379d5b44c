using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;

namespace PubSub.Conformance.Fixture;

/// <summary>The identities of a run: those that the user gave, and tokens that the suite makes itself.</summary>
public sealed class Identities
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly Target _target;
    private readonly TopicNames _names;
    private readonly TimeProvider _time;

    internal Identities(Target target, TopicNames names, TimeProvider time) => (_target, _names, _time) = (target, names, time);

    /// <summary>The credential of the identity that may do everything.</summary>
    public Credential All => Given.All;

    /// <summary>The topic whose whole name is a pattern of the identity <see cref="Role.Narrow"/>.</summary>
    public string Exact => Role.Exact(_names.Prefix);

    /// <summary>The beginning of names that is a pattern of the identity <see cref="Role.Narrow"/>.</summary>
    public string Beginning => Role.Beginning(_names.Prefix);

    /// <summary>The given keys; an exception if there is none.</summary>
    public IReadOnlyList<Credential> Keys =>
        Given.Identities.Values.Where(one => one.Kind == CredentialKind.Key).ToList() is { Count: > 0 } keys
        ? keys
        : throw new Unsupported("needs an API key: --identity all=key:…");

    /// <summary>Makes tokens; an exception if the suite cannot.</summary>
    public TokenKey Tokens => Given.TokenKey ?? throw new Unsupported("needs tokens that the suite makes: --jwt-key");

    /// <summary>The suite can make tokens.</summary>
    public bool HasTokens => Given.TokenKey is not null;

    private Credentials Given => _target.Credentials ?? throw new Unsupported(Credentials.Missing);

    /// <summary>
    /// Each credential of this identity: the given one, and a token of the suite. Tokens of two calls have different subjects, so that no
    /// other scenario uses up their limits.
    /// </summary>
    /// <exception cref="Unsupported">There is none.</exception>
    public IReadOnlyList<Credential> Of(string role)
    {
        Credential[] all =
        [
            .. Given.Identities.TryGetValue(role, out var given) ? [given] : Array.Empty<Credential>(),
            .. Given.TokenKey is { } key
                ? [new Credential(CredentialKind.Token, key.Sign(RoleOf(role), _time.GetUtcNow() + Life, _names.Next(role)))]
                : Array.Empty<Credential>(),
        ];
        return all.Length > 0 ? all : throw new Unsupported($"needs the identity {role}: --identity {role}=…, or --jwt-key");
    }

    /// <summary>What this identity may do.</summary>
    public Role RoleOf(string name) => Role.Of(_names.Prefix).First(role => role.Name == name);
}
