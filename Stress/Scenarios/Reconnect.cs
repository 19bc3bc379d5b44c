using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Clients lose their connections all the time, come back, and go on from their positions.</summary>
internal sealed class Reconnect : ScenarioVerb
{
    public const string Scenario = "reconnect";
    public const string Told = "told_losses";

    private static readonly TimeSpan LongestRound = TimeSpan.FromMinutes(1);

    private readonly Option<int> _clients = OptionFactory.Whole("--clients", "Clients, each subscribed to one topic.", 5000, 1, 50_000);
    private readonly Option<int> _topics = OptionFactory.Whole("--topics", "Topics; a tenth of them get half of the messages.", 100, 1, 10_000);
    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second, published on schedule.", 1000, 1, 1_000_000);
    private readonly Option<int> _drops = OptionFactory.Whole("--drops", "Clients of a hundred that lose their connection each second.", 10, 0, 100);
    private readonly Option<TimeSpan> _away = OptionFactory.Seconds("--away", "The longest time until a client comes back.", 2);
    private readonly Option<Doors> _door = new("--door")
    {
        Description = "The door by which clients come: at random, if both.",
        HelpName = "ws|sse|both",
        DefaultValueFactory = _ => Doors.Both,
    };

    private readonly Option<TimeSpan> _window = OptionFactory.Seconds("--seconds", "The length of a run.", 20);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "The number of runs.", 1, 1, 1000);
    private readonly Option<int> _seed = OptionFactory.Seed();

    public Reconnect()
        : base(
            Scenario,
            "Is every loss told, and nothing lost or doubled, while a tenth of thousands of clients lose their connection each second?",
            "Each client comes back after a random time and goes on from its position. Busy topics retain less than a client misses in the\n" +
            "longest time, so some losses must be told. The history checker judges each topic, in rounds of at most a minute.",
            compares: false)
    {
        Option[] options = [_clients, _topics, _rate, _drops, _away, _door, _window, _runs, _seed];
        Array.ForEach(options, option => Add(option));
    }

    // The load generator drives all clients with one thread. A pause of it must not make slow consumers of them.
    protected override (string Name, string Value)[] Settings => [("MAX_QUEUE_SIZE", "1000")];

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var seed = parsed.GetValue(_seed);
        var load = new ReconnectLoad(
            parsed.GetValue(_clients),
            parsed.GetValue(_topics),
            parsed.GetValue(_rate),
            parsed.GetValue(_drops) / 100.0,
            parsed.GetValue(_away),
            parsed.GetValue(_door));
        var parameters = new Dictionary<string, double>
        {
            [Names.Connections] = load.Clients,
            [Names.Topics] = load.Topics,
            [Names.Rate] = load.Rate,
            ["drops_per_second"] = load.Share * load.Clients,
            ["away_seconds"] = load.Away.TotalSeconds,
            [Names.Window] = parsed.GetValue(_window).TotalSeconds,
            [Names.Seed] = seed,
        };
        var door = load.Doors.ToString().ToLowerInvariant();
        bench.Repeat(
            new Load(Scenario, $"{load.Clients:N0} clients, {load.Topics} topics, {load.Rate:N0} messages/s, door {door}, seed {seed}", parameters, door),
            parsed.GetValue(_runs),
            run => Once(bench.Lineup.First, load, parsed.GetValue(_window), new Random(seed + run)));
    }

    public static Measured Once(PubSubContender server, ReconnectLoad load, TimeSpan window, Random random)
    {
        var (resumes, told, received, published, seconds) = (0L, 0L, 0L, 0L, 0.0);
        var caughtUp = new Latencies();
        var measured = new Measured();
        for (var left = window; left > TimeSpan.Zero; left -= LongestRound)
        {
            using var round = new ReconnectRound(server, load, random);
            round.Gather();
            var cpu = new CpuMeter(server.Cost);
            round.Run(left < LongestRound ? left : LongestRound);
            cpu.Stop();
            cpu.AddTo(measured);
            (resumes, received) = (resumes + round.Resumes, received + round.Received);
            seconds += cpu.Window.TotalSeconds;
            round.Judge();
            (told, published) = (told + round.Told, published + round.Published);
            caughtUp.Add(round.ToCaughtUp);
            Progress.Say($"{Scenario}: {seconds:0} s judged, {resumes:N0} resumes, {told:N0} losses told");
        }

        return measured
            .Add("resumes", resumes / seconds, "1/s", Measured.More)
            .Add(Names.Deliveries, received / seconds, "1/s")
            .Add(Names.Published, published, "messages")
            .Add(Told, told, "losses")
            .Add("connect_to_caught_up", caughtUp);
    }
}
