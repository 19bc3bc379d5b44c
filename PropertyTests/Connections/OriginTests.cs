using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PubSub.Hosting.Connections;

namespace PubSub.PropertyTests.Connections;

public sealed class OriginTests
{
    [TestCase("")]
    [TestCase("https://listed.example")]
    [TestCase("*")]
    public void A_request_without_an_Origin_is_allowed(string list)
    {
        Assert.That(IsAllowed(null, "localhost:8080", list), Is.True);
        Assert.That(IsAllowed("", "localhost:8080", list), Is.True);
    }

    [TestCase("http://localhost:8080", "localhost:8080")]
    [TestCase("https://localhost:8080", "localhost:8080")]
    [TestCase("http://example.com", "example.com")]
    [TestCase("http://example.com", "example.com:80")]
    [TestCase("https://example.com", "example.com")]
    [TestCase("https://example.com", "example.com:443")]
    [TestCase("http://EXAMPLE.com", "example.COM")]
    [TestCase("http://127.0.0.1:8080", "127.0.0.1:8080")]
    [TestCase("http://[::1]:8080", "[::1]:8080")]
    [TestCase("https://xn--bcher-kva.example", "xn--bcher-kva.example:443")]
    [TestCase("https://xn--bcher-kva.example", "xn--bcher-kva.example")]
    public void A_page_of_the_same_host_may_connect(string origin, string host) =>
        Assert.That(IsAllowed(origin, host, ""), Is.True);

    [TestCase("http://other.example", "example.com")]
    [TestCase("http://sub.example.com", "example.com")]
    [TestCase("http://example.com.evil.example", "example.com")]
    [TestCase("http://example.com", "sub.example.com")]
    [TestCase("http://example.com:8081", "example.com:8080")]
    [TestCase("http://example.com:8080", "example.com")]
    [TestCase("http://example.com", "example.com:8080")]
    [TestCase("http://example.com", "example.com:443")]
    [TestCase("https://example.com", "example.com:80")]
    [TestCase("http://localhost:8080", "127.0.0.1:8080")]
    [TestCase("null", "example.com")]
    [TestCase("null", "null")]
    [TestCase("example.com", "example.com")]
    [TestCase("http://", "example.com")]
    [TestCase("*", "example.com")]
    [TestCase("http://xn--0.example", "example.com")]
    [TestCase("http://example.com", "xn--0.example")]
    [TestCase("http://example.com", "")]
    [TestCase("http://example.com@example.com", "example.com")]
    [TestCase("http://example.com/", "example.com")]
    public void A_page_of_another_host_may_not_connect(string origin, string host)
    {
        Assert.That(IsAllowed(origin, host, ""), Is.False);
        Assert.That(IsAllowed(origin, host, "https://listed.example"), Is.False);
    }

    [TestCase("https://one.example")]
    [TestCase("https://two.example:8443")]
    [TestCase("HTTPS://One.Example")]
    [TestCase("null")]
    public void A_page_that_is_listed_may_connect(string origin) =>
        Assert.That(IsAllowed(origin, "example.com", " https://one.example ,, https://two.example:8443,null"), Is.True);

    [TestCase("http://one.example")]
    [TestCase("https://one.example:8443")]
    [TestCase("https://two.example")]
    [TestCase("https://one.example,https://two.example:8443")]
    [TestCase("https://on")]
    public void A_listed_origin_is_compared_as_a_whole(string origin) =>
        Assert.That(IsAllowed(origin, "example.com", "https://one.example,https://two.example:8443"), Is.False);

    [TestCase("*")]
    [TestCase("https://one.example, *")]
    public void A_star_allows_every_page(string list) =>
        Assert.That(new[] { "http://other.example", "null", "?" }.Select(origin => IsAllowed(origin, "example.com", list)), Is.All.True);

    [TestCase("https://app.example/")]
    [TestCase("https://app.example:443")]
    [TestCase("HTTPS://APP.example")]
    public void A_listed_origin_is_normalized(string list) =>
        Assert.That(IsAllowed("https://app.example", "example.com", list), Is.True);

    [TestCase("https://b\u00fccher.example", "https://xn--bcher-kva.example")]
    [TestCase("http://[::1]:80", "http://[::1]")]
    [TestCase("capacitor://localhost", "capacitor://localhost")]
    public void A_listed_origin_matches_its_form_in_browsers(string list, string origin) =>
        Assert.That(IsAllowed(origin, "example.com", list), Is.True);

    [TestCase("app.example")]
    [TestCase("https://*.example")]
    [TestCase("https://app.example;https://other.example")]
    [TestCase("https://app.example https://other.example")]
    [TestCase("\"https://app.example\"")]
    [TestCase("'https://app.example'")]
    [TestCase("[\"https://app.example\"]")]
    [TestCase("https://app.example/path")]
    [TestCase("https://app.example?query")]
    [TestCase("https://app.example#fragment")]
    [TestCase("https://user@app.example")]
    [TestCase("https://app.example:99999")]
    [TestCase("https://")]
    [TestCase("//app.example")]
    [TestCase("localhost:3000")]
    public void A_list_with_an_entry_that_is_no_origin_is_refused(string entry) =>
        Assert.That(Origins.TryParse($"https://good.example,{entry}", out _), Is.False);

    [Test]
    public void A_request_with_two_Origins_is_refused()
    {
        var context = new DefaultHttpContext();
        context.Request.Host = new HostString("example.com");
        context.Request.Headers.Append("Origin", "http://example.com");
        context.Request.Headers.Append("Origin", "http://other.example");

        Assert.That(Of("http://example.com").Allow(context.Request), Is.False);
    }

    private static bool IsAllowed(string? origin, string host, string list)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Host = host;
        if (origin is not null)
        {
            context.Request.Headers.Origin = origin;
        }

        return Of(list).Allow(context.Request);
    }

    private static Origins Of(string list) =>
        Origins.TryParse(list, out var origins) ? origins : throw new ArgumentException(list, nameof(list));
}
