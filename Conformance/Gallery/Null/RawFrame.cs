using System.Buffers.Binary;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>One frame as it comes, legal or not: its first byte, and its payload without the mask.</summary>
internal sealed record RawFrame(byte First, byte[] Payload)
{
    private const int Largest = 16 * 1024 * 1024;

    public bool IsData => (First & 0x0F) is 0 or 1 or 2;

    /// <summary>Null at the end of the stream, and in place of what is too large for anybody.</summary>
    public static async Task<RawFrame?> ReadAsync(Connection connection, CancellationToken stopping)
    {
        try
        {
            var head = await TakeAsync(connection, 2, stopping);
            var length = (head[1] & 0x7F) switch
            {
                126 => BinaryPrimitives.ReadUInt16BigEndian(await TakeAsync(connection, 2, stopping)),
                127 => BinaryPrimitives.ReadUInt64BigEndian(await TakeAsync(connection, 8, stopping)),
                var few => (ulong)few,
            };
            if (length > Largest)
            {
                return null;
            }

            var mask = head[1] >= 0x80 ? await TakeAsync(connection, 4, stopping) : new byte[4];
            var payload = await TakeAsync(connection, (int)length, stopping);
            for (var i = 0; i < payload.Length; i++)
            {
                payload[i] ^= mask[i % 4];
            }

            return new RawFrame(head[0], payload);
        }
        catch (EndOfStreamException)
        {
            return null;
        }
    }

    /// <summary>Unmasked, as a server sends it.</summary>
    public byte[] Encode()
    {
        Span<byte> extended = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(extended, (ulong)Payload.Length);
        return Payload.Length switch
        {
            < 126 => [First, (byte)Payload.Length, .. Payload],
            <= ushort.MaxValue => [First, 126, .. extended[6..], .. Payload],
            _ => [First, 127, .. extended, .. Payload],
        };
    }

    private static async Task<byte[]> TakeAsync(Connection connection, int count, CancellationToken stopping)
    {
        var bytes = new byte[count];
        await connection.ReadExactlyAsync(bytes, stopping);
        return bytes;
    }
}
