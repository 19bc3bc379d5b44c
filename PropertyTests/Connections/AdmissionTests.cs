using Microsoft.AspNetCore.Connections;
using NUnit.Framework;
using PubSub.Hosting.Connections;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Connections;

/// <summary>Silent connections make room for new ones; those with a request under way never do (PS-ROB-009).</summary>
public sealed class AdmissionTests
{
    [Test]
    public void Admission_has_room_up_to_the_bound()
    {
        var admission = new Admission(2);

        Assert.That(HasRoom(admission));
        admission.Enter(new Connection());
        Assert.That(HasRoom(admission));
        admission.Enter(new Connection());
        Assert.That(HasRoom(admission), Is.False);
    }

    [Test]
    public void The_longest_idle_connection_is_aborted_and_only_one_at_a_time()
    {
        var admission = new Admission(3);
        Connection[] connections = [new(), new(), new()];
        Admission.Slot[] slots = [.. connections.Select(admission.Enter)];
        slots[0].Begin();
        slots[0].End();

        var room = admission.WaitForRoomAsync(default);
        var other = admission.WaitForRoomAsync(default);

        Assert.That(connections.Select(connection => connection.IsAborted), Is.EqualTo(new[] { false, true, false }));
        Assert.That((room.IsCompleted, other.IsCompleted), Is.EqualTo((false, false)), "the aborted connection has not ended");
        slots[1].Dispose();
        Assert.That(() => room.IsCompleted && other.IsCompleted, Is.True.Soon());
        Assert.That(connections.Select(connection => connection.IsAborted), Is.EqualTo(new[] { false, true, false }));
    }

    [Test]
    public void A_connection_with_a_request_under_way_is_not_aborted()
    {
        var admission = new Admission(1);
        var connection = new Connection();
        var slot = admission.Enter(connection);
        slot.Begin();

        var room = admission.WaitForRoomAsync(default);

        Assert.That((room.IsCompleted, connection.IsAborted), Is.EqualTo((false, false)));
        slot.End();
        slot.Dispose();
        Assert.That(() => room.IsCompletedSuccessfully, Is.True.Soon());
    }

    [Test]
    public void A_connection_that_was_told_to_close_is_not_idle_again()
    {
        var admission = new Admission(1);
        var connection = new Connection();
        var slot = admission.Enter(connection);
        var room = admission.WaitForRoomAsync(default);

        slot.Begin();
        slot.End();
        slot.Dispose();

        Assert.That(() => room.IsCompletedSuccessfully, Is.True.Soon());
        admission.Enter(new Connection()).Begin();
        Assert.That(HasRoom(admission), Is.False);
        Assert.That(connection.Aborts, Is.EqualTo(1));
    }

    [Test]
    public void A_wait_for_room_can_be_cancelled()
    {
        var admission = new Admission(1);
        admission.Enter(new Connection()).Begin();
        using var unbound = new CancellationTokenSource();

        var room = admission.WaitForRoomAsync(unbound.Token);
        unbound.Cancel();

        Assert.That(async () => await room, Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase(20_000, null, long.MaxValue, 20_256, 20_000)]
    [TestCase(20_000, 1_000_000, 24_000_000_000, 20_256, 20_000)]
    [TestCase(20_000, 1_024, 24_000_000_000, 928, 696)]
    [TestCase(20_000, 220, 24_000_000_000, 124, 93)]
    [TestCase(20_000, 10, 24_000_000_000, 4, 3)]
    [TestCase(20_000, 1_000_000, 104_857_600, 800, 600)]
    [TestCase(10, 220, 24_000_000_000, 124, 10)]
    [TestCase(1, 1_000_000, 24_000_000_000, 257, 1)]
    public void Capacity_is_bounded_by_the_machine(int wanted, int? descriptors, long memory, int connections, int sessions)
    {
        var capacity = new Capacity(wanted, descriptors, memory);

        Assert.That((capacity.Connections, capacity.Sessions), Is.EqualTo((connections, sessions)));
    }

    private static bool HasRoom(Admission admission) => admission.WaitForRoomAsync(default).IsCompletedSuccessfully;

    private sealed class Connection : DefaultConnectionContext
    {
        public int Aborts { get; private set; }

        public bool IsAborted => Aborts > 0;

        public override void Abort(ConnectionAbortedException abortReason) => Aborts++;
    }
}
