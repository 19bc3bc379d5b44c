using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using PubSub.Hosting.Connections;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Connections;

/// <summary>A Host that fails to accept a connection goes on accepting.</summary>
public sealed class ListenersTests
{
    [Test]
    public async Task Accepting_is_tried_again_after_the_delay()
    {
        var (inner, clock, log) = (new FailingListener(failures: 2), new FakeTimeProvider(), new FakeLogger<Listeners>());
        await using var listener = await Bind(inner, clock, log);

        var accepted = listener.AcceptAsync().AsTask();

        Assert.That((inner.Attempts, accepted.IsCompleted), Is.EqualTo((1, false)), "it waits for the delay");
        clock.Advance(Listeners.RetryDelay);
        Assert.That(() => inner.Attempts, Is.EqualTo(2).Soon());
        clock.Advance(Listeners.RetryDelay);
        Assert.That(() => accepted.IsCompletedSuccessfully, Is.True.Soon());
        Assert.That(await accepted, Is.SameAs(FailingListener.Connection));
        Assert.That(
            log.Collector.GetSnapshot().Select(line => line.Message),
            Has.Exactly(2).EqualTo("No connection could be accepted; the next attempt is in 1 s"));
    }

    [Test]
    public async Task Accepting_is_not_tried_again_after_the_unbind()
    {
        var (inner, clock) = (new FailingListener(failures: int.MaxValue), new FakeTimeProvider());
        await using var listener = await Bind(inner, clock, NullLogger<Listeners>.Instance);
        var accepted = listener.AcceptAsync().AsTask();

        await listener.UnbindAsync();

        Assert.That(() => accepted.IsCompletedSuccessfully, Is.True.Soon());
        Assert.That(await accepted, Is.Null);
        Assert.That(inner.Attempts, Is.EqualTo(1));
    }

    private static ValueTask<IConnectionListener> Bind(FailingListener inner, FakeTimeProvider clock, ILogger<Listeners> logger) =>
        new Listeners(inner, new Admission(1), clock, logger).BindAsync(new IPEndPoint(IPAddress.Loopback, 0));

    private sealed class FailingListener(int failures) : IConnectionListenerFactory, IConnectionListener
    {
        public static readonly DefaultConnectionContext Connection = new();

        public int Attempts { get; private set; }

        public EndPoint EndPoint => new IPEndPoint(IPAddress.Loopback, 0);

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            ++Attempts <= failures ? throw new InsufficientMemoryException() : new(Connection);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => default;

        public ValueTask DisposeAsync() => default;
    }
}
