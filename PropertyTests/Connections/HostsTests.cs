using NUnit.Framework;
using PubSub.Hosting.Connections;

namespace PubSub.PropertyTests.Connections;

/// <summary>Which host names a request may have. A foreign name that resolves to this machine is an attack by DNS rebinding.</summary>
public sealed class HostsTests
{
    [TestCase("localhost")]
    [TestCase("localhost:8080")]
    [TestCase("LOCALHOST:8080")]
    [TestCase("localhost.")]
    [TestCase("app.localhost:8080")]
    [TestCase("127.0.0.1:8080")]
    [TestCase("127.8.9.10")]
    [TestCase("[::1]")]
    [TestCase("[::1]:8080")]
    [TestCase("[::ffff:127.0.0.1]:8080")]
    [TestCase("")]
    public void The_names_of_the_local_machine_are_allowed(string host)
    {
        Assert.That(IsAllowed(host, "", isLocal: true));
        Assert.That(IsAllowed(host, "app.example", isLocal: true));
        Assert.That(IsAllowed(host, "app.example", isLocal: false));
    }

    [TestCase("evil.example:8080")]
    [TestCase("localhost.evil.example")]
    [TestCase("evillocalhost")]
    [TestCase("127.0.0.1.evil.example")]
    [TestCase("localhost@evil.example")]
    [TestCase("evil.example#localhost")]
    [TestCase("evil.example/.localhost")]
    [TestCase("203.0.113.9")]
    [TestCase("[2001:db8::1]:8080")]
    [TestCase("xn--0.example")]
    [TestCase("a_b..c")]
    [TestCase(":8080:")]
    public void Any_other_name_is_refused_on_a_local_server(string host)
    {
        Assert.That(IsAllowed(host, "", isLocal: true), Is.False);
        Assert.That(IsAllowed(host, "app.example", isLocal: false), Is.False);
        Assert.That(IsAllowed(host, "", isLocal: false), Is.True, "the server is bound to other addresses too, and no list is set");
        Assert.That(IsAllowed(host, "*", isLocal: true), Is.True);
    }

    [TestCase("app.example", "app.example:8080")]
    [TestCase("App.Example", "aPP.example")]
    [TestCase("app.example", "app.example.:80")]
    [TestCase("one.example, app.example", "app.example")]
    [TestCase("*.app.example", "a.app.example")]
    [TestCase("*.app.example", "a.b.app.example:1")]
    [TestCase("b\u00fccher.example", "xn--bcher-kva.example")]
    [TestCase("xn--bcher-kva.example", "b\u00fccher.example")]
    [TestCase("203.0.113.9", "203.0.113.9:8080")]
    [TestCase("[2001:db8::1]", "[2001:db8::1]:8080")]
    public void A_listed_name_is_allowed(string list, string host) => Assert.That(IsAllowed(host, list, isLocal: true));

    [Test]
    public void The_address_that_the_server_is_bound_to_is_allowed()
    {
        Assert.That(IsAllowed("203.0.113.1:8080", "app.example", isLocal: false));
        Assert.That(IsAllowed("203.0.113.1:8080", "app.example", isLocal: true), Is.False);
    }

    [TestCase("app.example", "a.app.example")]
    [TestCase("*.app.example", "app.example")]
    [TestCase("*.app.example", "xapp.example")]
    [TestCase("app.example", "app.example.evil.example")]
    public void A_name_that_only_resembles_a_listed_one_is_refused(string list, string host) =>
        Assert.That(IsAllowed(host, list, isLocal: true), Is.False);

    [TestCase("http://app.example")]
    [TestCase("app.example:8080")]
    [TestCase("app.example/path")]
    [TestCase("a b")]
    [TestCase("user@app.example")]
    [TestCase("a.*.example")]
    [TestCase("[\"app.example\"]")]
    [TestCase("app.example;other.example")]
    public void An_entry_that_is_no_name_is_refused(string list) => Assert.That(Hosts.TryParse(list, out _), Is.False);

    private static bool IsAllowed(string host, string list, bool isLocal) =>
        Hosts.TryParse(list, out var hosts) && hosts.Allow(host, isLocal ? "localhost" : "203.0.113.1");
}
