using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>A proxy in front of a server, or another run at the same time, changes no verdict.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class FrontTests
{
    [TestCase("http", "/some/prefix")]
    [TestCase("http", "/some/prefix/v1")]
    [TestCase("ws", "/some/prefix/v1/ws")]
    [TestCase("http", "", "--prefix", "some/prefix/v1/")]
    public async Task A_path_prefix_changes_no_verdict(string scheme, string path, params string[] options)
    {
        await using var server = new SmallServer();
        await using var proxy = new PrefixProxy(server.Origin, "/some/prefix");
        await ConformsAsync(["--url", $"{scheme}://{proxy.Origin.Authority}{path}", .. options]);
        Assert.That(await server.TopicsAsync(), Is.Empty);
    }

    [Test]
    public async Task TLS_works_with_a_given_authority_and_without_verification()
    {
        await using var server = new SmallServer();
        await using var tls = new TlsServer(server.Origin);
        using var folder = new Folder();

        var results = await ConformsAsync(["--url", $"{tls.Origin}", "--ca", folder.Write("ca.pem", tls.CertificatePem)]);
        await ConformsAsync(["--url", $"{tls.Origin}", "--insecure"]);

        Assert.That(results.Target.Fingerprint["certificate"], Does.Contain("CN=localhost"));
    }

    [Test]
    public async Task TLS_works_with_an_intermediate_authority()
    {
        using var root = Signed("CN=root", null, authority: true);
        using var between = Signed("CN=between", root, authority: true);
        using var leaf = Signed("CN=localhost", between, authority: false);
        using var publicBetween = X509CertificateLoader.LoadCertificate(between.RawData);
        await using var server = new SmallServer();
        await using var tls = new TlsServer(server.Origin, leaf, [publicBetween]);
        using var folder = new Folder();

        await ConformsAsync(["--url", $"{tls.Origin}", "--ca", folder.Write("ca.pem", root.ExportCertificatePem())]);

        using var stranger = Signed("CN=root", null, authority: true);
        var another = folder.Write("another.pem", stranger.ExportCertificatePem());
        var run = await Tool.ExitsAsync(ExitCode.Unreachable, $"probe --url {tls.Origin} --ca {another}");
        run.Complains("not trusted");
    }

    [Test]
    public async Task Two_runs_at_the_same_time_do_not_disturb_each_other()
    {
        await using var server = new SmallServer();
        string[] options = ["--url", $"{server.Origin}"];

        var results = await Task.WhenAll(ConformsAsync(options, "FAN"), ConformsAsync(options, "FAN"));

        Assert.That(results[0].Run, Is.Not.EqualTo(results[1].Run));
        Assert.That(await server.TopicsAsync(), Is.Empty);
        Assert.That(server.Faults, Is.Empty);
    }

    private static async Task<Results> ConformsAsync(IEnumerable<string> target, string pattern = "PS-REST-001")
    {
        using var folder = new Folder();
        string[] chosen = ["--include", pattern, "--include", "PS-SUB-001", "--include", "PS-WS-001", "--out", folder.PathOf("out")];
        var run = await Tool.ExitsAsync(ExitCode.Conformant, ["run", .. target, .. chosen], folder.Temporary);
        var results = folder.Results("out");
        Assert.That(results.Totals[Verdict.Warn], Is.Zero, run.ToString());
        Assert.That(results.Leftovers, Is.Empty);
        return results;
    }

    /// <summary>A certificate with its key, signed by the issuer or else by itself.</summary>
    private static X509Certificate2 Signed(string name, X509Certificate2? issuer, bool authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        if (issuer is null)
        {
            var now = TimeProvider.System.GetUtcNow();
            return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        }

        // A certificate must not be valid for longer than its issuer.
        using var made = request.Create(issuer, issuer.NotBefore, issuer.NotAfter, RandomNumberGenerator.GetBytes(8));
        using var keyed = made.CopyWithPrivateKey(key);

        // On some systems a TLS server needs a key that was loaded from PKCS #12.
        return X509CertificateLoader.LoadPkcs12(keyed.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
