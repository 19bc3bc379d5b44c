using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Nodes;

/// <summary>Two Hosts in this process on one Redis; or one Host without Redis, of which all laws of two must hold as well.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>The control: both doors are those of one Host.</summary>
    public const string OneHost = "one Host";
    public const string Garnet = "Garnet";
    public const string Redis = "redis-server";

    private readonly IStore? _store;
    private readonly RunningHost[] _hosts;

    private Cluster(IStore? store, RunningHost[] hosts)
    {
        (_store, _hosts) = (store, hosts);
        Doors = [new Door(hosts[0].Origin), new Door(hosts[^1].Origin)];
    }

    public IReadOnlyList<Door> Doors { get; }

    public Door A => Doors[0];

    public Door B => Doors[1];

    /// <param name="store">One of the constants.</param>
    /// <param name="settings">Of every Host, other than the defaults.</param>
    public static async Task<Cluster> StartAsync(string store, params (string Name, string Value)[] settings) => store switch
    {
        OneHost => new Cluster(null, [new RunningHost(settings)]),
        Garnet => await OnAsync(new GarnetStore(), settings),
        _ => await OnAsync(await RedisServer.StartAsync(), settings),
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        await (_store?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private static async Task<Cluster> OnAsync(IStore store, (string Name, string Value)[] settings)
    {
        // No fault is made here, so a busy machine must not make one.
        settings = [("REDIS", store.Connection), ("REDIS_TIMEOUT", "30"), .. settings];
        var cluster = new Cluster(store, [new RunningHost(settings), new RunningHost(settings)]);
        foreach (var door in cluster.Doors)
        {
            await door.ReadyAsync();
        }

        return cluster;
    }
}
