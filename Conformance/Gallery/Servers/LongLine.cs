using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A connection whose output is a queue of things due at a time, as large as what a distant network holds.</summary>
internal class LongLine : Connection
{
    private const int Capacity = 4 * 1024 * 1024;

    private readonly Pipe _line = new(new PipeOptions(pauseWriterThreshold: Capacity, resumeWriterThreshold: Capacity / 2));
    private readonly Channel<(long Sent, TimeSpan Delay, int Length)> _due = Channel.CreateUnbounded<(long, TimeSpan, int)>();
    private readonly Func<TimeSpan> _delay;
    private readonly Task _carrying;

    public LongLine(Socket socket, Func<TimeSpan> delay)
        : base(socket)
    {
        _delay = delay;
        _carrying = CarryAsync();
    }

    public override async Task EndOutputAsync()
    {
        _due.Writer.TryComplete();
        await _carrying.WaitAsync(Patience);
        await base.EndOutputAsync();
    }

    protected override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        if (_carrying.IsCompleted)
        {
            await _carrying;
        }

        _due.Writer.TryWrite((TimeProvider.System.GetTimestamp(), _delay(), bytes.Length));
        await _line.Writer.WriteAsync(bytes, cancellation);
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
                    await base.SendAsync(segment, CancellationToken.None);
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
