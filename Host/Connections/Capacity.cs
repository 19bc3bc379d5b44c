using System.Globalization;

namespace PubSub.Hosting.Connections;

/// <summary>How many TCP connections the settings ask for, and how many the machine allows.</summary>
internal sealed class Capacity
{
    /// <summary>Connections beyond MAX_CONNECTIONS, so that REST and probes still answer when the WebSockets are full.</summary>
    private const int Spare = 256;

    /// <summary>File descriptors that the runtime opens after the start; without one for itself it ends the process.</summary>
    private const int Reserved = 96;

    /// <summary>Bytes of a connection whose client sends headers as long as they may be.</summary>
    private const int BytesPerConnection = 32 * 1024;

    /// <param name="wanted">WebSocket connections that the settings allow.</param>
    /// <param name="descriptors">File descriptors that the process may have beside those that it has now; null when that is not
    /// known.</param>
    /// <param name="memory">Bytes that the runtime may use; connections get a quarter.</param>
    public Capacity(int wanted, int? descriptors, long memory)
    {
        var available = Math.Min((descriptors ?? int.MaxValue) - Reserved, memory / 4 / BytesPerConnection);
        DescriptorsNeeded = (long)wanted + Spare + Reserved;
        MemoryNeeded = ((long)wanted + Spare) * BytesPerConnection * 4;
        Connections = (int)Math.Clamp(available, 4, wanted + (long)Spare);
        Sessions = Math.Min(wanted, Connections - Math.Min(Spare, Connections / 4));
    }

    /// <summary>TCP connections that may be open at once.</summary>
    public int Connections { get; }

    /// <summary>Those of them that may be WebSockets.</summary>
    public int Sessions { get; }

    /// <summary>File descriptors that the settings ask for.</summary>
    public long DescriptorsNeeded { get; }

    /// <summary>Bytes of memory that the settings ask for.</summary>
    public long MemoryNeeded { get; }

    /// <summary>Bytes that the runtime may use: the machine's, the container's, or those of a limit on the heap.</summary>
    public static long Memory { get; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>File descriptors that the process may still open; null where the system does not say.</summary>
    public static int? FreeDescriptors()
    {
        const string Field = "Max open files";
        try
        {
            var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
            var soft = line?[Field.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return int.TryParse(soft, CultureInfo.InvariantCulture, out var limit)
                ? limit - Directory.EnumerateFiles("/proc/self/fd").Count()
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
