using NUnit.Framework;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Probes a server and returns the target, or the message that says why there is none.</summary>
internal static class Probing
{
    public static Task<ProbedTarget> FindAsync(MortalServer server, Func<ProbeOptions, ProbeOptions>? change = null)
    {
        var options = new ProbeOptions { Url = server.Origin };
        return Probe.ExecuteAsync(change?.Invoke(options) ?? options, cancellation: TestContext.CurrentContext.CancellationToken);
    }

    public static Task<ProbedTarget> FindAsync(Uri url) => Probe.ExecuteAsync(new ProbeOptions { Url = url });

    public static Task<string> MessageAsync(MortalServer server, Func<ProbeOptions, ProbeOptions>? change = null, double scale = 1)
    {
        var options = new ProbeOptions { Url = server.Origin, TimeoutScale = scale };
        return MessageAsync(change?.Invoke(options) ?? options);
    }

    /// <summary>The message for the user when no target is found: one or more sentences. Fails if a target is found.</summary>
    public static async Task<string> MessageAsync(ProbeOptions options)
    {
        var message = "";
        try
        {
            await Probe.ExecuteAsync(options, cancellation: TestContext.CurrentContext.CancellationToken);
            Assert.Fail("the probe found a target");
        }
        catch (Unreachable unreachable)
        {
            message = unreachable.Message;
        }

        Assert.That(message, Does.Match(@"[.?]\z").And.Not.Contain("\n   at "));
        return message;
    }

    public static Finding Found(ProbedTarget probed, string what) => probed.Findings.Single(finding => finding.What == what);

    public static string Evidence(ProbedTarget probed, string what) => Found(probed, what).Evidence;
}
