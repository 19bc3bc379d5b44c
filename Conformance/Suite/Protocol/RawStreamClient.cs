using System.Text;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// The rude reader of a stream of Server-Sent Events: it reads only when asked, any number of bytes, and leaves whenever it likes.
/// </summary>
public sealed class RawStreamClient : IMessageSource
{
    private readonly Wire _wire;
    private readonly HttpBody _body;
    private readonly Target _target;
    private readonly Transcript _transcript;
    private readonly CancellationToken _cancellation;
    private readonly EventStreamReader _stream = new();
    private readonly Queue<StreamPart> _parts = [];
    private int _messages;

    private RawStreamClient(
        string name, Wire wire, HttpAnswer answer, Target target, Transcript transcript, CancellationToken cancellation)
    {
        Name = name;
        Answer = answer;
        _wire = wire;
        _body = new HttpBody(wire, answer);
        _target = target;
        _transcript = transcript;
        _cancellation = cancellation;
    }

    public string Name { get; }

    private string Label => _target.Label(Name);

    /// <summary>The answer to the request; its body is empty if it is a stream.</summary>
    public HttpAnswer Answer { get; }

    /// <summary>How the stream ended; null until its end has been read.</summary>
    public Closure? Closure { get; private set; }

    MessageIds IMessageSource.Ids => _target.MessageIds;

    string IMessageSource.StillOpen => "an open stream";

    /// <summary>Sends the request and reads the head of the answer, and the body of a refusal.</summary>
    /// <exception cref="Interference">A gateway answered in the server's place.</exception>
    internal static async Task<RawStreamClient> OpenAsync(
        string name,
        string head,
        Target target,
        Transcript transcript,
        ConnectOptions options,
        CancellationToken cancellation)
    {
        var expectation = $"The server answers {head.Split(" HTTP/")[0]}";
        var gateway = transcript.Traffic is { } traffic && traffic.Covers(target.Rest) ? traffic.Gateway : null;
        for (var attempt = 1; ; attempt++)
        {
            await (gateway?.TurnAsync(cancellation) ?? Task.CompletedTask);
            var wire = await RawClient.OpenWireAsync(name, target.Rest, target, transcript, options, cancellation);
            try
            {
                transcript.Sent(target.Label(name), "http", Encoding.UTF8.GetBytes(head));
                var answer = await Bounds.Within(target.Timeouts.Wait, transcript.Time, limit => AskAsync(wire, head, limit), cancellation)
                    ?? throw new Violation(expectation, "an HTTP response", wire.End ?? "something that is not HTTP");
                transcript.Received(target.Label(name), "http", answer.Whole());
                var again = false;
                if (gateway?.Judge(answer, isSafe: true, attempt, out again) is { } interference)
                {
                    throw transcript.Traffic!.Noted(interference);
                }

                if (!again)
                {
                    return new RawStreamClient(name, wire, answer, target, transcript, cancellation);
                }

                transcript.Note(target.Label(name), $"a gateway answered {answer.Status}; the request is made again");
                await wire.DisposeAsync();
            }
            catch (Exception e)
            {
                await wire.DisposeAsync();
                throw e switch
                {
                    TimeoutException => new Violation(
                        expectation, "an HTTP response", $"none within {target.Timeouts.Wait.TotalSeconds} s"),
                    IOException => new Violation(expectation, "an HTTP response", e.GetBaseException().Message),
                    _ => e,
                };
            }
        }
    }

    private static async Task<HttpAnswer?> AskAsync(Wire wire, string head, CancellationToken limit)
    {
        await wire.WriteAsync(Encoding.UTF8.GetBytes(head), limit);
        var answer = await Http.ReadHeadAsync(wire, limit);
        return answer is null or { IsSuccess: true }
            ? answer
            : answer with { BodyBytes = await Http.ReadBodyAsync(wire, answer, limit) };
    }

    /// <summary>Reads this many bytes of the stream as they are sent, fewer if it ends first; they are not seen again.</summary>
    public async Task<byte[]> ReadBytesAsync(int count)
    {
        try
        {
            return await Bounds.Within(_target.Timeouts.Wait, _transcript.Time, limit => _wire.ReadAsync(count, limit), _cancellation);
        }
        catch (TimeoutException)
        {
            throw new Violation(
                $"The server sends {Name} a stream", $"{count} bytes", $"fewer within {_target.Timeouts.Wait.TotalSeconds} s");
        }
    }

    async Task<ServerMessage?> IMessageSource.ReceiveAsync(CancellationToken cancellation)
    {
        while (_parts.Count == 0)
        {
            if (await _body.ReadSomeAsync(cancellation) is not { Length: > 0 } bytes)
            {
                if (Closure is null)
                {
                    Closure = new Closure(null, "", CloseFrame: false, _body.End);
                    _transcript.Note(Label, $"ended by {Closure.End}");
                }

                return null;
            }

            _wire.Lived();
            foreach (var part in _stream.Read(bytes))
            {
                _transcript.Received(Label, "sse", Encoding.UTF8.GetBytes($"{part}"));
                _parts.Enqueue(part);
            }
        }

        return new ServerMessage(_messages++, _parts.Dequeue(), _target).Noted(_transcript.Traffic);
    }

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Abort()
    {
        _transcript.Note(Label, "reset by the client");
        _wire.Abort();
    }

    public ValueTask DisposeAsync() => _wire.DisposeAsync();
}
