using System.Globalization;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>Where a stream of events is, and how to ask for it.</summary>
/// <param name="Address">Host and port.</param>
/// <param name="Path">The path, with the topic.</param>
internal sealed record StreamAddress(Endpoint Address, string Path)
{
    public byte[] Request(string? lastEventId = null) => Encoding.ASCII.GetBytes(
        $"GET {Path} HTTP/1.1\r\nHost: {Address.Address}\r\nAccept: text/event-stream\r\n" +
        (lastEventId is null ? "\r\n" : $"Last-Event-ID: {lastEventId}\r\n\r\n"));
}

/// <summary>One connection that reads a stream of Server-Sent Events.</summary>
internal abstract class EventStreamConnection : BrokerConnection
{
    private readonly string _path;
    private byte[] _block = [];
    private int _blockLength;
    private bool _hasHead;
    private bool _isChunked;

    protected EventStreamConnection(Loop loop, StreamAddress address, string? lastEventId, int receiveBuffer)
        : base(loop, address.Address, receiveBuffer)
    {
        _path = address.Path;
        Write(0, address.Request(lastEventId));
    }

    /// <summary>A stream asks once, and is answered by its first block.</summary>
    public override int Unanswered => HasBegun ? 0 : 1;

    /// <summary>The first block has arrived.</summary>
    protected bool HasBegun { get; private set; }

    public override void Subscribe(string topic, int lastN)
    {
        // The address says what is subscribed to.
    }

    public override void PublishTo(string topic) => throw new NotSupportedException("A stream only reads.");

    public override void Publish(long id) => throw new NotSupportedException("A stream only reads.");

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var consumed = 0;
        if (!_hasHead)
        {
            var end = bytes.IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                return 0;
            }

            ReadHead(Encoding.ASCII.GetString(bytes[..end]));
            consumed = end + 4;
        }

        if (!_isChunked)
        {
            ReadText(bytes[consumed..]);
            return bytes.Length;
        }

        while (TryReadChunk(bytes[consumed..], out var length))
        {
            consumed += length;
        }

        return consumed;
    }

    /// <summary>Handles one block. Its parts are empty if it lacks them, and valid only during the call.</summary>
    /// <param name="id">Of the position.</param>
    /// <param name="name">Empty for an event of the topic.</param>
    /// <param name="data">The message as a subscriber over the WebSocket gets it.</param>
    /// <param name="isFirst">Nothing came before it.</param>
    protected abstract void Take(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isFirst);

    private void ReadHead(string head)
    {
        if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
        {
            throw new RunFailed($"GET {_path}: {head.Split('\r')[0]}");
        }

        _hasHead = true;
        _isChunked = head.Contains("\r\nTransfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
    }

    private bool TryReadChunk(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        var head = bytes.IndexOf("\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        if (!int.TryParse(bytes[..head], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size))
        {
            throw new RunFailed($"a chunk of the stream has no length: {ServerMessage.Excerpt(bytes)}");
        }

        length = head + 2 + size + 2;
        if (bytes.Length < length)
        {
            Loop.Expect(length);
            return false;
        }

        ReadText(bytes.Slice(head + 2, size));
        return true;
    }

    private void ReadText(ReadOnlySpan<byte> text)
    {
        if (_blockLength > 0)
        {
            var joined = new byte[_blockLength + text.Length]; // only after a block that was split
            _block.AsSpan(0, _blockLength).CopyTo(joined);
            text.CopyTo(joined.AsSpan(_blockLength));
            text = joined;
        }

        for (var end = text.IndexOf("\n\n"u8); end >= 0; end = text.IndexOf("\n\n"u8))
        {
            ReadBlock(text[..end]);
            text = text[(end + 2)..];
        }

        if (text.Length > _block.Length)
        {
            _block = new byte[text.Length * 2];
        }

        text.CopyTo(_block);
        _blockLength = text.Length;
    }

    private void ReadBlock(ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<byte> id = default, name = default, data = default;
        while (!block.IsEmpty)
        {
            var end = block.IndexOf((byte)'\n');
            var line = end < 0 ? block : block[..end];
            block = end < 0 ? default : block[(end + 1)..];
            if (line.StartsWith("id: "u8))
            {
                id = line[4..];
            }
            else if (line.StartsWith("event: "u8))
            {
                name = line[7..];
            }
            else if (line.StartsWith("data: "u8) && data.IsEmpty)
            {
                data = line[6..];
            }
            else if (!line.StartsWith(":"u8))
            {
                throw new RunFailed($"unexpected in a stream: {ServerMessage.Excerpt(line)}");
            }
        }

        var isFirst = !HasBegun;
        HasBegun = true;
        Take(id, name, data, isFirst);
    }
}
