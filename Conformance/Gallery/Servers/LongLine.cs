using System.IO.Pipelines;
using System.Threading.Channels;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Delays the output of a connection in a queue of up to 4 MiB, like the bytes in flight on a long network path.</summary>
internal sealed class LongLine
{
    private const int Capacity = 4 * 1024 * 1024;

    private readonly Pipe _line = new(new PipeOptions(pauseWriterThreshold: Capacity, resumeWriterThreshold: Capacity / 2));
    private readonly Channel<(long Sent, TimeSpan Delay, int Length)> _due = Channel.CreateUnbounded<(long, TimeSpan, int)>();
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> _send;
    private readonly Task _carrying;

    private LongLine(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send)
    {
        _send = send;
        _carrying = CarryAsync();
    }

    /// <summary>A distant server: all its connections send with this delay. It violates nothing.</summary>
    public static Change Far(TimeSpan delay) => server => server.EachConnection(connection => Delay(connection, () => delay));

    /// <summary>Delays everything that the connection sends, without limiting its throughput.</summary>
    /// <param name="delay">Called for each write.</param>
    public static void Delay(Connection connection, Func<TimeSpan> delay)
    {
        var line = new LongLine(connection.Send.Call);
        connection.Send.Wrap(_ => async (bytes, cancellation) =>
        {
            if (line._carrying.IsCompleted)
            {
                await line._carrying;
            }

            line._due.Writer.TryWrite((TimeProvider.System.GetTimestamp(), delay(), bytes.Length));
            await line._line.Writer.WriteAsync(bytes, cancellation);
        });
        connection.EndOutput.Wrap(end => async () =>
        {
            line._due.Writer.TryComplete();
            await line._carrying.WaitAsync(connection.Patience);
            await end();
        });
    }

    private async Task CarryAsync()
    {
        try
        {
            await foreach (var (sent, delay, length) in _due.Reader.ReadAllAsync())
            {
                var early = delay - TimeProvider.System.GetElapsedTime(sent);
                if (early > TimeSpan.Zero)
                {
                    await Task.Delay(early);
                }

                var read = await _line.Reader.ReadAtLeastAsync(length);
                foreach (var segment in read.Buffer.Slice(0, length))
                {
                    await _send(segment, CancellationToken.None);
                }

                _line.Reader.AdvanceTo(read.Buffer.GetPosition(length));
            }
        }
        finally
        {
            await _line.Reader.CompleteAsync();
        }
    }
}
