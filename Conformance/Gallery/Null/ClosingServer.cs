using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Upgrades and closes: with 1000, or without a word.</summary>
internal sealed class ClosingServer : UpgradingServer
{
    private readonly byte[] _last;

    public ClosingServer(bool politely)
    {
        _last = politely ? [0x88, 2, 0x03, 0xE8] : [];
        Start();
    }

    protected override Task TalkAsync(Connection connection, CancellationToken stopping) => connection.WriteAsync(_last, stopping).AsTask();
}
