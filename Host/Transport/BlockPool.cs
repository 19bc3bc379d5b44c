using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace PubSub.Hosting.Transport;

/// <summary>
/// The memory of the server's pipes, in blocks of <see cref="BlockBytes"/>. One read from the network fills at most one block, so a larger
/// block means more requests per read, fewer wake-ups, and more events in one write.
/// </summary>
/// <remarks>
/// Safe for concurrent use. A connection holds blocks only while it has bytes in one; an idle one holds none. Unused blocks are
/// kept for the next, up to <see cref="MaxSpare"/>, the rest is left to the garbage collector.
/// </remarks>
internal sealed class BlockPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>Bytes of a block: four times the framework's, beyond which nothing more was gained.</summary>
    private const int BlockBytes = 16 * 1024;

    /// <summary>Blocks that are kept unused: 4 MiB of them.</summary>
    private const int MaxSpare = 256;

    private readonly ConcurrentQueue<Block> _spare = [];
    private int _spares; // of _spare, or about to be

    public override int MaxBufferSize => BlockBytes;

    /// <summary>One pool for all.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <summary>A block; it is not cleared.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxBufferSize"/> bytes are asked for.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_spare.TryDequeue(out var block))
        {
            return new Block(this);
        }

        Interlocked.Decrement(ref _spares);
        return block;
    }

    protected override void Dispose(bool disposing)
    {
        // Another server in the same process may still use it.
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _spares) <= MaxSpare)
        {
            _spare.Enqueue(block);
        }
        else
        {
            Interlocked.Decrement(ref _spares);
        }
    }

    /// <summary>Pinned for good: the operating system reads and writes in it.</summary>
    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public void Dispose() => pool.Return(this);
    }
}
