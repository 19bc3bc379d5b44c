using System.Globalization;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>The head of an HTTP response that must have the status 200, and the chunks of its body (RFC 9112 §7.1).</summary>
/// <param name="Head">Without the empty line at its end.</param>
/// <param name="Length">Bytes of head and empty line.</param>
internal sealed record HttpResponse(string Head, int Length)
{
    private const string ContentLengthField = "\r\nContent-Length: ";

    public bool IsChunked { get; } = Head.Contains("\r\nTransfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);

    /// <summary>Bytes of the body; null if the response does not say.</summary>
    public int? ContentLength { get; } = Head.IndexOf(ContentLengthField, StringComparison.OrdinalIgnoreCase) is var at and >= 0
        ? int.Parse(Head[(at + ContentLengthField.Length)..].Split('\r')[0], CultureInfo.InvariantCulture)
        : null;

    /// <summary>Reads the head.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="request">What it answers, for an error.</param>
    /// <returns>Null if it has not arrived whole.</returns>
    public static HttpResponse? Read(ReadOnlySpan<byte> bytes, string request)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return null;
        }

        var head = Encoding.ASCII.GetString(bytes[..end]);
        return head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal)
            ? new(head, end + 4)
            : throw new RunFailed($"{request}: {head.Split('\r')[0]}");
    }

    /// <summary>Reads one chunk.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="loop">Makes room for a chunk that is larger than what a connection usually keeps.</param>
    /// <param name="content">What the chunk carries; nothing in the last one.</param>
    /// <param name="length">Bytes of the chunk with its size and line ends.</param>
    /// <returns>False if it has not arrived whole.</returns>
    public static bool TryReadChunk(ReadOnlySpan<byte> bytes, Loop loop, out ReadOnlySpan<byte> content, out int length)
    {
        content = default;
        length = 0;
        var head = bytes.IndexOf("\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        if (!int.TryParse(bytes[..head], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size))
        {
            throw new RunFailed($"a chunk has no length: {ServerMessage.Excerpt(bytes)}");
        }

        length = head + 2 + size + 2;
        if (bytes.Length < length)
        {
            loop.Expect(length);
            return false;
        }

        content = bytes.Slice(head + 2, size);
        return true;
    }
}
