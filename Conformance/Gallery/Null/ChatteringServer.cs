using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Upgrades, never stops talking about nothing, and does not listen; it takes a breath now and then, to leave others the machine.</summary>
internal sealed class ChatteringServer : UpgradingServer
{
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(5);

    private static readonly byte[] Chatter = [.. Enumerable.Repeat(new RawFrame(0x81, [.. """{"type":"info","msg":"chatter"}"""u8]).Encode(), 20).SelectMany(frame => frame)];

    public ChatteringServer() => Start();

    protected override async Task TalkAsync(Connection connection, CancellationToken stopping)
    {
        while (true)
        {
            await connection.WriteAsync(Chatter, stopping);
            await Task.Delay(Breath, stopping);
        }
    }
}
