using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>A redis-server process, at first empty.</summary>
internal sealed class RedisServer : ServerProcess, IStore
{
    private const string Program = "redis-server";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pubsub-redis-");
    private readonly bool _keepsData;

    private RedisServer(bool keepsData) => _keepsData = keepsData;

    /// <summary>Starts one; the test is ignored if it is not on the PATH.</summary>
    /// <param name="keepsData">Whether each write is on disk before its answer; otherwise a restart loses all.</param>
    public static async Task<RedisServer> StartAsync(bool keepsData = false)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, Program))))
        {
            Assert.Ignore($"{Program} is not on the PATH");
        }

        var server = new RedisServer(keepsData);
        await server.RunAsync();
        return server;
    }

    /// <summary>Sends a command and returns the first line of the answer.</summary>
    public async Task<string> TellAsync(string command)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, limit.Token);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"{command}\r\n"), limit.Token);
        using var answer = new StreamReader(client.GetStream());
        var line = await answer.ReadLineAsync(limit.Token) ?? "";
        return line.StartsWith('-') ? throw new IOException($"{command}: {line}") : line;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    protected override ProcessStartInfo Command() => new(
        Program,
        [
            "--bind", "127.0.0.1", "--port", Frames.Text(Port), "--save", "", "--dir", _folder.FullName,
            "--appendonly", _keepsData ? "yes" : "no", "--appendfsync", "always",
        ]);
}
