using System.Net.Sockets;
using NUnit.Framework.Constraints;

namespace PubSub.PropertyTests.Tools;

/// <summary>Waits for what must happen, no longer than <see cref="Threads.Patience"/>.</summary>
internal static class Waiting
{
    private const int PollMilliseconds = 5;

    /// <summary>A constraint that need not be met yet, but must be met in time.</summary>
    public static DelayedConstraint Soon(this Constraint constraint) =>
        constraint.After((int)Threads.Patience.TotalMilliseconds, PollMilliseconds);

    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    /// <exception cref="EndOfStreamException">The peer closed the connection before.</exception>
    public static async Task<byte[]> ReadAsync(this Socket socket, int count)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var some = await socket.ReceiveAsync(bytes.AsMemory(read), limit.Token);
            read += some > 0 ? some : throw new EndOfStreamException();
        }

        return bytes;
    }
}
