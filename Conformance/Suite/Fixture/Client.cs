using System.Collections.Concurrent;
using System.Text;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// The polite client: one WebSocket connection that is always read, unless told to stop. A wait takes the messages it waited for out of
/// the <see cref="Inbox"/> and leaves the rest.
/// </summary>
public sealed class Client : IAsyncDisposable
{
    private const int PipelineWindow = 32;
    internal const string SentinelPrefix = "sentinel-";

    private static int _sentinels;

    private readonly RawClient _raw;
    private readonly Target _target;
    private readonly Inbox _inbox;
    private readonly CancellationTokenSource _leaving;
    private readonly Task _reading;
    private readonly ConcurrentDictionary<string, string?> _unanswered = new(StringComparer.Ordinal); // by request id, its requirement
    private volatile TaskCompletionSource _readable = new();
    private int _requests;
    private int _left;

    internal Client(RawClient raw, string clientId, Target target, Stage stage)
    {
        _raw = raw;
        _raw.ClientId = clientId;
        ClientId = clientId;
        _target = target;
        Stage = stage;
        _inbox = new Inbox(raw, target.Timeouts.Wait, stage.Time, stage.Cancellation);
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(stage.Cancellation);
        _readable.SetResult();
        _reading = ReadAsync(_leaving.Token);
    }

    public string Name => _raw.Name;

    /// <summary>The label used on subscribe and unsubscribe unless another is given.</summary>
    public string ClientId { get; }

    /// <inheritdoc cref="Inbox.Received"/>
    public IReadOnlyList<ServerMessage> Received => _inbox.Received;

    /// <inheritdoc cref="Inbox.Closure"/>
    public Closure? Closure => _inbox.Closure;

    /// <inheritdoc cref="Inbox.Unread"/>
    public IReadOnlyList<ServerMessage> Unread => _inbox.Unread;

    /// <summary>The fixture of the scenario, for the checks of what this client receives.</summary>
    internal Stage Stage { get; }

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

    // Waiting --------------------------------------------------------------------------------------------------------

    /// <summary>Takes the first unread message that fits, arrived or yet to come.</summary>
    public async Task<ServerMessage> NextAsync(Func<ServerMessage, bool> which, string awaited, TimeSpan? within = null) =>
        (await _inbox.TakeAsync(which, which, awaited, within))[^1];

    /// <summary>Takes the next event, of the topic if one is named.</summary>
    public Task<ServerMessage> NextEventAsync(string? topic = null, TimeSpan? within = null) =>
        NextAsync(message => message.IsEvent && (topic is null || message.Topic == topic), $"an event of {topic ?? "any topic"}", within)
            .Breaking("PS-FAN-001");

    /// <summary>Takes every unread event, of any topic, up to and including the one with this message id.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsUntilAsync(string sentinelId, TimeSpan? within = null) =>
        _inbox.TakeAsync(
            message => message.IsEvent,
            message => message.IsEvent && message.MessageId == sentinelId,
            $"the event {_target.MessageIds.Show(sentinelId)}",
            within)
            .Breaking("PS-FAN-001");

    /// <summary>Takes this many unread events of any topic.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsAsync(int count, TimeSpan? within = null)
    {
        var seen = 0;
        return _inbox.TakeAsync(message => message.IsEvent, message => message.IsEvent && ++seen == count, $"{count} events", within)
            .Breaking("PS-FAN-001");
    }

    /// <summary>Waits until the server ends the connection; messages that came before stay in the inbox.</summary>
    public Task<Closure> ClosedAsync(TimeSpan? within = null) => _inbox.ClosedAsync(within);

    // Sentinels: absence without sleeping ----------------------------------------------------------------------------

    /// <summary>
    /// Lets <paramref name="behind"/> publish a sentinel to the topic and returns the events that arrived here ahead of it, without
    /// sentinels of that topic. Because a topic is ordered, the list holds all that <paramref name="behind"/> published before.
    /// </summary>
    public async Task<IReadOnlyList<ServerMessage>> EventsAheadOfSentinelAsync(Client behind, string topic)
    {
        var sentinel = $"{SentinelPrefix}{Interlocked.Increment(ref _sentinels)}";
        await behind.PublishAsync(topic, sentinel).Acked();
        var events = await EventsUntilAsync(sentinel);
        return [.. events.Where(message => message.Topic != topic || !IsSentinel(message))];
    }

    // Leaving --------------------------------------------------------------------------------------------------------

    /// <summary>Stops reading the socket; at most one read already under way still completes.</summary>
    public void StopReading() => _readable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ResumeReading() => _readable.TrySetResult();

    /// <summary>Sends a close frame and waits for the server to finish.</summary>
    public async Task<Closure> CloseAsync(int? code = 1000, string reason = "")
    {
        await _raw.SendAsync(Frame.Close(code, reason));
        return await ClosedAsync().Breaking("PS-WS-008");
    }

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Abort() => _raw.Abort();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _left, 1) == 1)
        {
            return;
        }

        await _leaving.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _raw.DisposeAsync();
        _leaving.Dispose();
    }

    // Reading --------------------------------------------------------------------------------------------------------

    // Ends when the connection does, or when this client is disposed.
    private async Task ReadAsync(CancellationToken leaving)
    {
        try
        {
            do
            {
                await _readable.Task.WaitAsync(leaving);
            }
            while (_inbox.Add(await _raw.ReceiveAsync(leaving)));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _inbox.Fail(e);
        }
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

    private static bool IsSentinel(ServerMessage message) =>
        message.MessageId?.StartsWith(SentinelPrefix, StringComparison.Ordinal) == true;
}
