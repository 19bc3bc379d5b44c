using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace PubSub.Stress;

/// <summary>
/// The client's side of one WebSocket connection (RFC 6455), driven by a <see cref="Loop"/>. Between turns it holds only the
/// incomplete frame at the end of what it has read. An end that nobody allowed fails the run.
/// </summary>
internal abstract class Connection : IDisposable
{
    private const byte Final = 0x80;
    private const byte CloseOpcode = 0x8;
    private const byte PingOpcode = 0x9;
    private const byte PongOpcode = 0xA;

    private const int LargestFrame = 64 * 1024 * 1024; // bytes

    // Any key but zero: a server may not get away with skipping the work.
    private const uint MaskKey = 0x5AC3_9617;

    private readonly Loop _loop;
    private byte[] _rest;
    private int _restLength;
    private byte[] _out = [];
    private int _outStart;
    private int _outEnd;
    private bool _awaitsRoom;
    private List<byte>? _fragments;

    protected Connection(Loop loop, Endpoint endpoint, int receiveBuffer)
    {
        (Socket, _rest) = endpoint.Open(receiveBuffer);
        _restLength = _rest.Length;
        _loop = loop;
        Key = loop.Add(this);
    }

    public Socket Socket { get; }

    /// <summary>The loop's name for this connection.</summary>
    public int Key { get; }

    /// <summary>What this connection's subscription has received.</summary>
    public Inbox? Inbox { get; set; }

    /// <summary>Where the round trip of every answered publish goes, while set.</summary>
    public Latencies? RoundTrips { get; set; }

    /// <summary>Requests sent that the server has to answer and has not.</summary>
    public abstract int Unanswered { get; }

    /// <summary>An error or an end is an outcome to look at, no failure of the run.</summary>
    public bool MayEnd { get; set; }

    /// <summary>How the connection ended; null while it lives.</summary>
    public string? Ending { get; private set; }

    /// <summary>Queues the request; <see cref="Flush"/> sends it.</summary>
    public abstract void Subscribe(string topic, int lastN);

    /// <summary>Fixes the topic of what <see cref="Publish"/> queues.</summary>
    public abstract void PublishTo(string topic);

    /// <summary>Queues one message; <see cref="Flush"/> sends it.</summary>
    public abstract void Publish(long id);

    /// <summary>Sends what is queued; what the kernel does not take now goes out when there is room.</summary>
    public void Flush()
    {
        Seal();
        while (_outStart < _outEnd)
        {
            var sent = Socket.Send(_out.AsSpan(_outStart, _outEnd - _outStart), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                Await(room: true);
                return;
            }

            if (error != SocketError.Success)
            {
                End(error.ToString());
                return;
            }

            _outStart += sent;
        }

        _outStart = _outEnd = 0;
        Await(room: false);
    }

    /// <summary>Reads once what has arrived, into a buffer that is only borrowed.</summary>
    public void Read(byte[] buffer)
    {
        _rest.AsSpan(0, _restLength).CopyTo(buffer);
        var read = Socket.Receive(buffer.AsSpan(_restLength), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        if (error != SocketError.Success || read == 0)
        {
            End(read == 0 && error == SocketError.Success ? "end of stream" : error.ToString());
            return;
        }

        var bytes = buffer.AsSpan(0, _restLength + read);
        Keep(bytes[Scan(bytes)..]);
        Settle();
    }

    /// <summary>Says goodbye if the kernel takes it at once.</summary>
    public void Dispose()
    {
        if (Ending is null)
        {
            Seal();
            WriteFrame(CloseOpcode, [0x03, 0xE8]);
            _ = Socket.Send(_out.AsSpan(_outStart, _outEnd - _outStart), SocketFlags.None, out _);
        }

        Socket.Dispose();
    }

    /// <summary>One whole message of the server. The bytes are gone after the call.</summary>
    protected abstract void Receive(ReadOnlySpan<byte> message);

    /// <summary>After the last message of a read.</summary>
    protected virtual void Settle() => Inbox?.Settle();

    /// <summary>Before bytes are sent: the last moment to frame what was collected.</summary>
    protected virtual void Seal()
    {
    }

    protected void End(string how)
    {
        Ending ??= how;
        if (!MayEnd)
        {
            throw new RunFailed($"the server ended a connection: {how}");
        }

        _loop.Remove(this);
    }

    protected void WriteFrame(byte opcode, ReadOnlySpan<byte> payload)
    {
        var head = Reserve(payload.Length + 14);
        head[0] = (byte)(Final | opcode);
        int length;
        if (payload.Length < 126)
        {
            head[1] = (byte)(0x80 | payload.Length);
            length = 2;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            head[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)payload.Length);
            length = 4;
        }
        else
        {
            head[1] = 0x80 | 127;
            BinaryPrimitives.WriteInt64BigEndian(head[2..], payload.Length);
            length = 10;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(head[length..], MaskKey);
        Mask.Copy(payload, head[(length + 4)..], MaskKey);
        _outEnd += length + 4 + payload.Length;
    }

    // Returns how many bytes were consumed: the whole frames.
    private int Scan(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (bytes.Length - position >= 2)
        {
            long size = bytes[position + 1];
            if (size > 127)
            {
                throw new RunFailed("the server sent a masked frame");
            }

            var head = 2;
            if (size == 126)
            {
                head = 4;
                size = bytes.Length - position < head ? 0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 2)..]);
            }
            else if (size == 127)
            {
                head = 10;
                size = bytes.Length - position < head ? 0 : BinaryPrimitives.ReadInt64BigEndian(bytes[(position + 2)..]);
            }

            if (bytes.Length - position - head < size)
            {
                if (size is < 0 or > LargestFrame)
                {
                    throw new RunFailed($"the server announced a frame of {size} bytes");
                }

                _loop.Expect((int)size + head);
                break;
            }

            if (bytes.Length - position < head)
            {
                break;
            }

            Dispatch(bytes[position], bytes.Slice(position + head, (int)size));
            position += head + (int)size;
        }

        return position;
    }

    private void Dispatch(byte first, ReadOnlySpan<byte> payload)
    {
        switch (first)
        {
            case Final | 0x1 or Final | 0x2:
                Receive(payload);
                break;
            case 0x1 or 0x2:
                _fragments = [.. payload];
                break;
            case 0x0 or Final when _fragments is not null:
                _fragments.AddRange(payload);
                if (first == Final)
                {
                    Receive(_fragments.ToArray());
                    _fragments = null;
                }

                break;
            case Final | PingOpcode:
                WriteFrame(PongOpcode, payload);
                Flush();
                break;
            case Final | PongOpcode:
                break;
            case Final | CloseOpcode:
                End(payload.Length < 2
                    ? "close"
                    : $"close {BinaryPrimitives.ReadUInt16BigEndian(payload)} {Encoding.UTF8.GetString(payload[2..])}".TrimEnd());
                break;
            default:
                throw new RunFailed($"the server sent a frame that starts with 0x{first:X2}");
        }
    }

    private void Keep(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > _rest.Length)
        {
            _rest = new byte[rest.Length * 2];
        }

        rest.CopyTo(_rest);
        _restLength = rest.Length;
    }

    private Span<byte> Reserve(int bytes)
    {
        if (_out.Length - _outEnd < bytes)
        {
            Array.Resize(ref _out, Math.Max(_outEnd + bytes, _out.Length * 2));
        }

        return _out.AsSpan(_outEnd);
    }

    private void Await(bool room)
    {
        if (room != _awaitsRoom)
        {
            _awaitsRoom = room;
            _loop.Await(this, room);
        }
    }
}
