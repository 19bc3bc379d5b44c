using BenchmarkDotNet.Attributes;
using PubSub.Hosting.Protocol;

namespace PubSub.Benchmarks;

/// <summary>What a client sent becomes a request, or is refused; the payload is checked and stays as it is.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class Parse
{
    private readonly byte[] _subscribe = """{"type":"subscribe","topic":"orders","client_id":"me","last_n":5,"request_id":"r1"}"""u8.ToArray();
    private byte[] _publish = [];

    [Params(100, 4096)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Compose() => _publish = System.Text.Encoding.UTF8.GetBytes(
        $$"""{"type":"publish","topic":"orders","message":{"id":"msg1","payload":"{{new string('x', PayloadBytes)}}"},"request_id":"r2"}""");

    [Benchmark]
    public object PublishRequest() => Request.Parse(_publish);

    [Benchmark]
    public object SubscribeRequest() => Request.Parse(_subscribe);
}
