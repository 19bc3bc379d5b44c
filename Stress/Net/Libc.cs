using System.Runtime.InteropServices;

namespace PubSub.Stress.Net;

/// <summary>System calls of Linux that .NET does not offer.</summary>
internal static partial class Libc
{
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int SigKill = 9;
    public const int SigStop = 19;
    public const int SigContinue = 18;
    public const int DescriptorLimit = 7; // RLIMIT_NOFILE

    /// <summary>The result; fails the run if it is negative.</summary>
    public static int Checked(int result, string call) =>
        result >= 0 ? result : throw new RunFailed($"{call}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Read(int descriptor, Span<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Write(int descriptor, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_create", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int TimerCreate(int clock, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_settime", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int TimerSet(int descriptor, int flags, ReadOnlySpan<byte> setting, nint old);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Limit(int process, int resource, ReadOnlySpan<ulong> next, Span<ulong> old);
}
