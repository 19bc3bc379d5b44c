using System.Runtime.Versioning;

// It waits with epoll and timerfd, reads the costs of servers from /proc, and stops processes with signals.
[assembly: SupportedOSPlatform("linux")]
