using System.Net;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.Hosting.Transport;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Transport;

/// <summary>The written bytes arrive unchanged, however little the peer reads at a time.</summary>
public sealed class OutletTests
{
    /// <summary>The size of the socket buffers in bytes, far smaller than a batch.</summary>
    private const int Window = 4 * 1024;

    private static readonly Gen<int> Length =
        Gen.Frequency((4, Gen.Choose(1, 200)), (2, Gen.Choose(1000, 9000)), (1, Gen.Choose(30_000, 100_000)));

    [Test]
    public void Frames_arrive_whole_and_in_order_however_slowly_they_are_read() => Law.HoldsForRows(
        from lengths in Length.ArrayOf()
        from reads in Gen.Choose(1, 20_000)
        select (lengths, reads),
        atMost: 10,
        given => ArriveAsync([.. given.Select(row => row.lengths)], [.. given.Select(row => row.reads)]).GetAwaiter().GetResult(),
        times: 60);

    [Test]
    public async Task A_write_does_not_block_the_thread_when_the_peer_does_not_read()
    {
        using var pair = new Pair();
        var outlet = new Outlet(pair.Ours);

        var (bytes, write) = await Task.Factory
            .StartNew(() => FillUp(outlet, Batch('a', 1, 8 * 1024 * 1024)), TaskCreationOptions.LongRunning)
            .WaitAsync(Threads.Patience);

        Assert.That(write.IsCompleted, Is.False);
        await pair.ReadAsync(bytes);
        await write.WaitAsync(Threads.Patience);
    }

    /// <summary>Without this, a slow peer that reads a large frame would look like a peer that reads nothing.</summary>
    [Test]
    public async Task The_progress_of_a_waiting_write_is_visible([Values(1, 8)] int frames)
    {
        const int batch = 8 * 1024 * 1024, most = Outlet.BatchBytes;
        using var pair = new Pair();
        var outlet = new Outlet(pair.Ours);
        Assert.That((outlet.IsWaiting, outlet.Taken), Is.EqualTo((false, 0L)));

        var (bytes, write) = FillUp(outlet, Batch('a', frames, frames == 1 ? batch : most / frames));
        Assert.That(outlet.IsWaiting);
        await pair.ReadAsync(bytes - 1);
        await write.WaitAsync(Threads.Patience);

        Assert.That(outlet.IsWaiting, Is.False);
        Assert.That(outlet.Taken, frames == 1 ? Is.GreaterThan(batch / most / 2) : Is.EqualTo(1));
        await outlet.WriteAsync(Batch('a', 1, 1));
        Assert.That(outlet.IsWaiting, Is.False);
    }

    [Test]
    public async Task A_waiting_write_is_not_overwritten_by_a_write_to_another_peer()
    {
        using var slow = new Pair();
        using var other = new Pair();
        var (filled, waiting) = FillUp(new Outlet(slow.Ours), Batch('a', 8, 4000));

        for (var time = 0; time < 3; time++)
        {
            _ = FillUp(new Outlet(other.Ours), Batch('b', 8, 4000));
        }

        Assert.That(await slow.ReadAsync(filled), Is.All.EqualTo((byte)'a'));
        await waiting.WaitAsync(Threads.Patience);
    }

    /// <summary>A frame of one byte is sent as a whole or not at all.</summary>
    [Test]
    public async Task A_write_that_finds_no_room_waits_for_it([Values(1, 2)] int frames)
    {
        using var pair = new Pair();

        var (filled, waiting) = FillUp(new Outlet(pair.Ours), Batch('a', frames, 1));

        Assert.That(await pair.ReadAsync(filled), Is.All.EqualTo((byte)'a'));
        await waiting.WaitAsync(Threads.Patience);
    }

    [Test]
    public void A_write_to_a_broken_or_closed_connection_throws([Values(1, 2)] int frames)
    {
        using var broken = new Pair();
        using var ended = new Pair();
        var (toBroken, toEnded) = (new Outlet(broken.Ours), new Outlet(ended.Ours));
        broken.Theirs.Close(0);
        ended.Ours.Dispose();

        Assert.That(async () => await toBroken.WriteAsync(Batch('a', frames, 1)), Throws.InstanceOf<SocketException>());
        Assert.That(async () => await toEnded.WriteAsync(Batch('a', frames, 1)), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_waiting_write_throws_when_the_connection_breaks([Values(1, 8)] int frames)
    {
        using var pair = new Pair();
        var (_, waiting) = FillUp(new Outlet(pair.Ours), Batch('a', frames, 4000));

        pair.Theirs.Close(0);

        Assert.That(async () => await waiting.WaitAsync(Threads.Patience), Throws.InstanceOf<SocketException>());
    }

    private static async Task<bool> ArriveAsync(int[][] batches, int[] reads)
    {
        using var pair = new Pair();
        var outlet = new Outlet(pair.Ours);
        var (written, random) = (new List<byte>(), new Random(1));
        var frames = batches.SelectMany(Batches).ToList();
        var total = frames.Sum(batch => batch.Sum());
        var reading = Task.Run(async () =>
        {
            var read = new List<byte>();
            for (var turn = 0; read.Count < total; turn++)
            {
                read.AddRange(await pair.ReadAsync(Math.Min(reads[turn % reads.Length], total - read.Count)));
            }

            return read;
        });
        foreach (var batch in frames)
        {
            var outgoing = batch.Select(length =>
            {
                var bytes = new byte[length];
                random.NextBytes(bytes);
                written.AddRange(bytes);
                return new Outgoing(new Frame(bytes), Live: true);
            }).ToArray();
            await outlet.WriteAsync(outgoing).AsTask().WaitAsync(Threads.Patience);
        }

        return (await reading.WaitAsync(Threads.Patience)).SequenceEqual(written);
    }

    /// <summary>Divides frames into batches as a subscriber does: as many as fit into a batch, or one that is larger.</summary>
    private static List<int[]> Batches(int[] lengths)
    {
        var batches = new List<int[]>();
        foreach (var length in lengths)
        {
            if (batches.Count > 0 && batches[^1].Sum() + length <= Outlet.BatchBytes)
            {
                batches[^1] = [.. batches[^1], length];
            }
            else
            {
                batches.Add([length]);
            }
        }

        return batches;
    }

    private static Outgoing[] Batch(char letter, int frames, int bytes) =>
        [.. Enumerable.Range(0, frames).Select(_ => new Outgoing(new Frame([.. Enumerable.Repeat((byte)letter, bytes)]), Live: true))];

    /// <summary>Writes on this thread until a write has to wait.</summary>
    /// <returns>The bytes written, and the wait.</returns>
    private static (int Bytes, Task Waiting) FillUp(Outlet outlet, Outgoing[] batch)
    {
        for (var bytes = batch.Sum(outgoing => outgoing.Frame.Length); ; bytes += batch.Sum(outgoing => outgoing.Frame.Length))
        {
            if (outlet.WriteAsync(batch) is { IsCompleted: false } waiting)
            {
                return (bytes, waiting.AsTask());
            }
        }
    }

    /// <summary>Both ends of a connection.</summary>
    private sealed class Pair : IDisposable
    {
        public Pair()
        {
            using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Window, SendBufferSize = Window };
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            Theirs.Connect(listener.LocalEndPoint!);
            Ours = listener.Accept();
            Ours.NoDelay = true;
        }

        public Socket Ours { get; }

        public Socket Theirs { get; } = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Window };

        public Task<byte[]> ReadAsync(int count) => Theirs.ReadAsync(count);

        public void Dispose()
        {
            Ours.Dispose();
            Theirs.Dispose();
        }
    }
}
