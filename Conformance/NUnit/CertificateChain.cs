using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PubSub.Conformance.Tests;

/// <summary>A root, server certificates that it signed directly and through an intermediate, and another authority.</summary>
internal sealed class CertificateChain
{
    private static readonly DateTimeOffset Past = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly DateTimeOffset Future = DateTimeOffset.UnixEpoch.AddYears(130);

    public CertificateChain()
    {
        Root = Authority("CN=Root", null);
        Intermediate = Authority("CN=Intermediate", Root);
        Stranger = Authority("CN=Stranger", null);
        Direct = Server(Root, IPAddress.Loopback);
        Indirect = Server(Intermediate, IPAddress.Loopback);
        Elsewhere = Server(Root, IPAddress.Parse("192.0.2.1"));
    }

    public X509Certificate2 Root { get; }
    public X509Certificate2 Intermediate { get; }
    public X509Certificate2 Stranger { get; }
    public X509Certificate2 Direct { get; }
    public X509Certificate2 Indirect { get; }
    public X509Certificate2 Elsewhere { get; }

    private static X509Certificate2 Authority(string name, X509Certificate2? issuer)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return issuer is null
            ? request.CreateSelfSigned(Past, Future)
            : request.Create(issuer, Past, Future, Serial()).CopyWithPrivateKey(key);
    }

    private static X509Certificate2 Server(X509Certificate2 issuer, IPAddress address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(issuer, Past, Future, Serial());
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    private static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(8)];
}
