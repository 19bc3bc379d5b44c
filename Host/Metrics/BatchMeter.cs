using System.Buffers.Text;

namespace PubSub.Hosting.Metrics;

/// <summary>Measures what one session writes. Only its write loop uses it.</summary>
internal sealed class BatchMeter(Instruments instruments, Traffic traffic)
{
    /// <summary>Of so many batches with live events, the first is sampled: its depth and its latency are recorded.</summary>
    private const int Every = 8;

    private int _batches;
    private int _live;
    private bool _isSampled;

    /// <summary>A batch was taken from the subscriber's queue.</summary>
    public void Take(ReadOnlySpan<Outgoing> batch, Subscriber subscriber)
    {
        _live = 0;
        foreach (ref readonly var outgoing in batch)
        {
            _live += outgoing.Live ? 1 : 0;
        }

        _isSampled = _live > 0 && _batches++ % Every == 0;
        if (_isSampled)
        {
            instruments.RecordDepth(_live + subscriber.Outstanding().Events);
        }
    }

    /// <summary>The operating system has accepted the batch last taken.</summary>
    public void Write(ReadOnlySpan<Outgoing> batch)
    {
        if (_live == 0)
        {
            return;
        }

        if (_isSampled && Utf8Parser.TryParse(Timestamp(batch), out DateTime stamp, out _, 'O'))
        {
            instruments.RecordLatency(stamp);
        }

        traffic.Deliveries.Add(_live);
    }

    /// <summary>The text of the stamp at the end of the last live event.</summary>
    private static ReadOnlySpan<byte> Timestamp(ReadOnlySpan<Outgoing> batch)
    {
        var last = batch.Length - 1;
        while (!batch[last].Live)
        {
            last--;
        }

        return batch[last].Frame.Bytes.Span[..^"\"}"u8.Length][^Stamp.Length..];
    }
}
