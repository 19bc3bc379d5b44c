using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PubSub.Hosting.Access;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Access;

/// <summary>Files of keys in a folder of their own, and tokens that are signed with them.</summary>
internal sealed class Credentials : IDisposable
{
    public const string Issuer = "https://issuer.example";
    public const string Audience = "pubsub";

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private readonly Dictionary<string, (KeyEntry Entry, string Key)> _keys = [];
    private readonly SymmetricSecurityKey _secret = new(RandomNumberGenerator.GetBytes(64)) { KeyId = "h" };
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Credentials()
    {
        WriteKeys();
        JsonWebKey[] set =
        [
            JsonWebKeyConverter.ConvertFromSymmetricSecurityKey(_secret),
            JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_rsa.ExportParameters(false)) { KeyId = "r" }),
            JsonWebKeyConverter.ConvertFromECDsaSecurityKey(
                new ECDsaSecurityKey(ECDsa.Create(_ec.ExportParameters(false))) { KeyId = "e" }),
        ];
        var keys = set.Select(key => new
        {
            kty = key.Kty,
            kid = key.Kid,
            k = key.K,
            n = key.N,
            e = key.E,
            crv = key.Crv,
            x = key.X,
            y = key.Y,
        });
        File.WriteAllText(JwtKeysFile, JsonSerializer.Serialize(new { keys }, JsonSerializerOptions.Web));
    }

    public string KeysFile => Path.Combine(_folder, "keys.json");

    public string JwtKeysFile => Path.Combine(_folder, "jwks.json");

    public (string Name, string Value)[] Settings =>
        [("KEYS_FILE", KeysFile), ("JWT_KEYS_FILE", JwtKeysFile), ("JWT_ISSUER", Issuer), ("JWT_AUDIENCE", Audience)];

    /// <summary>What signs with HS256, RS256 and ES256.</summary>
    public Dictionary<string, SigningCredentials> Signers => new()
    {
        ["HS256"] = new(_secret, "HS256"),
        ["RS256"] = new(new RsaSecurityKey(_rsa) { KeyId = "r" }, "RS256"),
        ["ES256"] = new(new ECDsaSecurityKey(_ec) { KeyId = "e" }, "ES256"),
    };

    /// <summary>The bytes of the RSA key that all may know.</summary>
    public byte[] PublicKey => Encoding.ASCII.GetBytes(_rsa.ExportRSAPublicKeyPem());

    public RunningHost Start(params (string Name, string Value)[] settings) =>
        new([.. Settings, ("LOG_LEVEL", "debug"), .. settings]);

    /// <summary>Adds a key to the file, or replaces the one of this name.</summary>
    /// <returns>The key.</returns>
    public string Key(
        string name,
        string publish = "",
        string subscribe = "",
        string manage = "",
        int? publishes = null,
        int? bytes = null,
        int? connections = null)
    {
        var (key, id, sha256) = _keys.TryGetValue(name, out var old) ? (old.Key, old.Entry.Id, old.Entry.Sha256) : KeyEntry.New();
        _keys[name] = (new KeyEntry(id, name, sha256, Split(publish), Split(subscribe), Split(manage))
        {
            PublishesPerSecond = publishes,
            BytesPerSecond = bytes,
            Connections = connections,
        }, key);
        WriteKeys();
        return key;
    }

    public void Remove(string name)
    {
        _keys.Remove(name);
        WriteKeys();
    }

    /// <summary>A token that permits everything and is valid for a minute, but for what is said.</summary>
    public string Token(
        string algorithm = "HS256", Action<SecurityTokenDescriptor>? but = null, params (string Name, object Value)[] claims)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var token = new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            NotBefore = now.AddMinutes(-1),
            Expires = now.AddMinutes(1),
            SigningCredentials = Signers[algorithm],
            Claims = new Dictionary<string, object>
            {
                ["sub"] = "ann",
                ["publish"] = new[] { "*" },
                ["subscribe"] = new[] { "*" },
                ["manage"] = "*",
            },
        };
        foreach (var (name, value) in claims)
        {
            token.Claims[name] = value;
        }

        but?.Invoke(token);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(token);
    }

    public void Dispose()
    {
        _rsa.Dispose();
        _ec.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void WriteKeys()
    {
        var fresh = $"{KeysFile}.new";
        File.WriteAllBytes(fresh, new KeyFile([.. _keys.Values.Select(key => key.Entry)]).ToJson());
        File.Move(fresh, KeysFile, overwrite: true);
    }

    private static string[] Split(string patterns) => patterns.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
