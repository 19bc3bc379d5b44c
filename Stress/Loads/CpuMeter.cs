using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Loads;

/// <summary>Processor time of the server and of the load generator, over the same window of time.</summary>
internal sealed class CpuMeter
{
    private readonly ProcessCost? _cost;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TimeSpan _server;
    private readonly TimeSpan _client = Environment.CpuUsage.TotalTime;
    private TimeSpan _serverUsed;
    private TimeSpan _clientUsed;

    /// <summary>Starts the window.</summary>
    public CpuMeter(ProcessCost? cost)
    {
        _cost = cost;
        _server = cost?.Cpu ?? default;
    }

    public TimeSpan Window { get; private set; }

    /// <summary>Processor time of the server's process; null if it cannot be observed.</summary>
    public TimeSpan? Server => _cost is null ? null : _serverUsed;

    public CpuMeter Stop()
    {
        Window = Stopwatch.GetElapsedTime(_start);
        _serverUsed = (_cost?.Cpu ?? default) - _server;
        _clientUsed = Environment.CpuUsage.TotalTime - _client;
        return this;
    }

    /// <summary>Adds the cores that server and load generator used, on average over the window.</summary>
    public void AddTo(Measured measured) => measured
        .Add(Names.ServerCpu, Server / Window, "cores")
        .Add(Names.ClientCpu, _clientUsed / Window, "cores");
}
