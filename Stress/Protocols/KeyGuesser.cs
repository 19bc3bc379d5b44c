using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>One connection that sends requests with an API key that is none, and reads the answers in order.</summary>
internal sealed class KeyGuesser : Connection
{
    private readonly byte[] _request;
    private readonly byte[] _status;
    private bool _isInBody;

    /// <param name="loop">Drives the connection.</param>
    /// <param name="endpoint">The server's, for HTTP.</param>
    /// <param name="path">What it asks for.</param>
    /// <param name="key">The key that it sends.</param>
    /// <param name="status">What every answer must have.</param>
    public KeyGuesser(Loop loop, Endpoint endpoint, string path, string key, int status)
        : base(loop, endpoint, 0)
    {
        _request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {endpoint.Address}\r\nX-API-Key: {key}\r\n\r\n");
        _status = Encoding.ASCII.GetBytes($"HTTP/1.1 {status} ");
    }

    public long Sent { get; private set; }

    public long Answered { get; private set; }

    public void Guess()
    {
        Sent++;
        Write(0, _request);
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var rest = bytes;
        while (!rest.IsEmpty && TryConsume(ref rest))
        {
            // the next one
        }

        return bytes.Length - rest.Length;
    }

    /// <summary>Reads a head, or a chunk of a body (RFC 9112 §7.1).</summary>
    private bool TryConsume(ref ReadOnlySpan<byte> bytes)
    {
        if (!_isInBody)
        {
            var end = bytes.IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                return false;
            }

            if (!bytes.StartsWith(_status))
            {
                throw new RunFailed($"a guess was answered with {ServerMessage.Excerpt(bytes[..end])}");
            }

            _isInBody = true;
            bytes = bytes[(end + 4)..];
            return true;
        }

        if (!HttpResponse.TryReadChunk(bytes, Loop, out var content, out var length))
        {
            return false;
        }

        bytes = bytes[length..];
        if (content.IsEmpty)
        {
            _isInBody = false;
            Answered++;
        }

        return true;
    }
}
