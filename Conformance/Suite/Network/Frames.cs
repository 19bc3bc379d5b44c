using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance.Network;

public enum Opcode
{
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// <summary>
/// One RFC 6455 frame, correct by default: final, masked, shortest length. Each of these can be made wrong.
/// </summary>
public sealed record Frame(Opcode Opcode, ReadOnlyMemory<byte> Payload)
{
    public const int LargestPayload = 64 * 1024 * 1024;

    public bool Final { get; init; } = true;

    /// <summary>The three reserved bits, RSV1 being 4.</summary>
    public int Reserved { get; init; }

    public bool Masked { get; init; } = true;

    /// <summary>A length that the header claims instead of the true one.</summary>
    public long? ClaimedLength { get; init; }

    /// <summary>The long form of the length (2 or 8 bytes) although a shorter one would do; null for the shortest form.</summary>
    public int? LengthBytes { get; init; }

    public string TextPayload => Encoding.UTF8.GetString(Payload.Span);

    public int? CloseCode => Opcode == Opcode.Close && Payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Payload.Span) : null;

    public string CloseReason => Opcode == Opcode.Close && Payload.Length > 2 ? Encoding.UTF8.GetString(Payload.Span[2..]) : "";

    public static Frame Text(string text) => new(Opcode.Text, Encoding.UTF8.GetBytes(text));

    public static Frame Binary(ReadOnlyMemory<byte> payload) => new(Opcode.Binary, payload);

    public static Frame Continuation(string text) => new(Opcode.Continuation, Encoding.UTF8.GetBytes(text));

    public static Frame Ping(string payload = "") => new(Opcode.Ping, Encoding.UTF8.GetBytes(payload));

    public static Frame Pong(ReadOnlyMemory<byte> payload) => new(Opcode.Pong, payload);

    public static Frame Close(int? code = 1000, string reason = "")
    {
        if (code is not { } status)
        {
            return new(Opcode.Close, ReadOnlyMemory<byte>.Empty);
        }

        var payload = new byte[2 + Encoding.UTF8.GetByteCount(reason)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)status);
        Encoding.UTF8.GetBytes(reason, payload.AsSpan(2));
        return new(Opcode.Close, payload);
    }

    /// <summary>The same text in as many frames as there are parts; only the last is final.</summary>
    public static IReadOnlyList<Frame> Fragments(params string[] parts) =>
        [.. parts.Select((part, i) => (i == 0 ? Text(part) : Continuation(part)) with { Final = i == parts.Length - 1 })];

    /// <summary>The same text in frames of this many bytes, which may cut a character; only the last is final.</summary>
    public static IReadOnlyList<Frame> Fragments(ReadOnlyMemory<byte> text, int size) =>
        [.. Enumerable.Range(0, (text.Length + size - 1) / size).Select(i => new Frame(
            i == 0 ? Opcode.Text : Opcode.Continuation, text.Slice(i * size, Math.Min(size, text.Length - i * size)))
        { Final = (i + 1) * size >= text.Length })];

    public byte[] Encode()
    {
        var claimed = ClaimedLength ?? Payload.Length;
        var lengthBytes = LengthBytes ?? ShortestLengthBytes(claimed);
        var header = 2 + lengthBytes;
        var bytes = new byte[header + (Masked ? 4 : 0) + Payload.Length];

        bytes[0] = (byte)((Final ? 0x80 : 0) | ((Reserved & 7) << 4) | ((int)Opcode & 15));
        bytes[1] = (byte)(Masked ? 0x80 : 0);
        switch (lengthBytes)
        {
            case 0:
                bytes[1] |= (byte)claimed;
                break;
            case 2:
                bytes[1] |= 126;
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)claimed);
                break;
            default:
                bytes[1] |= 127;
                BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), claimed);
                break;
        }

        var body = bytes.AsSpan(bytes.Length - Payload.Length);
        Payload.Span.CopyTo(body);
        if (Masked)
        {
            var mask = bytes.AsSpan(header, 4);
            RandomNumberGenerator.Fill(mask);
            Mask(body, mask);
        }

        return bytes;
    }

    /// <summary>Takes one whole frame off the front, or nothing.</summary>
    /// <exception cref="Violation">It claims more than <see cref="LargestPayload"/> bytes.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> bytes, [NotNullWhen(true)] out Frame? frame)
    {
        frame = null;
        Span<byte> start = stackalloc byte[FrameHeader.LongestSize];
        start = start[..(int)Math.Min(start.Length, bytes.Length)];
        bytes.Slice(0, start.Length).CopyTo(start);
        if (!FrameHeader.TryRead(start, out var header))
        {
            return false;
        }

        if (header.Length is < 0 or > LargestPayload)
        {
            throw new Violation(
                "A server frame has a sane length", $"at most {LargestPayload} bytes", $"a frame that claims {header.Length} bytes");
        }

        if (bytes.Length < header.Size + header.Length)
        {
            return false;
        }

        frame = Decode(header, bytes.Slice(0, header.Size + header.Length).ToArray());
        bytes = bytes.Slice(header.Size + header.Length);
        return true;
    }

    /// <param name="header">Its header.</param>
    /// <param name="bytes">The whole frame, header included; the frame takes ownership.</param>
    public static Frame Decode(FrameHeader header, byte[] bytes)
    {
        var payload = bytes.AsMemory(header.Size);
        if (header.Masked)
        {
            Mask(payload.Span, bytes.AsSpan(header.Size - 4, 4));
        }

        return new Frame((Opcode)(bytes[0] & 15), payload)
        {
            Final = (bytes[0] & 0x80) != 0,
            Reserved = (bytes[0] >> 4) & 7,
            Masked = header.Masked,
            LengthBytes = header.LengthBytes == ShortestLengthBytes(payload.Length) ? null : header.LengthBytes,
        };
    }

    public override string ToString() =>
        $"{Opcode}{(Final ? "" : " (not final)")}{(Reserved == 0 ? "" : $" rsv={Reserved}")} {Payload.Length} bytes"
        + (CloseCode is { } code ? $" {code} '{CloseReason}'" : "");

    private static int ShortestLengthBytes(long length) => length switch { < 126 => 0, <= ushort.MaxValue => 2, _ => 8 };

    private static void Mask(Span<byte> payload, ReadOnlySpan<byte> mask)
    {
        for (var i = 0; i < payload.Length; i++)
        {
            payload[i] ^= mask[i & 3];
        }
    }
}

/// <summary>The header of a frame, as RFC 6455, section 5.2, has it.</summary>
/// <param name="Size">The header's size in bytes, extended length and mask included.</param>
/// <param name="Length">The claimed payload length in bytes; negative if the most significant bit is set, which is not legal.</param>
/// <param name="LengthBytes">The size of the extended length: 0, 2 or 8 bytes.</param>
public readonly record struct FrameHeader(int Size, long Length, int LengthBytes, bool Masked)
{
    public const int LongestSize = 14;

    /// <summary>False when the bytes end before the length does; the mask may still be missing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        header = default;
        if (bytes.Length < 2)
        {
            return false;
        }

        var masked = bytes[1] >= 0x80;
        long length = bytes[1] & 0x7f;
        var lengthBytes = length switch { 126 => 2, 127 => 8, _ => 0 };
        if (bytes.Length < 2 + lengthBytes)
        {
            return false;
        }

        length = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            8 => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
            _ => length,
        };
        header = new(2 + lengthBytes + (masked ? 4 : 0), length, lengthBytes, masked);
        return true;
    }
}
