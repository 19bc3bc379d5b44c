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
    private string _path = "";
    private byte[] _block = [];
    private int _blockLength;
    private HttpResponse? _response;

    protected EventStreamConnection(Loop loop, Endpoint endpoint, int receiveBuffer)
        : base(loop, endpoint, receiveBuffer)
    {
    }

    /// <summary>A stream asks once, and is answered by its first block.</summary>
    public override int Unanswered => HasBegun ? 0 : 1;

    /// <summary>The first block has arrived.</summary>
    protected bool HasBegun { get; private set; }

    public override void PublishTo(string topic) => throw new NotSupportedException("A stream only reads.");

    public override void Publish(long id) => throw new NotSupportedException("A stream only reads.");

    /// <summary>Queues the request, the only one.</summary>
    protected void Ask(StreamAddress address, string? lastEventId)
    {
        _path = address.Path;
        Write(0, address.Request(lastEventId));
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var consumed = 0;
        if (_response is null)
        {
            _response = HttpResponse.Read(bytes, $"GET {_path}");
            if (_response is null)
            {
                return 0;
            }

            consumed = _response.Length;
        }

        if (!_response.IsChunked)
        {
            ReadText(bytes[consumed..]);
            return bytes.Length;
        }

        while (HttpResponse.TryReadChunk(bytes[consumed..], Loop, out var text, out var length))
        {
            ReadText(text);
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
