namespace PubSub;

/// <summary>Finished bytes for the wire: encoded once, shared by all senders, never modified.</summary>
/// <param name="bytes">The bytes, which the caller hands over and must not touch again.</param>
public readonly struct Frame(byte[] bytes)
{
    /// <summary>The bytes as they go onto the wire.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes;

    /// <summary>The size in bytes.</summary>
    public int Length => bytes.Length;

    internal byte[] Array => bytes;
}
