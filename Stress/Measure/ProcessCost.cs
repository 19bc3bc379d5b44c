using System.Globalization;

namespace PubSub.Stress.Measure;

/// <summary>The resources that one or more processes on this machine use together, as the kernel counts them.</summary>
internal sealed class ProcessCost(params int[] ids)
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux

    /// <summary>The one process.</summary>
    public int Id => ids.Single();

    /// <summary>User and system time of all threads; the kernel counts in steps of 10 ms.</summary>
    public TimeSpan Cpu => TimeSpan.FromSeconds(ids.Sum(Ticks) / TicksPerSecond);

    /// <summary>Bytes of resident memory.</summary>
    public long Resident => Status("VmRSS:") * 1024;

    /// <summary>The most bytes of resident memory since the process started.</summary>
    public long MostResident => Status("VmHWM:") * 1024;

    public long Threads => Status("Threads:");

    /// <summary>Open file descriptors: mostly sockets, and files of the runtime.</summary>
    public int Descriptors => Open().Length;

    /// <summary>Open sockets.</summary>
    public int Sockets => Open().Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) is true);

    public bool IsAlive => Array.TrueForAll(ids, Lives);

    private static bool Lives(int id)
    {
        try
        {
            var fields = File.ReadAllText($"/proc/{id}/stat");
            return fields[fields.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static long Ticks(int id)
    {
        var fields = Read(id, "stat");
        var afterName = fields[(fields.LastIndexOf(')') + 2)..].Split(' ');
        const int userTime = 11, systemTime = 12;
        return long.Parse(afterName[userTime], CultureInfo.InvariantCulture)
            + long.Parse(afterName[systemTime], CultureInfo.InvariantCulture);
    }

    private FileSystemInfo[] Open() => [.. ids.SelectMany(Open)];

    private static FileSystemInfo[] Open(int id)
    {
        try
        {
            return new DirectoryInfo($"/proc/{id}/fd").GetFileSystemInfos();
        }
        catch (IOException)
        {
            throw Exited(id);
        }
        catch (UnauthorizedAccessException)
        {
            throw new RunFailed($"the descriptors of process {id} cannot be read: it belongs to another user");
        }
    }

    private long Status(string name) => ids.Sum(id =>
    {
        var line = Read(id, "status").Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) ?? throw Exited(id);
        return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    });

    private static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (IOException)
        {
            throw Exited(id);
        }
    }

    private static RunFailed Exited(int id) => new($"the server (process {id}) has exited");
}
