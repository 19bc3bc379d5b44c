using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Upgrades, reads everything, and never says anything.</summary>
internal sealed class MuteServer : UpgradingServer
{
    public MuteServer() => Start();

    protected override async Task TalkAsync(Connection connection, CancellationToken stopping)
    {
        var heard = new byte[16 * 1024];
        while (await connection.ReadAsync(heard, stopping) > 0)
        {
            // And never answers.
        }
    }
}
