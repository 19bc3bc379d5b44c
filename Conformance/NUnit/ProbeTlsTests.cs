using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;
using static PubSub.Conformance.Tests.Probing;

namespace PubSub.Conformance.Tests;

/// <summary>The probe trusts the certificates it was told to trust, and tells failures of TLS apart.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ProbeTlsTests
{
    private static readonly Lazy<CertificateChain> Certificates = new(() => new CertificateChain());

    [Test]
    public async Task An_untrusted_certificate_is_rejected_unless_its_authority_is_given_or_insecure_is_set()
    {
        var chain = Certificates.Value;
        await using var server = new MortalServer { Certificate = SslStreamCertificateContext.Create(chain.Direct, null, offline: true) };

        Assert.That(
            await MessageAsync(server),
            Does.Contain("not trusted").And.Contain("--ca").And.Contain("--insecure").And.Contain(server.Origin.Authority));
        Assert.That(
            await MessageAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Stranger] } }),
            Does.Contain("not trusted"));
        var vouched = await FindAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Stranger, chain.Root] } });
        var careless = await FindAsync(server, options => options with { Tls = new Tls { Insecure = true } });

        Assert.That((vouched.Target.Rest.Scheme, vouched.Target.WebSocket.Scheme), Is.EqualTo(("https", "wss")));
        Assert.That(vouched.Fingerprint["certificate"], Does.Contain("CN=127.0.0.1").And.Contain("SHA-256"));
        Assert.That(careless.Target.Tls.Insecure, Is.True);
    }

    [Test]
    public async Task A_certificate_is_trusted_through_the_intermediate_that_the_server_sends()
    {
        var chain = Certificates.Value;
        var context = SslStreamCertificateContext.Create(chain.Indirect, [chain.Intermediate], offline: true);
        await using var server = new MortalServer { Certificate = context };

        var probed = await FindAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Root] } });

        Assert.That(probed.Target.Rest.Scheme, Is.EqualTo("https"));
    }

    [Test]
    public async Task A_certificate_for_another_name_is_rejected()
    {
        var chain = Certificates.Value;
        var context = SslStreamCertificateContext.Create(chain.Elsewhere, null, offline: true);
        await using var server = new MortalServer { Certificate = context };

        Assert.That(
            await MessageAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Root] } }),
            Does.Contain("not trusted").And.Contain("NameMismatch"));
    }

    [Test]
    public async Task TLS_to_a_plain_port_is_not_reported_as_a_problem_of_the_certificate()
    {
        await using var plain = new MortalServer();
        var url = new Uri($"https://{plain.Origin.Authority}");
        await using var abrupt = new TinyServer((_, _, _) => Task.CompletedTask);
        await using var loud = new TinyServer(
            (_, stream, stopping) => stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), stopping).AsTask());

        ProbeOptions[] both = [new() { Url = url, Tls = new Tls { Insecure = true } }, new() { Url = url, TimeoutScale = 0.1 }];
        foreach (var options in both)
        {
            Assert.That(
                await MessageAsync(options with { TimeoutScale = 0.1 }),
                Does.Contain("TLS").And.Contain("http://").And.Not.Contain("--ca"));
        }

        await using var greeting = new Greeter("HTTP/1.1 400 Bad Request\r\n\r\n");
        Assert.That(
            await MessageAsync(new ProbeOptions { Url = greeting.Secure }),
            Does.Contain("TLS").And.Contain("http://").And.Not.Contain("--ca"));
    }

    [Test]
    public async Task Plain_HTTP_to_a_TLS_port_is_recognised()
    {
        var context = SslStreamCertificateContext.Create(Certificates.Value.Direct, null, offline: true);
        await using var server = new MortalServer { Certificate = context };

        Assert.That(
            await MessageAsync(new ProbeOptions { Url = new Uri($"http://{server.Origin.Authority}") }),
            Does.Contain("No REST interface of this protocol").And.Contain("https://"));
    }

    /// <summary>Sends the same text on every connection before it reads anything.</summary>
    private sealed class Greeter : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _greeting;

        public Greeter(string words)
        {
            _listener.Start();
            _greeting = GreetAsync(Encoding.ASCII.GetBytes(words));
        }

        public Uri Secure => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _greeting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task GreetAsync(byte[] words)
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync(words);
                await client.GetStream().CopyToAsync(Stream.Null);
            }
        }
    }
}
