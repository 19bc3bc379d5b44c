using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Connections that publish to one topic over HTTP, each one request after the other: the most messages/s.</summary>
internal sealed class HttpPublish : ScenarioVerb
{
    public const string Scenario = "http-publish";
    public const string Batch = "batch";

    private const int Behind = 100_000; // messages that the subscriber may not have received yet
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(20);

    private readonly Option<int[]> _batches = OptionFactory.Wholes("--batches", "Messages of each request.", [1, 1000], 1, 1000);
    private readonly Option<int[]> _connections = OptionFactory.Wholes("--connections", "Connections that publish.", [1, 4], 1, 1000);
    private readonly Option<int[]> _subscribers = OptionFactory.Wholes("--subscribers", "Subscribers over the WebSocket.", [0, 1], 0, 1000);
    private readonly Option<int> _payload = OptionFactory.Whole("--payload", "Characters of the payload.", 100, 1, 900);
    private readonly Option<TimeSpan> _warmup = OptionFactory.Seconds("--warmup", "Load before the timed window.", 3);
    private readonly Option<TimeSpan> _window = OptionFactory.Seconds("--seconds", "The timed window of a run.", 5);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "The number of runs.", 5, 1, 1000);

    public HttpPublish()
        : base(
            Scenario,
            "How many messages per second does the server accept over HTTP, one by one and in batches?",
            "Closed loop: each connection sends its next request when the last one is answered. Every answer is checked, and each\n" +
            "subscriber must receive all messages.",
            compares: false)
    {
        Option[] options = [_batches, _connections, _subscribers, _payload, _warmup, _window, _runs];
        Array.ForEach(options, option => Add(option));
    }

    // A batch is longer than the usual bound of a queue.
    protected override (string Name, string Value)[] Settings => [("MAX_QUEUE_SIZE", "1000000"), ("MAX_QUEUE_BYTES", "1073741824")];

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        foreach (var batch in parsed.GetValue(_batches)!)
        {
            foreach (var connections in parsed.GetValue(_connections)!)
            {
                foreach (var subscribers in parsed.GetValue(_subscribers)!)
                {
                    var load = new HttpLoad(
                        batch, connections, subscribers, parsed.GetValue(_payload), parsed.GetValue(_warmup), parsed.GetValue(_window));
                    var parameters = new Dictionary<string, double>
                    {
                        [Batch] = batch,
                        [Names.Connections] = connections,
                        [Names.Subscribers] = subscribers,
                        [Names.Payload] = load.PayloadBytes,
                        [Names.Window] = load.Window.TotalSeconds,
                    };
                    var title = $"{batch:N0} messages in a request, {connections} connections, {subscribers} subscribers";
                    bench.Repeat(new Load(Scenario, title, parameters), parsed.GetValue(_runs), _ => Once(bench.Lineup.First, load));
                }
            }
        }
    }

    public static Measured Once(PubSubContender server, HttpLoad load)
    {
        var topic = $"http-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        var measured = new Measured();
        using (var loops = new Loops(1))
        {
            var loop = loops.Home;
            var readers = Gathering.Subscribe(loops, server, topic, load.Subscribers, load.PayloadBytes, _ => new AnyInbox());
            var (next, sends) = (1L, true);
            HttpPublisher[] publishers =
            [
                .. Enumerable.Range(0, load.Connections)
                    .Select(_ => new HttpPublisher(loop, server.Http, server.PathOf(topic, "messages"), load.Batch, load.PayloadBytes)),
            ];
            Turn(load.Warmup);
            var (acked, cpu) = (Acked(), new CpuMeter(server.Cost));
            Turn(load.Window);
            cpu.Stop();
            acked = Acked() - acked;
            sends = false;
            loop.Until(
                () => Array.TrueForAll(publishers, publisher => !publisher.IsBusy)
                    && readers.TrueForAll(reader => reader.Inbox!.Count >= Acked()),
                Stalled,
                "for every message to be acked and received");
            var counted = server.CountMessages().GetAwaiter().GetResult()[topic];
            if (counted != Acked() || readers.Exists(reader => reader.Inbox!.Count != counted))
            {
                throw new RunFailed($"{Acked()} messages were acked, and {counted} counted by the server");
            }

            measured
                .Add(Names.Publishes, acked / cpu.Window.TotalSeconds, "1/s", Measured.More)
                .Add(Names.CpuPerPublish, cpu.Server?.TotalMicroseconds / acked, "µs", Measured.Less);
            cpu.AddTo(measured);

            long Acked() => publishers.Sum(publisher => publisher.Acked);

            void Turn(TimeSpan length)
            {
                var start = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(start) < length)
                {
                    foreach (var publisher in publishers)
                    {
                        if (sends && publisher is { IsOpen: true, IsBusy: false } && next - Slowest() < Behind)
                        {
                            publisher.Publish(next);
                            next += load.Batch;
                        }
                    }

                    loop.Turn(1);
                }
            }

            long Slowest() => readers.Count == 0 ? next : readers.Min(reader => reader.Inbox!.Count);
        }

        server.DeleteTopic(topic);
        return measured;
    }
}

internal sealed record HttpLoad(int Batch, int Connections, int Subscribers, int PayloadBytes, TimeSpan Warmup, TimeSpan Window);
