using BenchmarkDotNet.Attributes;
using PubSub.Hosting.Protocol;

namespace PubSub.Benchmarks;

/// <summary>Parses a client's message into a request. The payload is validated and kept as bytes.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class Parse
{
    private readonly byte[] _subscribe =
        """{"type":"subscribe","topic":"orders","client_id":"me","last_n":5,"request_id":"r1"}"""u8.ToArray();
    private byte[] _publish = [];

    [Params(100, 4096)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Compose()
    {
        var payload = new string('x', PayloadBytes);
        _publish = System.Text.Encoding.UTF8.GetBytes(
            $$"""{"type":"publish","topic":"orders","message":{"id":"msg1","payload":"{{payload}}"},"request_id":"r2"}""");
    }

    [Benchmark]
    public object PublishRequest() => Request.Parse(_publish);

    [Benchmark]
    public object SubscribeRequest() => Request.Parse(_subscribe);
}
