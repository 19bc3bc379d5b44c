using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace PubSub.Stress.Net;

/// <summary>
/// The client's side of one connection, driven by a <see cref="Loop"/>: a WebSocket (RFC 6455), or plain TCP if its endpoint has no
/// path. Nothing blocks: bytes queued before the connection is open are sent when it opens. Between turns it holds only the
/// incomplete message at the end of the last read. An end fails the run unless <see cref="MayEnd"/> is set.
/// </summary>
internal abstract class Connection : IDisposable
{
    private const byte Final = 0x80;
    private const byte CloseOpcode = 0x8;
    private const byte PingOpcode = 0x9;
    private const byte PongOpcode = 0xA;

    private const int LargestFrame = 64 * 1024 * 1024; // bytes
    private const int LargestUpgrade = 8192; // bytes

    // Not zero, so that a server must really unmask.
    private const uint MaskKey = 0x5AC3_9617;

    private readonly bool _isWebSocket;
    private readonly string _accept = "";
    private readonly OutBuffer _out = new();
    private byte[] _greeting = [];
    private byte[] _rest = [];
    private int _restLength;
    private bool _disposed;
    private List<byte>? _fragments;

    protected Connection(Loop loop, Endpoint endpoint, int receiveBuffer)
    {
        _isWebSocket = endpoint.Path is not null;
        if (_isWebSocket)
        {
            (_greeting, _accept) = endpoint.Upgrade();
        }

        Socket = endpoint.Begin(receiveBuffer);
        Loop = loop;
        Key = loop.Add(this);
    }

    public Socket Socket { get; }

    public Loop Loop { get; }

    /// <summary>The loop's number for this connection, until it is closed.</summary>
    public int Key { get; }

    /// <summary>The TCP connection and, for a WebSocket, the upgrade are complete.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The loop must report when bytes can be sent; at first, when it is connected.</summary>
    public bool AwaitsRoom { get; private set; } = true;

    /// <summary>Called once, when the connection is open; what it queues is sent.</summary>
    public Action? Opened { get; set; }

    /// <summary>Called after every read in which something arrived.</summary>
    public Action? Settled { get; set; }

    /// <summary>Called once, when the connection has ended and <see cref="MayEnd"/> is set.</summary>
    public Action? Ended { get; set; }

    /// <summary>An error or an end is an outcome of the run, not a failure.</summary>
    public bool MayEnd { get; set; }

    /// <summary>How the connection ended; null while it is open.</summary>
    public string? Ending { get; private set; }

    /// <summary>Queued bytes that the kernel has not accepted.</summary>
    public int Unsent => _out.Pending.Length;

    /// <summary>Sends what is queued. What the kernel does not accept now is sent when there is room.</summary>
    public void Flush()
    {
        if (!IsOpen)
        {
            return; // Open flushes
        }

        Seal();
        while (!_out.Pending.IsEmpty)
        {
            if (Send(_out.Pending) is not { } sent)
            {
                return;
            }

            _out.Sent(sent);
        }

        Await(room: false);
    }

    /// <summary>Called by the loop when bytes can be sent, or when the connection has failed.</summary>
    public void OnWritable()
    {
        while (_greeting.Length > 0)
        {
            if (Send(_greeting) is not { } sent)
            {
                return;
            }

            _greeting = _greeting[sent..];
        }

        if (IsOpen)
        {
            Flush();
        }
        else if (_isWebSocket)
        {
            Await(room: false); // the answer to the upgrade opens it
        }
        else if (Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0)
        {
            End(((SocketError)error).ToString());
        }
        else
        {
            Open();
        }
    }

    /// <summary>Reads once what has arrived. The caller may reuse the buffer after the call.</summary>
    public void Read(Span<byte> buffer)
    {
        _rest.AsSpan(0, _restLength).CopyTo(buffer);
        var read = Socket.Receive(buffer[_restLength..], SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        if (error != SocketError.Success || read == 0)
        {
            End(read == 0 && error == SocketError.Success ? "end of stream" : error.ToString());
            return;
        }

        var bytes = buffer[..(_restLength + read)];
        var consumed = !IsOpen && _isWebSocket ? ReadUpgrade(bytes) : 0;
        if (IsOpen)
        {
            consumed += _isWebSocket ? Scan(bytes[consumed..]) : Consume(bytes);
        }

        Keep(bytes[consumed..]);
        Settle();
        Settled?.Invoke();
    }

    /// <summary>Ends the connection with a TCP reset, without a Close frame.</summary>
    public void Reset()
    {
        Ending ??= "reset by the client";
        Loop.Remove(this);
        Socket.LingerState = new LingerOption(true, 0);
        Dispose();
    }

    /// <summary>Closes the socket without a Close frame.</summary>
    public void Abandon()
    {
        Ending ??= "abandoned by the client";
        Dispose();
    }

    /// <summary>Sends a Close frame, if the kernel accepts it at once, and closes the socket.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (Ending is null && IsOpen && _isWebSocket)
        {
            Seal();
            WriteFrame(CloseOpcode, [0x03, 0xE8]);
            _ = Socket.Send(_out.Pending, SocketFlags.None, out _);
        }

        Loop.Forget(this);
        Socket.Dispose();
    }

    /// <summary>Handles one whole WebSocket message of the server. The bytes are valid only during the call.</summary>
    protected virtual void Receive(ReadOnlySpan<byte> message)
    {
    }

    /// <summary>Handles bytes of a plain connection.</summary>
    /// <returns>How many bytes were consumed; the next call begins with the rest.</returns>
    protected virtual int Consume(ReadOnlySpan<byte> bytes) => bytes.Length;

    /// <summary>Called after the last message of a read.</summary>
    protected virtual void Settle()
    {
    }

    /// <summary>Called before bytes are sent, to frame what was collected.</summary>
    protected virtual void Seal()
    {
    }

    protected void End(string how)
    {
        if (Ending is not null)
        {
            return;
        }

        Ending = how;
        if (!MayEnd)
        {
            throw new RunFailed($"the server ended a connection: {how}");
        }

        Loop.Remove(this);
        Ended?.Invoke();
    }

    /// <summary>Queues bytes: as one frame on a WebSocket, unframed on plain TCP.</summary>
    protected void Write(byte opcode, ReadOnlySpan<byte> payload)
    {
        if (_isWebSocket)
        {
            WriteFrame(opcode, payload);
        }
        else
        {
            payload.CopyTo(_out.Reserve(payload.Length));
            _out.Advance(payload.Length);
        }
    }

    private void WriteFrame(byte opcode, ReadOnlySpan<byte> payload)
    {
        var head = _out.Reserve(payload.Length + 14);
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
        _out.Advance(length + 4 + payload.Length);
    }

    private void Open()
    {
        IsOpen = true;
        Opened?.Invoke();
        Flush();
    }

    // Null if the kernel has no room, or the connection has ended.
    private int? Send(ReadOnlySpan<byte> bytes)
    {
        var sent = Socket.Send(bytes, SocketFlags.None, out var error);
        if (error == SocketError.Success)
        {
            return sent;
        }

        if (error == SocketError.WouldBlock)
        {
            Await(room: true);
        }
        else
        {
            End(error.ToString());
        }

        return null;
    }

    // Returns how many bytes were consumed: the head of the answer, once it is complete, otherwise 0.
    private int ReadUpgrade(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return bytes.Length <= LargestUpgrade ? 0 : throw new RunFailed("the upgrade was not answered");
        }

        var head = Encoding.ASCII.GetString(bytes[..end]);
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            End($"the upgrade was refused: {head.Split('\r')[0]}");
            return bytes.Length;
        }

        if (!head.Contains(_accept, StringComparison.Ordinal))
        {
            throw new RunFailed("the upgrade was answered with a wrong Sec-WebSocket-Accept");
        }

        Open();
        return end + 4;
    }

    // Returns how many bytes were consumed: those of complete frames.
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

                Loop.Expect((int)size + head);
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
        Loop.Expect(_restLength + 1);
    }

    private void Await(bool room)
    {
        if (room != AwaitsRoom)
        {
            AwaitsRoom = room;
            Loop.Await(this, room);
        }
    }
}
