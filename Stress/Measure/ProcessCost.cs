using System.Globalization;

namespace PubSub.Stress.Measure;

/// <summary>The resources that a process on this machine uses, as the kernel counts them.</summary>
internal sealed class ProcessCost(int id)
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux

    public int Id => id;

    /// <summary>User and system time of all threads; the kernel counts in steps of 10 ms.</summary>
    public TimeSpan Cpu
    {
        get
        {
            var fields = Read("stat");
            var afterName = fields[(fields.LastIndexOf(')') + 2)..].Split(' ');
            const int userTime = 11, systemTime = 12;
            var ticks = long.Parse(afterName[userTime], CultureInfo.InvariantCulture)
                + long.Parse(afterName[systemTime], CultureInfo.InvariantCulture);
            return TimeSpan.FromSeconds(ticks / TicksPerSecond);
        }
    }

    /// <summary>Bytes of resident memory.</summary>
    public long Resident => Status("VmRSS:") * 1024;

    /// <summary>The most bytes of resident memory since the process started.</summary>
    public long MostResident => Status("VmHWM:") * 1024;

    public long Threads => Status("Threads:");

    /// <summary>Open file descriptors: mostly sockets, and files of the runtime.</summary>
    public int Descriptors => Open().Length;

    /// <summary>Open sockets.</summary>
    public int Sockets => Open().Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) is true);

    public bool IsAlive
    {
        get
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
    }

    private FileSystemInfo[] Open()
    {
        try
        {
            return new DirectoryInfo($"/proc/{id}/fd").GetFileSystemInfos();
        }
        catch (IOException)
        {
            throw Exited();
        }
        catch (UnauthorizedAccessException)
        {
            throw new RunFailed($"the descriptors of process {id} cannot be read: it belongs to another user");
        }
    }

    private long Status(string name)
    {
        var line = Read("status").Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) ?? throw Exited();
        return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (IOException)
        {
            throw Exited();
        }
    }

    private RunFailed Exited() => new($"the server (process {id}) has exited");
}
