namespace PubSub.Stress;

/// <summary>A peer from the distribution's packages, started for this run alone, with its own default settings but for those that its version names.</summary>
internal abstract class PeerContender(string name) : IContender
{
    private readonly Dictionary<int, byte[]> _payloads = [];

    public string Name => name;

    public abstract string Version { get; }

    public abstract ProcessCost? Cost { get; }

    public abstract string? Death { get; }

    public void CreateTopic(string topic)
    {
        // A subject, channel or topic of these exists as soon as it is named.
    }

    public void DeleteTopic(string topic)
    {
    }

    public abstract Connection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0);

    public abstract void Dispose();

    /// <summary>The number comes first, so no payload is shorter than it.</summary>
    protected byte[] Payload(int bytes)
    {
        if (!_payloads.TryGetValue(bytes, out var payload))
        {
            _payloads[bytes] = payload = new byte[bytes];
            payload.AsSpan().Fill((byte)'x');
        }

        return payload;
    }
}
