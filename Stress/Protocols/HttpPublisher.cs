using System.Globalization;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>
/// Publishes to one topic over HTTP, by one request at a time on one connection, with a fixed number of messages in each. Every answer
/// must have the status 200 and name the first and the last message, and as many timestamps as there are messages.
/// </summary>
internal sealed class HttpPublisher : Connection
{
    private readonly byte[] _request;
    private readonly int[] _ids;
    private byte[] _body = [];
    private int _bodyLength;
    private int _length = -1; // of the body; negative while the head has not arrived
    private bool _isChunked;
    private long _first;

    /// <param name="loop">Drives the connection.</param>
    /// <param name="endpoint">The server's, for HTTP.</param>
    /// <param name="path">The path of the topic's messages.</param>
    /// <param name="batch">Messages of a request; a single one is sent without an array.</param>
    /// <param name="payloadBytes">The length of each payload.</param>
    public HttpPublisher(Loop loop, Endpoint endpoint, string path, int batch, int payloadBytes)
        : base(loop, endpoint, 0)
    {
        const string start = "{\"id\":\"";
        var message = $"{start}{Digits.Text(0)}\",\"payload\":\"{new string('x', payloadBytes)}\"}}";
        var body = batch == 1 ? message : $"[{string.Join(',', Enumerable.Repeat(message, batch))}]";
        var head = $"POST {path} HTTP/1.1\r\nHost: {endpoint.Address}\r\n" +
            $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        _request = Encoding.ASCII.GetBytes(head + body);
        var first = head.Length + (batch == 1 ? 0 : 1) + start.Length;
        _ids = [.. Enumerable.Range(0, batch).Select(n => first + (n * (message.Length + 1)))];
    }

    /// <summary>A request has not been answered.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>Messages that were acked.</summary>
    public long Acked { get; private set; }

    /// <summary>Called when a request is answered.</summary>
    public Action? Answered { get; set; }

    /// <summary>Sends one request, whose messages have the numbers from <paramref name="id"/> on.</summary>
    public void Publish(long id)
    {
        _first = id;
        for (var n = 0; n < _ids.Length; n++)
        {
            Digits.Write(id + n, _request.AsSpan(_ids[n]));
        }

        IsBusy = true;
        Write(0, _request);
        Flush();
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var consumed = 0;
        while (consumed < bytes.Length && TryConsume(bytes[consumed..], out var some))
        {
            consumed += some;
        }

        return consumed;
    }

    private bool TryConsume(ReadOnlySpan<byte> bytes, out int consumed)
    {
        consumed = 0;
        if (_length < 0 && !_isChunked)
        {
            var end = bytes.IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                ReadHead(Encoding.ASCII.GetString(bytes[..end]));
                consumed = end + 4;
            }

            return end >= 0;
        }

        if (!_isChunked)
        {
            consumed = Math.Min(bytes.Length, _length - _bodyLength);
            Keep(bytes[..consumed]);
            EndIf(_bodyLength == _length);
            return true;
        }

        var head = bytes.IndexOf("\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        var size = int.Parse(bytes[..head], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (bytes.Length < head + 2 + size + 2)
        {
            Loop.Expect(head + 2 + size + 2);
            return false;
        }

        Keep(bytes.Slice(head + 2, size));
        consumed = head + 2 + size + 2;
        EndIf(size == 0);
        return true;
    }

    private void ReadHead(string head)
    {
        if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
        {
            throw new RunFailed($"a publish over HTTP: {head.Split('\r')[0]}");
        }

        _isChunked = head.Contains("\r\nTransfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        const string length = "\r\nContent-Length: ";
        if (!_isChunked)
        {
            var at = head.IndexOf(length, StringComparison.OrdinalIgnoreCase) + length.Length;
            _length = int.Parse(head.AsSpan(at).ToString().Split('\r')[0], CultureInfo.InvariantCulture);
        }
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_body.Length < _bodyLength + part.Length)
        {
            Array.Resize(ref _body, (_bodyLength + part.Length) * 2);
        }

        part.CopyTo(_body.AsSpan(_bodyLength));
        _bodyLength += part.Length;
    }

    private void EndIf(bool isComplete)
    {
        if (!isComplete)
        {
            return;
        }

        var body = _body.AsSpan(0, _bodyLength);
        if (body.Count("\"timestamp\":"u8) != _ids.Length || !Names(body, _first) || !Names(body, _first + _ids.Length - 1))
        {
            throw new RunFailed($"{_ids.Length} messages from {_first} on were answered with {ServerMessage.Excerpt(body)}");
        }

        Acked += _ids.Length;
        (_bodyLength, _length, _isChunked, IsBusy) = (0, -1, false, false);
        Answered?.Invoke();
    }

    private static bool Names(ReadOnlySpan<byte> body, long id) => body.IndexOf(Encoding.ASCII.GetBytes($"\"{Digits.Text(id)}\"")) >= 0;
}
