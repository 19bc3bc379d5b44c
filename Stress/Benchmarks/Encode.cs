using BenchmarkDotNet.Attributes;
using PubSub.Hosting.Protocol;

namespace PubSub.Benchmarks;

/// <summary>Encodes a message as a finished frame: once for a publish, independent of the number of subscribers.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class Encode
{
    private readonly ServerMessage _messages = new(TimeProvider.System);
    private readonly byte[] _topic = "\"orders\""u8.ToArray();
    private readonly byte[] _id = "\"r-1\""u8.ToArray();
    private byte[] _message = [];

    [Params(100, 4096)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Compose() =>
        _message = System.Text.Encoding.UTF8.GetBytes($$"""{"id":"msg1","payload":"{{new string('x', PayloadBytes)}}"}""");

    [Benchmark]
    public int Event() => _messages.Event(_topic, _message).Length;

    [Benchmark]
    public int Ack() => _messages.Ack(_id, _topic).Length;
}
