using System.Runtime.InteropServices;

namespace PubSub.Stress.Net;

/// <summary>RFC 6455 §5.3: every byte a client sends is XORed with the four bytes of its frame's key.</summary>
internal static class Mask
{
    public static void Copy(ReadOnlySpan<byte> source, Span<byte> target, uint key)
    {
        var wide = key | ((ulong)key << 32);
        var from = MemoryMarshal.Cast<byte, ulong>(source);
        var to = MemoryMarshal.Cast<byte, ulong>(target)[..from.Length];
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = from[i] ^ wide;
        }

        for (var i = from.Length * sizeof(ulong); i < source.Length; i++)
        {
            target[i] = (byte)(source[i] ^ (byte)(key >> ((i & 3) * 8)));
        }
    }
}
