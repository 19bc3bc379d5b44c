using System.Collections.Concurrent;
using System.Text;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Fixture;

/// <summary>The polite client: one WebSocket connection that is always read, unless told to stop.</summary>
public sealed class Client : Receiver
{
    private const int PipelineWindow = 32;

    private readonly RawClient _raw;
    private readonly Target _target;
    private readonly ConcurrentDictionary<string, string?> _unanswered = new(StringComparer.Ordinal); // by request id, its requirement
    private int _requests;

    internal Client(RawClient raw, string clientId, Target target, Stage stage) : base(raw, target, stage)
    {
        _raw = raw;
        _raw.ClientId = clientId;
        ClientId = clientId;
        _target = target;
    }

    /// <summary>The label used on subscribe and unsubscribe unless another is given.</summary>
    public string ClientId { get; }

    private protected override string Delivery => "PS-FAN-001";

    // Requests that wait for their reply -----------------------------------------------------------------------------

    /// <summary>Returns any reply, also an error.</summary>
    public Task<ServerMessage> SubscribeAsync(string topic, int? lastN = null, string? clientId = null, string? requestId = null) =>
        RequestAsync(Identified(Request.Subscribe(topic, clientId ?? ClientId, lastN), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> PublishAsync(string topic, string id, string payload = Request.PlainPayload, string? requestId = null) =>
        RequestAsync(Identified(Request.Publish(topic, id, payload), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> UnsubscribeAsync(string topic, string? clientId = null, string? requestId = null) =>
        RequestAsync(Identified(Request.Unsubscribe(topic, clientId ?? ClientId), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> PingAsync(string? requestId = null) => RequestAsync(Identified(Request.Ping(), requestId));

    /// <summary>Sends the request, with a request_id unless it is anonymous, and waits for the reply to it.</summary>
    public async Task<ServerMessage> RequestAsync(Request request) =>
        request.IsAnonymous ? await RequestAsync(request.To(_target).ToString()) : await ReplyAsync(await SendAsync(request));

    /// <summary>
    /// Sends the text as it is and waits for the reply that carries its request_id, or, where none can be read, for the next
    /// reply that answers nothing else.
    /// </summary>
    public async Task<ServerMessage> RequestAsync(string rawJson)
    {
        RequireSize(rawJson);
        if (Spelling.RequestId(Json.TryParse(rawJson).Member("request_id").Text(), _target) is { } id)
        {
            _unanswered.TryAdd(id, null);
            await SendAsync(rawJson);
            return await ReplyAsync(id);
        }

        await SendAsync(rawJson);
        return await NextAsync(message => message.IsReply && !_unanswered.ContainsKey(message.RequestId ?? ""), "a reply")
            .Breaking("PS-ENV-007");
    }

    /// <summary>
    /// Sends the text as it is and takes the next reply with any request_id or none: for a connection with nothing else unanswered, where
    /// the id itself is in question.
    /// </summary>
    public async Task<ServerMessage> AnswerAsync(string rawJson)
    {
        RequireSize(rawJson);
        await SendAsync(rawJson);
        return await NextAsync(message => message.IsReply, "a reply").Breaking("PS-ENV-007");
    }

    // Requests whose reply is collected later ------------------------------------------------------------------------

    /// <summary>Sends without waiting; the returned request_id collects the reply with <see cref="ReplyAsync"/>.</summary>
    public async Task<string> SendAsync(Request request)
    {
        var identified = request.RequestId is null ? Identified(request, null) : request;
        RequireSize(identified);
        _unanswered.TryAdd(identified.RequestId!, identified.Requirement);
        await _raw.SendAsync(identified);
        return identified.RequestId!;
    }

    /// <inheritdoc cref="SendAsync(Request)"/>
    public Task<string> SendPublishAsync(string topic, string id, string payload = Request.PlainPayload) =>
        SendAsync(Request.Publish(topic, id, payload));

    /// <summary>Sends the text as it is; no reply is expected.</summary>
    public Task SendAsync(string rawJson) => _raw.SendTextAsync(rawJson);

    /// <summary>Sends frames as they are, between the messages of this connection.</summary>
    public Task SendFramesAsync(params IEnumerable<Frame> frames) => _raw.SendAsync(frames);

    /// <summary>Sends all in one write; the returned request_ids collect the replies with <see cref="ReplyAsync"/>.</summary>
    public async Task<IReadOnlyList<string>> SendTogetherAsync(IEnumerable<Request> requests)
    {
        Request[] identified = [.. requests.Select(request => request.RequestId is null ? Identified(request, null) : request)];
        Array.ForEach(identified, RequireSize);
        string[] ids = [.. identified.Select(request => request.RequestId!)];
        Array.ForEach(identified, request => _unanswered.TryAdd(request.RequestId!, request.Requirement));
        await _raw.SendTogetherAsync([.. identified.Select(request => request.To(_target).ToFrame())]);
        return ids;
    }

    /// <summary>
    /// The reply to one request. While no other request is unanswered, a reply without request_id counts too: echoing the id is a
    /// requirement of its own.
    /// </summary>
    public async Task<ServerMessage> ReplyAsync(string requestId)
    {
        var requirement = _unanswered.GetValueOrDefault(requestId);
        var reply = await NextAsync(
            message => message.RequestId == requestId || (message.IsReply && message.RequestId is null && IsOnlyUnanswered(requestId)),
            $"the reply to request_id \"{requestId}\"").Breaking(requirement is "PS-PING-001" ? requirement : "PS-ENV-007");
        _unanswered.TryRemove(requestId, out _);
        reply.Requirement = requirement;
        return reply;
    }

    // Preconditions --------------------------------------------------------------------------------------------------

    /// <summary>Publishes all messages, a window at a time, and requires every ack as a precondition.</summary>
    public async Task PublishAllAsync(string topic, IEnumerable<string> ids, string payload = Request.PlainPayload)
    {
        var unacked = new Queue<string>();
        foreach (var id in ids)
        {
            unacked.Enqueue(await SendPublishAsync(topic, id, payload).Given($"{Name} publishes {id}"));
            if (unacked.Count == PipelineWindow)
            {
                await ReplyAsync(unacked.Dequeue()).Acked();
            }
        }

        while (unacked.TryDequeue(out var requestId))
        {
            await ReplyAsync(requestId).Acked();
        }
    }

    // Leaving --------------------------------------------------------------------------------------------------------

    /// <summary>Sends a close frame and waits for the server to finish.</summary>
    public async Task<Closure> CloseAsync(int? code = 1000, string reason = "")
    {
        await _raw.SendAsync(Frame.Close(code, reason));
        return await ClosedAsync().Breaking("PS-WS-008");
    }

    // A size limit below the specified one is already reported once; it must not fail each scenario again.
    private void RequireSize(Request request) => RequireSize(request.To(_target).ToString());

    private void RequireSize(string text)
    {
        if (_target.Limits.MessageBytes < Limits.Specified.MessageBytes && Encoding.UTF8.GetByteCount(text) > _target.Limits.MessageBytes)
        {
            throw new Unsupported($"the target does not take messages over {_target.Limits.MessageBytes} bytes");
        }
    }

    private bool IsOnlyUnanswered(string requestId) => _unanswered.Count == 1 && _unanswered.ContainsKey(requestId);

    private Request Identified(Request request, string? requestId) =>
        request.WithRequestId(requestId ?? $"{Name}-{Interlocked.Increment(ref _requests)}");
}
