using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>The programs of this machine.</summary>
internal static class Programs
{
    // Where distributions put daemons, and where an ordinary user's PATH does not lead.
    private static readonly string[] MoreFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

    /// <summary>Null when it is nowhere: absent, not beaten.</summary>
    public static string? Find(string name)
    {
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        return folders.Concat(MoreFolders).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>The first line that the program prints.</summary>
    public static string Ask(string path, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return answer.Split('\n')[0].Trim();
    }
}
