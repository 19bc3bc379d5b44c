using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>
/// A peer from the distribution's packages, started for this run alone, with its default settings except those in its version text.
/// </summary>
internal abstract class PeerContender(string name) : IContender
{
    private readonly Dictionary<int, byte[]> _payloads = [];

    public string Name => name;

    public abstract string Version { get; }

    public abstract ProcessCost? Cost { get; }

    public abstract string? Death { get; }

    public void CreateTopic(string topic)
    {
        // Subjects and channels of these peers exist as soon as a client names them.
    }

    public void DeleteTopic(string topic)
    {
    }

    public abstract BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0);

    public abstract void Dispose();

    /// <summary>Room for the message number at the start, then a fill character.</summary>
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
