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
    private HttpResponse? _response; // null while the head has not arrived
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
        if (_response is null)
        {
            _response = HttpResponse.Read(bytes, "a publish over HTTP");
            consumed = _response?.Length ?? 0;
            return _response is not null;
        }

        if (!_response.IsChunked)
        {
            var length = _response.ContentLength ?? throw new RunFailed("a publish over HTTP was answered without a length");
            consumed = Math.Min(bytes.Length, length - _bodyLength);
            Keep(bytes[..consumed]);
            EndIf(_bodyLength == length);
            return true;
        }

        if (!HttpResponse.TryReadChunk(bytes, Loop, out var part, out consumed))
        {
            consumed = 0;
            return false;
        }

        Keep(part);
        EndIf(part.IsEmpty);
        return true;
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
        (_bodyLength, _response, IsBusy) = (0, null, false);
        Answered?.Invoke();
    }

    private static bool Names(ReadOnlySpan<byte> body, long id) => body.IndexOf(Encoding.ASCII.GetBytes($"\"{Digits.Text(id)}\"")) >= 0;
}
