using System.Buffers;
using NUnit.Framework;
using PubSub.Hosting.Transport;

namespace PubSub.PropertyTests.Transport;

public sealed class BlockPoolTests
{
    private const int BlockBytes = 16 * 1024, MaxSpare = 256;

    [Test]
    public void Every_block_has_the_full_size([Values(-1, 0, 1, 4096, BlockBytes)] int bytes)
    {
        using var pool = new BlockPool();

        using var block = pool.Rent(bytes);

        Assert.That(block.Memory.Length, Is.EqualTo(BlockBytes));
        Assert.That(pool.MaxBufferSize, Is.EqualTo(BlockBytes));
    }

    [Test]
    public void More_than_a_block_cannot_be_rented()
    {
        using var pool = new BlockPool();

        Assert.That(() => pool.Rent(BlockBytes + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_block_is_rented_once_at_a_time_and_again_after_its_return()
    {
        using var pool = new BlockPool();
        var (first, second) = (pool.Rent(), pool.Rent());

        first.Dispose();

        Assert.That(second, Is.Not.SameAs(first));
        Assert.That(pool.Rent(), Is.SameAs(first));
        Assert.That(pool.Rent(), Is.Not.SameAs(first).And.Not.SameAs(second));
    }

    [Test]
    public void Returned_blocks_are_kept_up_to_the_bound()
    {
        using var pool = new BlockPool();
        var blocks = Enumerable.Range(0, MaxSpare + 10).Select(_ => pool.Rent()).ToHashSet();

        foreach (var block in blocks)
        {
            block.Dispose();
        }

        Assert.That(Enumerable.Range(0, MaxSpare).Count(_ => blocks.Contains(pool.Rent())), Is.EqualTo(MaxSpare));
        Assert.That(blocks.Contains(pool.Rent()), Is.False);
    }

    [Test]
    public void All_servers_share_one_pool_which_outlives_each()
    {
        using var pool = new BlockPool();
        MemoryPool<byte> created = pool.Create();
        created.Dispose();

        Assert.That(created, Is.SameAs(pool));
        Assert.That(pool.Rent().Memory.Length, Is.EqualTo(BlockBytes));
    }
}
