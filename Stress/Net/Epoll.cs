using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PubSub.Stress.Net;

/// <summary>
/// Level-triggered readiness of many sockets for one thread, at a cost per ready socket, not per registered one.
/// <c>Socket.Select</c> checks every socket on every call, and asynchronous completions switch threads: both would take processor
/// time from the server under test, which shares the cores.
/// </summary>
internal sealed partial class Epoll : IDisposable
{
    public const uint Readable = 0x001;
    public const uint Writable = 0x004;

    private const int Adding = 1;
    private const int Removing = 2;
    private const int Changing = 3;
    private const int Capacity = 512;

    // struct epoll_event is packed on x64 and padded elsewhere.
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int KeyOffset = Stride - 8;

    private readonly int _descriptor;
    private readonly byte[] _ready = new byte[Capacity * Stride];

    public Epoll()
    {
        _descriptor = Libc.Checked(Create(Libc.CloseOnExec), "epoll_create1");
    }

    public void Add(int descriptor, int key, uint interest) => Change(Adding, descriptor, key, interest);

    public void Modify(int descriptor, int key, uint interest) => Change(Changing, descriptor, key, interest);

    public void Remove(int descriptor) => Change(Removing, descriptor, 0, 0);

    /// <summary>The number of ready descriptors, 0 after <paramref name="milliseconds"/>; read them with <see cref="At"/>.</summary>
    public int Wait(int milliseconds)
    {
        var count = Wait(_descriptor, _ready, Capacity, milliseconds);
        const int interrupted = 4;
        if (count < 0 && Marshal.GetLastPInvokeError() == interrupted)
        {
            return 0;
        }

        return Libc.Checked(count, "epoll_wait");
    }

    public (uint Events, int Key) At(int index)
    {
        var entry = _ready.AsSpan(index * Stride, Stride);
        return (BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadInt32LittleEndian(entry[KeyOffset..]));
    }

    public void Dispose() => _ = Libc.Close(_descriptor);

    private void Change(int operation, int descriptor, int key, uint interest)
    {
        Span<byte> entry = stackalloc byte[16];
        entry.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(entry, interest);
        BinaryPrimitives.WriteInt32LittleEndian(entry[KeyOffset..], key);
        Libc.Checked(Control(_descriptor, operation, descriptor, ref entry[0]), "epoll_ctl");
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int epoll, int operation, int descriptor, ref byte entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Wait(int epoll, Span<byte> entries, int capacity, int milliseconds);
}
