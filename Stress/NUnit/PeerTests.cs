using NUnit.Framework;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Tests;

/// <summary>Peers that are installed pass the same checks as our server.</summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class PeerTests
{
    private static readonly ClosedLoad Short = ScriptedServer.Short;

    [TestCase("nats")]
    [TestCase("nats-tcp")]
    [TestCase("redis")]
    [TestCase("mosquitto")]
    [TestCase("limit")]
    public void An_installed_peer_loses_no_message(string name)
    {
        using var server = new ScriptedServer();
        var command = new FanOutProbe();
        using var lineup = command.Open(["--url", server.Url.AbsoluteUri, "--against", name]);
        if (lineup.All.Count < 2)
        {
            Assert.That(lineup.Notes[1].Absent, Is.True, "a peer that is not installed is reported as absent");
            Assert.Ignore(lineup.Notes[1].Version);
        }

        var peer = lineup.All[1];

        Assert.That(() => FanOut.Once(peer, 5, Short), Throws.Nothing);
        Assert.That(() => Pairs.Once(peer, 3, Short), Throws.Nothing);
        Assert.That(() => Latency.Once(peer, 500, 3, Short), Throws.Nothing);
        Assert.That(() => FanOut.Once(peer, 3, Short with { PayloadBytes = 70_000 }), Throws.Nothing, "longer than a frame's short form");
    }

    /// <summary>A command with the server options alone.</summary>
    private sealed class FanOutProbe
    {
        private readonly System.CommandLine.Command _command = new("probe");
        private readonly ServerOptions _options;

        public FanOutProbe() => _options = new ServerOptions(_command, compares: true);

        public Lineup Open(string[] arguments) => _options.Open(_command.Parse(arguments), []);
    }
}
