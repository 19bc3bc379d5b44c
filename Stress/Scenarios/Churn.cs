using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>
/// Clients subscribe, unsubscribe, publish, leave and come back, and topics are created and deleted, all at once over a few topics.
/// </summary>
internal sealed class Churn : ScenarioVerb
{
    public const string Scenario = "churn";

    private const int MostLastN = 100;
    private const double ChangesPerSecond = 20; // topics created or deleted
    private static readonly TimeSpan ChangeTimeout = TimeSpan.FromSeconds(20);

    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Connections that come and go.", 20, 1, 1000);
    private readonly Option<int> _publishers = OptionFactory.Whole("--publishers", "Connections that publish.", 3, 1, 100);
    private readonly Option<int> _topics = OptionFactory.Whole("--topics", "Topics.", 4, 1, 100);
    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second, at most.", 2000, 1, 1_000_000);
    private readonly Option<int> _churn = OptionFactory.Whole("--churn", "Subscribes and unsubscribes per second.", 500, 0, 100_000);
    private readonly Option<TimeSpan> _window = OptionFactory.Seconds("--seconds", "The length of a run.", 10);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "The number of runs.", 3, 1, 1000);
    private readonly Option<int> _seed = OptionFactory.Seed();

    public Churn()
        : base(
            Scenario,
            "Does every promise hold while clients subscribe, unsubscribe and leave, and topics are created and deleted, under publishing?",
            "All requests, answers and events are recorded and judged by the history checker of the conformance suite. The server may\n" +
            "not cut any client: no more is outstanding than a server with default settings allows.",
            compares: false)
    {
        Option[] options = [_subscribers, _publishers, _topics, _rate, _churn, _window, _runs, _seed];
        Array.ForEach(options, option => Add(option));
    }

    // A deletion then does not end connections, so more clients stay to be checked. Other servers may close them.
    protected override (string Name, string Value)[] Settings => [("TOPIC_DELETION", "unsubscribe")];

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var seed = parsed.GetValue(_seed);
        var load = new ChurnLoad(
            parsed.GetValue(_subscribers),
            parsed.GetValue(_publishers),
            parsed.GetValue(_topics),
            parsed.GetValue(_rate),
            parsed.GetValue(_churn),
            parsed.GetValue(_window));
        var parameters = new Dictionary<string, double>
        {
            [Names.Subscribers] = load.Subscribers,
            [Names.Publishers] = load.Publishers,
            [Names.Topics] = load.Topics,
            [Names.Rate] = load.Rate,
            ["churn"] = load.Churn,
            [Names.Window] = load.Window.TotalSeconds,
            [Names.Seed] = seed,
        };
        bench.Repeat(
            new Load(
                Scenario,
                $"{load.Subscribers:N0} subscribers, {load.Publishers} publishers, {load.Topics} topics, seed {seed}",
                parameters),
            parsed.GetValue(_runs),
            run => Once(bench.Lineup.First, load, new Random(seed + run)));
    }

    public static Measured Once(PubSubContender server, ChurnLoad load, Random random)
    {
        var topics = Enumerable.Range(0, load.Topics).Select(_ => $"churn-{Guid.NewGuid():N}").ToArray();
        using var loop = new Loop();
        using var recorded = new RecordedLoad(loop, server, topics, load.Publishers, random);
        for (var n = 0; n < load.Subscribers; n++)
        {
            recorded.Admit();
        }

        var changes = new TopicChanges(server, recorded.History, topics);
        var (acts, broken) = (0L, 0L);
        var leaving = new HashSet<RecordedClient>();
        var cpu = new CpuMeter(server.Cost);
        var start = Stopwatch.GetTimestamp();
        recorded.Run(load.Window, load.Rate, () =>
        {
            var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            for (; acts < elapsed * load.Churn; acts++)
            {
                broken += Act(recorded, leaving, random) ? 1 : 0;
            }

            changes.Keep(elapsed * ChangesPerSecond, random);
            LetGo(recorded, leaving);
            Replace(recorded);
        });
        cpu.Stop();
        loop.Until(() => changes.IsIdle, ChangeTimeout, "for topics to be created and deleted");
        recorded.Drain();
        Replace(recorded);
        recorded.Judge();
        changes.Restore();
        Array.ForEach(topics, server.DeleteTopic);

        var measured = new Measured()
            .Add(Names.Published, recorded.Published, "messages")
            .Add(Names.Received, recorded.Received, "events")
            .Add("subscribes_and_unsubscribes", acts, "requests")
            .Add("topics_created_or_deleted", changes.Count, "requests")
            .Add("broken_off", broken, "connections");
        cpu.AddTo(measured);
        return measured;
    }

    /// <summary>Lets one member subscribe or unsubscribe; one in fifty leaves instead, half of them by a reset.</summary>
    /// <returns>Whether it left by a reset.</returns>
    public static bool Act(RecordedLoad recorded, HashSet<RecordedClient> leaving, Random random)
    {
        var member = recorded.Members[random.Next(recorded.Members.Count)];
        var topic = recorded.Topics[random.Next(recorded.Topics.Length)];
        if (!member.IsOpen || member.Ending is not null || leaving.Contains(member))
        {
            return false;
        }

        switch (random.Next(100))
        {
            case 0:
                member.BreakOff();
                recorded.Dismiss(member);
                recorded.Admit();
                return true;
            case 1:
                foreach (var subscribed in member.Topics.ToArray())
                {
                    member.Unsubscribe(subscribed);
                }

                leaving.Add(member);
                break;
            case var _ when member.Topics.Contains(topic):
                member.Unsubscribe(topic);
                break;
            default:
                member.Subscribe(topic, random.Next(2) == 0 ? 0 : random.Next(MostLastN + 1));
                break;
        }

        member.Flush();
        return false;
    }

    /// <summary>Ends the members that have unsubscribed from everything. Once that is answered, they are owed no more events.</summary>
    public static void LetGo(RecordedLoad recorded, HashSet<RecordedClient> leaving)
    {
        foreach (var member in leaving.Where(member => member.IsIdle || member.Ending is not null).ToArray())
        {
            leaving.Remove(member);
            if (member.Ending is null)
            {
                member.Leave();
                recorded.Dismiss(member);
                recorded.Admit();
            }
        }
    }

    // The server may end the connection of a member whose topic was deleted, and no other.
    private static void Replace(RecordedLoad recorded)
    {
        foreach (var member in recorded.Members.Where(member => member.Ending is not null).ToArray())
        {
            if (!member.SawDeletion)
            {
                throw new RunFailed($"the server ended the connection of a subscriber that reads: {member.Ending}");
            }

            member.Dispose();
            recorded.Dismiss(member);
            recorded.Admit();
        }
    }
}

internal sealed record ChurnLoad(int Subscribers, int Publishers, int Topics, double Rate, double Churn, TimeSpan Window);
