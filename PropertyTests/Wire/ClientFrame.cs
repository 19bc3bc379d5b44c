using PubSub.Hosting.WebSocket;

namespace PubSub.PropertyTests.Wire;

/// <summary>A frame as a client sends it: masked (RFC 6455 §5.2).</summary>
internal static class ClientFrame
{
    public static byte[] Of(Opcode opcode, ReadOnlySpan<byte> payload, bool final = true, uint mask = 0x01020304)
    {
        var key = BitConverter.GetBytes(mask);
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)payload.Length],
            <= ushort.MaxValue => [126, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [127, 0, 0, 0, 0, .. BitConverter.GetBytes(payload.Length).Reverse()],
        };
        byte[] frame = [(byte)((final ? 0x80 : 0) | (int)opcode), (byte)(0x80 | length[0]), .. length[1..], .. key, .. payload];
        for (var place = 0; place < payload.Length; place++)
        {
            frame[frame.Length - payload.Length + place] ^= key[place % 4];
        }

        return frame;
    }
}
