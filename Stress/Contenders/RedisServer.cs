using System.Diagnostics;
using System.Globalization;

namespace PubSub.Stress.Contenders;

/// <summary>redis-server over plain TCP, without persistence, and with room for more than its default of 10,000 clients.</summary>
internal sealed class RedisServer : IDisposable
{
    public const string Program = "redis-server";

    private const string MostClients = "60000"; // Redis lowers it if the limit of descriptors is lower

    private readonly TempFolder _folder = new("redis-stress-");
    private readonly ServerProcess _process;

    public RedisServer(string path)
    {
        var program = string.Join(' ', Programs.Ask(path, "--version").Split(' ').Take(3));
        Version = $"{program} over TCP, without persistence, maxclients {MostClients}";
        var port = ServerProcess.FreePort();
        string[] arguments =
        [
            "--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--save", "", "--appendonly", "no",
            "--dir", _folder.Info.FullName, "--maxclients", MostClients,
        ];
        _process = new ServerProcess(new ProcessStartInfo(path, arguments), new Uri($"tcp://127.0.0.1:{port}"));
    }

    public string Version { get; }

    public Uri Url => _process.Url;

    public int Id => _process.Id;

    public string? Death => _process.Death;

    public void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }
}
