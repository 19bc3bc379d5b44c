using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// A polite subscriber by any door: its connection is always read, unless told to stop. A wait takes the messages it waited for out of the
/// <see cref="Inbox"/> and leaves the rest.
/// </summary>
public abstract class Receiver : IAsyncDisposable
{
    private static int _sentinels;

    private readonly IMessageSource _source;
    private readonly Target _target;
    private readonly Inbox _inbox;
    private readonly CancellationTokenSource _leaving;
    private readonly Task _reading;
    private volatile TaskCompletionSource _readable = new();
    private int _left;

    private protected Receiver(IMessageSource source, Target target, Stage stage)
    {
        _source = source;
        _target = target;
        Stage = stage;
        _inbox = new Inbox(source, target.Timeouts.Wait, stage.Time, stage.Cancellation);
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(stage.Cancellation);
        _readable.SetResult();
        _reading = ReadAsync(_leaving.Token);
    }

    public string Name => _source.Name;

    /// <inheritdoc cref="Inbox.Received"/>
    public IReadOnlyList<ServerMessage> Received => _inbox.Received;

    /// <inheritdoc cref="Inbox.Closure"/>
    public Closure? Closure => _inbox.Closure;

    /// <inheritdoc cref="Inbox.Unread"/>
    public IReadOnlyList<ServerMessage> Unread => _inbox.Unread;

    /// <summary>The requirement that is broken when an event does not arrive.</summary>
    private protected abstract string Delivery { get; }

    /// <summary>The fixture of the scenario, for the checks of what this client receives.</summary>
    internal Stage Stage { get; }

    // Waiting --------------------------------------------------------------------------------------------------------

    /// <summary>Takes the first unread message that fits, arrived or yet to come.</summary>
    public async Task<ServerMessage> NextAsync(Func<ServerMessage, bool> which, string awaited, TimeSpan? within = null) =>
        (await _inbox.TakeAsync(which, which, awaited, within))[^1];

    /// <summary>Takes the next event, of the topic if one is named.</summary>
    public Task<ServerMessage> NextEventAsync(string? topic = null, TimeSpan? within = null) =>
        NextAsync(message => message.IsEvent && (topic is null || message.Topic == topic), $"an event of {topic ?? "any topic"}", within)
            .Breaking(Delivery);

    /// <summary>Takes every unread event, of any topic, up to and including the one with this message id.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsUntilAsync(string sentinelId, TimeSpan? within = null) =>
        _inbox.TakeAsync(
            message => message.IsEvent,
            message => message.IsEvent && message.MessageId == sentinelId,
            $"the event {_target.MessageIds.Show(sentinelId)}",
            within)
            .Breaking(Delivery);

    /// <summary>Takes this many unread events of any topic.</summary>
    public Task<IReadOnlyList<ServerMessage>> EventsAsync(int count, TimeSpan? within = null)
    {
        var seen = 0;
        return _inbox.TakeAsync(message => message.IsEvent, message => message.IsEvent && ++seen == count, $"{count} events", within)
            .Breaking(Delivery);
    }

    /// <summary>Waits until anything has arrived, and leaves it in the inbox.</summary>
    public Task BegunAsync() => _inbox.BegunAsync();

    /// <summary>Waits until the server ends the connection; messages that came before stay in the inbox.</summary>
    public Task<Closure> ClosedAsync(TimeSpan? within = null) => _inbox.ClosedAsync(within);

    // Sentinels: absence without sleeping ----------------------------------------------------------------------------

    /// <summary>
    /// Lets <paramref name="behind"/> publish a sentinel to the topic and returns the events that arrived here ahead of it, without
    /// sentinels of that topic. Because a topic is ordered, the list holds all that <paramref name="behind"/> published before.
    /// </summary>
    public async Task<IReadOnlyList<ServerMessage>> EventsAheadOfSentinelAsync(Client behind, string topic)
    {
        var sentinel = $"{ServerMessage.SentinelPrefix}{Interlocked.Increment(ref _sentinels)}";
        await behind.PublishAsync(topic, sentinel).Acked();
        var events = await EventsUntilAsync(sentinel);
        return [.. events.Where(message => message.Topic != topic || !message.IsSentinel)];
    }

    // Leaving --------------------------------------------------------------------------------------------------------

    /// <summary>Stops reading the socket; at most one read already under way still completes.</summary>
    public void StopReading() => _readable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ResumeReading() => _readable.TrySetResult();

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Abort() => _source.Abort();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _left, 1) == 1)
        {
            return;
        }

        await _leaving.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _source.DisposeAsync();
        _leaving.Dispose();
        GC.SuppressFinalize(this);
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
            while (_inbox.Add(await _source.ReceiveAsync(leaving)));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _inbox.Fail(e);
        }
    }
}
