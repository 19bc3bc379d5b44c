using System.Globalization;

namespace PubSub.Conformance.Network;

/// <summary>The body of a response, piece by piece as it arrives, chunked or not. A cancelled read loses nothing.</summary>
internal sealed class HttpBody(Wire wire, HttpAnswer head)
{
    private readonly bool _isChunked = IsChunked(head);

    // Of the body, or of this chunk; -1 before the first chunk.
    private long _left = IsChunked(head) ? -1
        : long.TryParse(head.Header("Content-Length"), CultureInfo.InvariantCulture, out var length) ? Math.Max(length, 0)
        : long.MaxValue;

    private bool _isOver;

    /// <summary>How the body ended, once it has.</summary>
    public string End => wire.End ?? "the end of the response";

    /// <summary>At least one byte; none once the body has ended.</summary>
    public async Task<byte[]> ReadSomeAsync(CancellationToken cancellation)
    {
        while (_isChunked && _left <= 0 && !_isOver)
        {
            await ReadChunkLineAsync(cancellation);
        }

        if (_isOver || _left == 0)
        {
            return [];
        }

        var bytes = await wire.ReadSomeAsync(_left, cancellation);
        _left -= bytes.Length;
        _isOver = bytes.Length == 0;
        return bytes;
    }

    private static bool IsChunked(HttpAnswer head) =>
        head.Header("Transfer-Encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) == true;

    // The empty line that ends a chunk, or the line with the size of the next one. What is neither ends the body.
    private async Task ReadChunkLineAsync(CancellationToken cancellation)
    {
        var line = (await wire.ReadLineAsync(cancellation))?.Split(';')[0].Trim();
        if (_left == 0 && line == "")
        {
            _left = -1;
        }
        else if (int.TryParse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var size) && size > 0)
        {
            _left = size;
        }
        else
        {
            _isOver = true;
        }
    }
}
