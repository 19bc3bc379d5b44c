namespace PubSub.Conformance;

/// <summary>
/// The polite client: one WebSocket connection that is always read, unless told to stop. Every message goes into one inbox in
/// order of arrival; a wait takes out what it waited for and leaves the rest, so nothing is lost and nothing is read twice.
/// </summary>
public sealed class Client : IAsyncDisposable
{
    private const int PipelineWindow = 32;

    // No scenario is sent nearly as many; a server that never stops talking must not fill the memory.
    private const int MostReceived = 200_000;

    // It may say what nobody asked for, and what is about nothing, as often as it likes; the first tell enough.
    private const int MostNotices = 1_000;
    internal const string SentinelPrefix = "sentinel-";

    private static int _sentinels;

    private readonly RawClient _raw;
    private readonly Target _target;
    private readonly Expect _expect;
    private readonly TimeProvider _time;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _leaving;
    private readonly Task _reading;

    private readonly Lock _gate = new();
    private readonly List<ServerMessage> _received = []; // guarded by _gate
    private readonly HashSet<int> _taken = []; // indices of messages; guarded by _gate
    private readonly HashSet<string> _unanswered = []; // request ids; guarded by _gate
    private TaskCompletionSource _change = NewSignal(); // guarded by _gate
    private TaskCompletionSource _readable = Open(); // guarded by _gate
    private Closure? _closure; // guarded by _gate
    private Violation? _fault; // guarded by _gate
    private Exception? _error; // guarded by _gate
    private int _notices; // guarded by _gate
    private int _requests;
    private int _left;

    internal Client(RawClient raw, string clientId, Target target, Expect expect, TimeProvider time, CancellationToken cancellation)
    {
        _raw = raw;
        ClientId = clientId;
        _target = target;
        _expect = expect;
        _time = time;
        _cancellation = cancellation;
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _reading = ReadAsync(_leaving.Token);
    }

    public string Name => _raw.Name;

    /// <summary>The label used on subscribe and unsubscribe unless another is given.</summary>
    public string ClientId { get; }

    /// <summary>
    /// Everything that ever arrived, taken or not, in order; of info messages that are about no topic, the first <see cref="MostNotices"/>.
    /// </summary>
    public IReadOnlyList<ServerMessage> Received
    {
        get
        {
            lock (_gate)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>How the connection ended, or null as far as is known here and now.</summary>
    public Closure? Closure
    {
        get
        {
            lock (_gate)
            {
                return _closure;
            }
        }
    }

    /// <summary>What arrived and no wait has taken yet, in order.</summary>
    public IReadOnlyList<ServerMessage> Unread
    {
        get
        {
            lock (_gate)
            {
                return [.. _received.Where(message => !_taken.Contains(message.Index))];
            }
        }
    }

    // Requests that wait for their reply -----------------------------------------------------------------------------

    /// <summary>Returns the reply, whatever it is.</summary>
    public Task<ServerMessage> SubscribeAsync(string topic, int? lastN = null, string? clientId = null, string? requestId = null) =>
        RequestAsync(Identified(Request.Subscribe(topic, clientId ?? ClientId, lastN), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> PublishAsync(string topic, string id, string payload = "{}", string? requestId = null) =>
        RequestAsync(Identified(Request.Publish(topic, id, payload), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> UnsubscribeAsync(string topic, string? clientId = null, string? requestId = null) =>
        RequestAsync(Identified(Request.Unsubscribe(topic, clientId ?? ClientId), requestId));

    /// <inheritdoc cref="SubscribeAsync"/>
    public Task<ServerMessage> PingAsync(string? requestId = null) => RequestAsync(Identified(Request.Ping(), requestId));

    /// <summary>Sends the request, with a request_id unless it is anonymous, and waits for the reply to it.</summary>
    public async Task<ServerMessage> RequestAsync(Request request) =>
        request.IsAnonymous ? await RequestAsync(request.ToString()) : await ReplyAsync(await SendAsync(request));

    /// <summary>
    /// Sends the text as it is and waits for the reply that carries its request_id, or, where none can be read, for the next
    /// reply that answers nothing else.
    /// </summary>
    public async Task<ServerMessage> RequestAsync(string rawJson)
    {
        if (Json.TryParse(rawJson).Member("request_id").Text() is { } id)
        {
            Expecting(id);
            await SendAsync(rawJson);
            return await ReplyAsync(id);
        }

        await SendAsync(rawJson);
        return await NextAsync(message => message.IsReply && !_unanswered.Contains(message.RequestId ?? ""), "a reply");
    }

    /// <summary>
    /// Sends the text as it is and takes the next reply, whatever request_id it carries or lacks: for a connection with nothing else
    /// unanswered, where the id itself is in question.
    /// </summary>
    public async Task<ServerMessage> AnswerAsync(string rawJson)
    {
        await SendAsync(rawJson);
        return await NextAsync(message => message.IsReply, "a reply");
    }

    // Requests whose reply is collected later ------------------------------------------------------------------------

    /// <summary>Sends without waiting; the returned request_id collects the reply with <see cref="ReplyAsync"/>.</summary>
    public async Task<string> SendAsync(Request request)
    {
        var identified = request.RequestId is null ? Identified(request, null) : request;
        Expecting(identified.RequestId!);
        await _raw.SendAsync(identified);
        return identified.RequestId!;
    }

    /// <inheritdoc cref="SendAsync(Request)"/>
    public Task<string> SendPublishAsync(string topic, string id, string payload = "{}") => SendAsync(Request.Publish(topic, id, payload));

    /// <summary>Sends the text as it is; no reply is expected.</summary>
    public Task SendAsync(string rawJson) => _raw.SendTextAsync(rawJson);

    /// <summary>Sends frames as they are, between the messages of this connection.</summary>
    public Task SendFramesAsync(params IEnumerable<Frame> frames) => _raw.SendAsync(frames);

    /// <summary>Sends all in one write; the returned request_ids collect the replies with <see cref="ReplyAsync"/>.</summary>
    public async Task<IReadOnlyList<string>> SendTogetherAsync(IEnumerable<Request> requests)
    {
        Request[] identified = [.. requests.Select(request => request.RequestId is null ? Identified(request, null) : request)];
        string[] ids = [.. identified.Select(request => request.RequestId!)];
        Array.ForEach(ids, Expecting);
        await _raw.SendTogetherAsync([.. identified.Select(Frame.Text)]);
        return ids;
    }

    /// <summary>
    /// The reply to one request. While it is the only one unanswered, a reply without any request_id is taken for it: whether
    /// the id is echoed is a requirement of its own.
    /// </summary>
    public async Task<ServerMessage> ReplyAsync(string requestId)
    {
        var reply = await NextAsync(
            message => message.RequestId == requestId || (message.IsReply && message.RequestId is null && IsOnlyUnanswered(requestId)),
            $"the reply to request_id \"{requestId}\"");
        lock (_gate)
        {
            _unanswered.Remove(requestId);
        }

        return reply;
    }

    // Preconditions --------------------------------------------------------------------------------------------------

    /// <summary>Publishes all, a window at a time, and requires every ack: without them nothing that follows is decided.</summary>
    public async Task PublishAllAsync(string topic, IEnumerable<string> ids, string payload = "{}")
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
        (await TakeAsync(which, which, awaited, within))[^1];

    /// <summary>Takes the next event, of the topic if one is named.</summary>
    public Task<ServerMessage> NextEventAsync(string? topic = null, TimeSpan? within = null) =>
        NextAsync(message => message.IsEvent && (topic is null || message.Topic == topic), $"an event of {topic ?? "any topic"}", within);

    /// <summary>Takes every unread event, of any topic, up to and including the one with this message id.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsUntilAsync(string sentinelId, TimeSpan? within = null) =>
        TakeAsync(message => message.IsEvent, message => message.IsEvent && message.MessageId == sentinelId, $"the event {sentinelId}", within);

    /// <summary>Takes this many unread events of any topic.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsAsync(int count, TimeSpan? within = null)
    {
        var seen = 0;
        return TakeAsync(message => message.IsEvent, message => message.IsEvent && ++seen == count, $"{count} events", within);
    }

    /// <summary>Waits until the server ends the connection; messages that came before stay in the inbox.</summary>
    public async Task<Closure> ClosedAsync(TimeSpan? within = null)
    {
        var limit = within ?? _target.Timeouts.Wait;
        var start = _time.GetTimestamp();
        while (true)
        {
            Task change;
            lock (_gate)
            {
                ThrowIfFaulted();
                if (_closure is { } closure)
                {
                    return closure;
                }

                change = _change.Task;
            }

            if (!await Changed(change, limit - _time.GetElapsedTime(start)))
            {
                throw new Violation(
                    $"The server closes {Name}",
                    "the end of the connection",
                    $"{_raw.StillOpen} after {limit.TotalSeconds} s{RawClient.Instead(Unread)}");
            }
        }
    }

    // Sentinels: absence without sleeping ----------------------------------------------------------------------------

    /// <summary>
    /// Lets <paramref name="behind"/> publish a sentinel to the topic, behind whatever it published before, and returns the
    /// events that arrived here ahead of it, sentinels of that topic left out. The topic's order makes the list complete for it.
    /// </summary>
    public async Task<IReadOnlyList<ServerMessage>> EventsAheadOfSentinelAsync(Client behind, string topic)
    {
        var sentinel = $"{SentinelPrefix}{Interlocked.Increment(ref _sentinels)}";
        await behind.PublishAsync(topic, sentinel).Acked();
        var events = await EventsUntilAsync(sentinel);
        return [.. events.Where(message => message.Topic != topic || !IsSentinel(message))];
    }

    /// <summary>
    /// Decisive: these events and no others, in this order, ahead of a sentinel. A sentinel that never comes is a violation too:
    /// for a claim about presence it is one more lost message.
    /// </summary>
    public async Task ReceivesExactlyAsync(IEnumerable<string> ids, Client behind, string topic, string expectation)
    {
        var events = await EventsAheadOfSentinelAsync(behind, topic).For(expectation);
        _expect.Sequence(ids, events.Ids(), expectation);
    }

    /// <summary>
    /// Decisive: no event at all ahead of a sentinel on the topic. A sentinel that never comes leaves it undecided: silence proves
    /// nothing about a deaf connection.
    /// </summary>
    public async Task ReceivesNothingAsync(Client behind, string topic, string expectation)
    {
        var events = await EventsAheadOfSentinelAsync(behind, topic).Given($"the sentinel reaches {Name}");
        _expect.Sequence([], events.Ids(), expectation);
    }

    /// <summary>
    /// Decisive: of the messages that fit, none arrived here before the answer to a ping sent now, behind which everything already
    /// queued has passed. No answer leaves it undecided.
    /// </summary>
    public async Task HasReceivedNoneAsync(Func<ServerMessage, bool> which, string expectation)
    {
        await PingAsync().Given($"{Name} is answered");
        _expect.True(!Unread.Any(which), expectation, string.Join(" | ", Unread.Where(which).Take(3)));
    }

    // Leaving --------------------------------------------------------------------------------------------------------

    /// <summary>From now on the socket is not read, at most one read already under way excepted.</summary>
    public void StopReading()
    {
        lock (_gate)
        {
            _readable = NewSignal();
        }
    }

    public void ResumeReading()
    {
        lock (_gate)
        {
            _readable.TrySetResult();
        }
    }

    /// <summary>Sends a close frame and waits for the server to finish.</summary>
    public async Task<Closure> CloseAsync(int? code = 1000, string reason = "")
    {
        await _raw.SendAsync(Frame.Close(code, reason));
        return await ClosedAsync();
    }

    /// <summary>Vanishes with a TCP reset.</summary>
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

    // Plumbing -------------------------------------------------------------------------------------------------------

    // Ends when the connection does, or when this client is disposed.
    private async Task ReadAsync(CancellationToken leaving)
    {
        try
        {
            while (true)
            {
                Task readable;
                lock (_gate)
                {
                    readable = _readable.Task;
                }

                await readable.WaitAsync(leaving);
                var message = await _raw.ReceiveAsync(leaving);
                Change(() =>
                {
                    if (message is null)
                    {
                        _closure = _raw.Closure;
                    }
                    else if (message is not { IsInfo: true, IsDeletion: false, Topic: null } || ++_notices <= MostNotices)
                    {
                        _received.Add(message);
                    }

                    if (_received.Count > MostReceived)
                    {
                        throw new Violation($"The server sends {Name} what it asked for", $"at most {MostReceived} messages", $"more, the last {message}");
                    }
                });
                if (message is null)
                {
                    return;
                }
            }
        }
        catch (Violation violation)
        {
            Change(() => _fault = violation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A mistake of the suite must not look like a silent server.
            Change(() => _error = e);
        }
    }

    private async Task<IReadOnlyList<ServerMessage>> TakeAsync(
        Func<ServerMessage, bool> which, Func<ServerMessage, bool> last, string awaited, TimeSpan? within)
    {
        var limit = within ?? _target.Timeouts.Wait;
        var silence = _time.GetTimestamp();
        var taken = new List<ServerMessage>();
        var next = 0;
        while (true)
        {
            Task change;
            lock (_gate)
            {
                for (; next < _received.Count; next++)
                {
                    var message = _received[next];
                    if (_taken.Contains(message.Index) || !which(message))
                    {
                        continue;
                    }

                    _taken.Add(message.Index);
                    taken.Add(message);
                    silence = _time.GetTimestamp();
                    if (last(message))
                    {
                        return taken;
                    }
                }

                ThrowIfFaulted();
                if (_closure is not null)
                {
                    throw Missing(awaited, $"the end of the connection by {_closure}", taken);
                }

                change = _change.Task;
            }

            if (!await Changed(change, limit - _time.GetElapsedTime(silence)))
            {
                throw Missing(awaited, $"{limit.TotalSeconds} s of silence", taken);
            }
        }
    }

    private Violation Missing(string awaited, string observed, List<ServerMessage> taken)
    {
        var before = taken.Count == 0 ? "" : $" after {taken.Count} event(s), the last {taken[^1].MessageId}";
        return new Violation($"{Name} receives {awaited}", awaited, $"{observed}{before}{RawClient.Instead(Unread)}");
    }

    private async Task<bool> Changed(Task change, TimeSpan remaining)
    {
        if (remaining <= TimeSpan.Zero)
        {
            return false;
        }

        try
        {
            await change.WaitAsync(remaining, _time, _cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            // The caller knows what was awaited.
            return false;
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource signal;
        lock (_gate)
        {
            change();
            signal = _change;
            _change = NewSignal();
        }

        signal.SetResult();
    }

    private void ThrowIfFaulted()
    {
        if (_error is { } error)
        {
            throw new InvalidOperationException($"The suite failed while it read for {Name}.", error);
        }

        if (_fault is { } fault)
        {
            throw new Violation(fault.Expectation, fault.Expected, fault.Observed);
        }
    }

    private void Expecting(string requestId)
    {
        lock (_gate)
        {
            _unanswered.Add(requestId);
        }
    }

    private bool IsOnlyUnanswered(string requestId) => _unanswered.Count == 1 && _unanswered.Contains(requestId);

    private Request Identified(Request request, string? requestId) =>
        request.WithRequestId(requestId ?? $"{Name}-{Interlocked.Increment(ref _requests)}");

    private static bool IsSentinel(ServerMessage message) =>
        message.MessageId?.StartsWith(SentinelPrefix, StringComparison.Ordinal) == true;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource Open()
    {
        var signal = NewSignal();
        signal.SetResult();
        return signal;
    }
}
