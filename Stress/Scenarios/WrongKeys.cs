using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>What clients with wrong keys cost the others: the latency of an open loop, with and without them.</summary>
internal sealed class WrongKeys : ScenarioVerb
{
    public const string Scenario = "wrong-keys";
    public const string Guesses = "guesses";

    /// <summary>Kinds of runs: alone, beside wrong keys, and beside requests that need no key.</summary>
    public const string Quiet = "quiet";
    public const string Guessing = "wrong keys";
    public const string Asking = "livez";

    private const int Connections = 16;
    private const string KeyId = "00000000";

    /// <summary>Of the others.</summary>
    public static readonly string Key = $"psk_{KeyId}_{new string('k', 43)}";

    private static readonly Lazy<TempFolder> Folder = new(() => new TempFolder("keys-"));

    private readonly Option<int> _guesses = OptionFactory.Whole("--guesses", "Wrong keys per second.", 10_000, 1, 1_000_000);
    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second of the others.", 1000, 1, 1_000_000);
    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers of their topic.", 10, 1, 10_000);
    private readonly LoadOptions _load;

    public WrongKeys()
        : base(
            Scenario,
            "What do clients with wrong keys cost the others?",
            $"Open loop, as the verb latency, by clients with a key: alone; while {Connections} connections send wrong keys at a fixed\n" +
            "rate, each answered with 401; and while they ask for /livez instead, which needs no key. The ratio to the last is what the\n" +
            "wrong keys cost beyond the reading and answering of any request.",
            compares: false)
    {
        Add(_guesses);
        Add(_rate);
        Add(_subscribers);
        _load = new LoadOptions(this, warmup: 2, window: 5);
    }

    /// <summary>Settings of a server that knows the key.</summary>
    public static Dictionary<string, string> Files
    {
        get
        {
            var file = Folder.Value.PathOf("keys.json");
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
            File.WriteAllText(
                file,
                $$"""{"keys":[{"id":"{{KeyId}}","name":"others","sha256":"{{hash}}","publish":["*"],"subscribe":["*"],"manage":["*"]}]}""");
            return new() { ["KEYS_FILE"] = file };
        }
    }

    protected override (string Name, string Value)[] Settings =>
        [.. DeepQueues.Settings, .. Files.Select(setting => (setting.Key, setting.Value))];

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var server = bench.Lineup.First;
        server.Authenticate(Key);
        var load = _load.Read(parsed);
        var (rate, subscribers, guesses) = (parsed.GetValue(_rate), parsed.GetValue(_subscribers), parsed.GetValue(_guesses));
        var parameters = load.Parameters;
        parameters.Remove(Names.Outstanding);
        parameters[Names.Rate] = rate;
        parameters[Names.Subscribers] = subscribers;
        var runs = new Dictionary<string, List<Run>> { [Quiet] = [], [Guessing] = [], [Asking] = [] };
        for (var repetition = 1; repetition <= load.Repetitions; repetition++)
        {
            foreach (var (kind, measured) in runs)
            {
                Progress.Say($"{Scenario}: run {repetition} of {load.Repetitions}, {kind}");
                var one = new Load(Scenario, kind, parameters, kind);
                measured.Add(bench.Attempt(one, server.Name, repetition, () => Once(server, rate, subscribers, load, kind, guesses)));
            }
        }

        Say(Guessing, Quiet);
        Say(Asking, Quiet);
        Say(Guessing, Asking);

        void Say(string kind, string other)
        {
            foreach (var (name, of) in ((string, Func<Percentiles, double>)[])[("p50", all => all.P50), ("p99", all => all.P99)])
            {
                var ratios = runs[kind].Zip(runs[other])
                    .Where(pair => pair.First.Failure is null && pair.Second.Failure is null)
                    .Select(pair => of(pair.First.Latencies[Names.DeliveryLatency]) / of(pair.Second.Latencies[Names.DeliveryLatency]))
                    .Order()
                    .ToList();
                if (ratios.Count > 0)
                {
                    Console.WriteLine(FormattableString.Invariant(
                        $"{name}, {kind} : {other}: {ratios[ratios.Count / 2]:F2} ({ratios[0]:F2}..{ratios[^1]:F2})"));
                }
            }
        }
    }

    /// <summary>One run. Fails if a wrong key is not answered with 401.</summary>
    public static Measured Once(PubSubContender server, double rate, int subscribers, ClosedLoad load, string kind, int guesses)
    {
        if (kind == Quiet)
        {
            return Latency.Once(server, rate, subscribers, load);
        }

        KeyGuesser[] guessers = [];
        var start = Stopwatch.GetTimestamp();
        var measured = Latency.Once(server, rate, subscribers, load, loop =>
        {
            var isWrong = kind == Guessing;
            guessers =
            [
                .. Enumerable.Range(0, Connections)
                    .Select(n => new KeyGuesser(
                        loop, server.Http, isWrong ? "/v1/topics" : "/livez", $"{Key[..^2]}{n:x2}", isWrong ? 401 : 200)),
            ];
            start = Stopwatch.GetTimestamp();
            return Guess;
        });
        Array.ForEach(guessers, guesser => guesser.Dispose());
        return measured.Add(Guesses, guessers.Sum(guesser => guesser.Answered) / Stopwatch.GetElapsedTime(start).TotalSeconds, "1/s");

        void Guess()
        {
            var due = (long)(Stopwatch.GetElapsedTime(start).TotalSeconds * guesses / Connections);
            foreach (var guesser in guessers)
            {
                for (; guesser.Sent < due; guesser.Guess())
                {
                    // the next one
                }

                guesser.Flush();
            }
        }
    }
}
