using Microsoft.AspNetCore.Connections;

namespace PubSub.Hosting.Connections;

/// <summary>
/// Keeps the number of TCP connections within a bound. A connection on which no request is under way is idle; when there is no room for a
/// new one, the connection that has been idle longest is closed, so that idle clients never keep active ones out (PS-ROB-009).
/// </summary>
/// <param name="most">Connections that may be open at once, at least 1.</param>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class Admission(int most)
{
    private readonly Lock _latch = new();
    private readonly LinkedList<Slot> _idle = []; // guarded by _latch; the longest idle first
    private int _open; // guarded by _latch
    private bool _makesRoom; // guarded by _latch; an idle connection was told to close and has not ended
    private TaskCompletionSource? _room; // guarded by _latch; set when a connection ends

    /// <summary>Completes when another connection may be accepted.</summary>
    public async Task WaitForRoomAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Slot? oldest = null;
            Task room;
            lock (_latch)
            {
                if (_open < most)
                {
                    return;
                }

                room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                if (!_makesRoom && _idle.First is { } first)
                {
                    oldest = first.Value;
                    oldest.MakeRoom();
                    _makesRoom = true;
                }
            }

            oldest?.Abort();
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>A connection has been accepted; it is idle until its first request has come.</summary>
    public Slot Enter(ConnectionContext connection)
    {
        lock (_latch)
        {
            _open++;
            return new Slot(this, connection);
        }
    }

    /// <summary>One connection, from when it is accepted until it has ended.</summary>
    internal sealed class Slot : IDisposable
    {
        private readonly Admission _admission;
        private readonly ConnectionContext _connection;
        private LinkedListNode<Slot>? _idle; // guarded by the admission's latch; null while a request is under way, and at the end
        private bool _makesRoom; // likewise

        /// <summary>Called under the latch.</summary>
        internal Slot(Admission admission, ConnectionContext connection)
        {
            (_admission, _connection) = (admission, connection);
            _idle = admission._idle.AddLast(this);
        }

        /// <summary>A request has come, headers and all.</summary>
        public void Begin()
        {
            lock (_admission._latch)
            {
                LeaveIdle();
            }
        }

        /// <summary>The request has been answered.</summary>
        public void End()
        {
            lock (_admission._latch)
            {
                _idle = _makesRoom ? null : _admission._idle.AddLast(this);
            }
        }

        /// <summary>The connection has ended.</summary>
        public void Dispose()
        {
            lock (_admission._latch)
            {
                LeaveIdle();
                _admission._open--;
                _admission._makesRoom &= !_makesRoom;
                _admission._room?.TrySetResult();
                _admission._room = null;
            }
        }

        internal void Abort() => _connection.Abort();

        /// <summary>Called under the latch.</summary>
        internal void MakeRoom()
        {
            LeaveIdle();
            _makesRoom = true;
        }

        private void LeaveIdle()
        {
            if (_idle is not null)
            {
                _admission._idle.Remove(_idle);
                _idle = null;
            }
        }
    }
}
