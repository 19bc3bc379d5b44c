using System.Diagnostics;

namespace PubSub.Stress.Contenders;

/// <summary>Programs installed on this machine.</summary>
internal static class Programs
{
    // Distributions install daemons here; an ordinary user's PATH lacks these folders.
    private static readonly string[] MoreFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

    /// <summary>The program's path; null if it is not installed.</summary>
    public static string? Find(string name)
    {
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        return folders.Concat(MoreFolders).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>The first line that the program prints on standard output.</summary>
    public static string Ask(string path, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return answer.Split('\n')[0].Trim();
    }
}
