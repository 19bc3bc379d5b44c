using System.Diagnostics;
using System.Text;

namespace PubSub.Stress;

/// <summary>nats-server behind its WebSocket listener, as installed on this machine, with its default settings.</summary>
internal sealed class NatsContender : IContender
{
    private const string Executable = "nats-server";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nats-stress-");
    private readonly byte[] _payload;
    private readonly ServerProcess _process;
    private readonly Endpoint _endpoint;

    private NatsContender(string path, int payloadBytes)
    {
        _payload = Encoding.ASCII.GetBytes(new string('x', payloadBytes));
        Version = Ask(path, "--version");
        var config = Path.Combine(_folder.FullName, "nats.conf");
        File.WriteAllText(config, """
            listen: "127.0.0.1:-1"
            websocket { host: "127.0.0.1", port: -1, no_tls: true }
            """);
        var start = new ProcessStartInfo(path);
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(config);
        _process = new ServerProcess(start, "Listening for websocket clients on ");
        Cost = new ProcessCost(_process.Id);
        _endpoint = Endpoint.Of(_process.Url, "/");
    }

    public string Name => "nats";

    public string Version { get; }

    public ProcessCost? Cost { get; }

    /// <summary>Null when it is not on PATH: absent, not beaten.</summary>
    public static NatsContender? Find(int payloadBytes)
    {
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        var path = folders.Select(folder => Path.Combine(folder, Executable)).FirstOrDefault(File.Exists);
        return path is null ? null : new NatsContender(path, payloadBytes);
    }

    public void CreateTopic(string topic)
    {
        // A subject exists as soon as it is named.
    }

    public void DeleteTopic(string topic)
    {
    }

    public Connection Open(Loop loop) => new NatsConnection(loop, _endpoint, _payload);

    public void Dispose()
    {
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Ask(string path, string question)
    {
        using var process = Process.Start(new ProcessStartInfo(path, question) { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd().Trim();
    }
}
