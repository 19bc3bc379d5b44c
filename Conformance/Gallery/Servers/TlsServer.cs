using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Puts TLS in front of another server. Without a given certificate it makes a self-signed one, which only clients accept that have been
/// told to trust it.
/// </summary>
internal sealed class TlsServer : TcpServer
{
    private readonly Uri _inner;
    private readonly X509Certificate2 _certificate;
    private readonly SslStreamCertificateContext _shown;

    /// <param name="inner">The server.</param>
    /// <param name="certificate">The certificate with its key.</param>
    /// <param name="between">Intermediate certificates between the certificate and its authority, which are sent along.</param>
    public TlsServer(Uri inner, X509Certificate2? certificate = null, X509Certificate2Collection? between = null)
    {
        _inner = inner;
        _certificate = certificate ?? SelfSigned();
        _shown = SslStreamCertificateContext.Create(_certificate, between, offline: true);
        Start();
    }

    /// <summary>The certificate that a client has to trust.</summary>
    public string CertificatePem => _certificate.ExportCertificatePem();

    protected override string Scheme => Uri.UriSchemeHttps;

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        await using var secure = new SslStream(connection);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _shown }, stopping);
        await Relay.CarryAsync(secure, LeaveAsync, await Connection.OpenAsync(_inner, stopping), stopping);

        async Task LeaveAsync()
        {
            try
            {
                await secure.ShutdownAsync();
            }
            catch (Exception e) when (e is not IOException) // OpenSSL's own is internal
            {
                throw new IOException("the peer was still sending after its close_notify", e);
            }
        }
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));

        // On some systems, SslStream works only with a key that has been loaded from a file.
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
