using System.CommandLine;
using System.Globalization;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary><c>run</c>: probes a target, runs the scenarios, writes the reports; the exit status is the verdict.</summary>
internal sealed class RunCommand
{
    private const string Description =
        """
        Tests a server and reports, requirement by requirement.

        Exit status: 0 nothing violated, 1 a requirement is violated, 2 wrong usage, 3 unreachable or not this protocol, 4 the suite
        itself erred, 5 an expectation went stale, 6 not evaluated (the target was lost, time ran out, a binding requirement could not be
        decided), 130 cancelled. If there was a run, its reports are written, with any status.

        A server that dies violates PS-ROB-001. With --launch or --restart it is started again, the scenario that kills it is found, and
        the run goes on without that scenario.

        Examples:
          pubsub-conformance run --url http://localhost:8080
          pubsub-conformance run --url https://example.net/pubsub --header-env X-API-Key=API_KEY --out results
          pubsub-conformance run --url ws://localhost:9000/ws --include 'PS-RPL-*' --repeat 10 --seed 1
          pubsub-conformance run --launch './my-server' --allow load --out results
          pubsub-conformance run --url http://localhost:8080 --restart 'systemctl restart my-server'
          pubsub-conformance run --url http://node1:8080 --url http://node2:8080
        """;

    private const int LongestDeadline = 24 * 60;

    private readonly TargetOptions _target = new();
    private readonly Option<string?> _launch = CommandLine.Text(
        "--launch",
        "Starts servers by this command, as typed in a shell, for requirements about settings and signals; the port is in PORT. "
            + "Without --url the run tests such a server.",
        "COMMAND");

    private readonly Option<int?> _nodes = CommandLine.OptionalWhole(
        "--nodes",
        "How many processes are one server of --launch. {port} and {node} in the command are those of each process, and {server} is a "
            + "number that the processes of one server share.",
        1,
        Target.MostDoors);

    private readonly Option<string?> _restart = CommandLine.Text(
        "--restart", "Run in a shell when the server of --url has died, to start it again.", "COMMAND");

    private readonly Option<string[]> _include = CommandLine.Texts(
        "--include",
        "Only what fits: a scenario, a requirement, an area (RPL) or a profile (replay), with * and ?. @FILE holds one a line.",
        "PATTERN");

    private readonly Option<string[]> _exclude = CommandLine.Texts("--exclude", "Leaves out what fits.", "PATTERN");
    private readonly Option<string[]> _known = CommandLine.Texts(
        "--known-failing",
        "Scenarios that fit still run, and may fail. If one passes, or none fits, the exit status is 5.",
        "FILE");

    private readonly Option<bool> _strict = CommandLine.Flag("--strict", "Treats every SHOULD as a MUST.");
    private readonly Option<string[]> _allow = CommandLine.Texts(
        "--allow", "load: also runs scenarios that put the server under load (slow consumers, floods, many connections).", "load");

    private readonly Option<bool> _exclusive = CommandLine.Flag(
        "--exclusive",
        "No other client uses the target: asserts its totals as well. A server that --launch started for the run is exclusive anyway.");

    private readonly Option<int?> _parallel = CommandLine.OptionalWhole(
        "--parallel",
        $"Scenarios at one time; {RunOptions.UsualParallel} by default, and more where the target is far away.",
        1,
        RunOptions.MostParallel);

    private readonly Option<int> _repeat = CommandLine.Whole(
        "--repeat", "How often the whole set is run.", 1, 1, RunOptions.MostRepetitions);

    private readonly Option<int?> _seed = CommandLine.OptionalWhole(
        "--seed", "Shuffles the order; the same seed gives the same order.", 0, int.MaxValue);

    private readonly Option<int> _deadline = CommandLine.Whole(
        "--deadline", "Ends the run after this many minutes.", 30, 1, LongestDeadline);

    private readonly Option<string?> _out = CommandLine.Text(
        "--out", "Writes results.json, report.html, junit.xml, summary.md, badge.json and transcripts.jsonl here.", "FOLDER");

    private readonly Option<string> _transcripts = CommandLine.Choice(
        "--transcripts", "Which scenarios' transcripts are kept.", "failed", "failed", "all", "none");

    private readonly Option<bool> _quiet = CommandLine.Flag("--quiet", "No progress, and of the summary only the conclusion.");
    private readonly Option<bool> _verbose = CommandLine.Flag("--verbose", "Describes every warning in full too.");
    private readonly Option<bool> _plain = CommandLine.Flag("--no-color", "No colours.");

    public static Command Create()
    {
        var run = new RunCommand();
        var command = new Command("run", Description);
        run._target.AddTo(command);
        run._allow.AcceptOnlyFromAmong("load");
        Option[] options =
        [
            run._launch, run._nodes, run._restart, run._include, run._exclude, run._known, run._strict, run._allow, run._exclusive,
            run._parallel, run._repeat, run._seed, run._deadline, run._out, run._transcripts, run._quiet, run._verbose, run._plain,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction(run.ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = Options(parsed);
        var redaction = _target.Redaction(parsed);
        var reports = parsed.GetValue(_out) is { } folder ? ReportFolder.Open(folder) : null;
        if (Run.Chosen(Catalogue.Embedded, All.Scenarios, options).Count == 0)
        {
            throw new WrongUsage($"Nothing is left to run. {string.Join(". ", Reasons(options))}".Trim());
        }

        var others = _target.Others(parsed);
        var launcher = Launcher(parsed);
        await using var own = launcher is not null && !_target.HasUrl(parsed) ? new LaunchedTarget(launcher) : null;
        if (own is not null)
        {
            await LaunchAsync(own, redaction, cancellation);
        }

        using var command = own is null && parsed.GetValue(_restart) is { Length: > 0 } restart ? new RestartCommand(restart) : null;
        using var journal = new Journals(_target.Namespace(parsed));
        var probing = _target.Read(parsed, own?.Server.Target.Root);
        journal.Begin(probing.Url);
        var started = TimeProvider.System.GetUtcNow();
        var probe = new GuardedProbe(
            (found, token) => TargetOptions.ProbeAsync(found, journal.Names, redaction, token),
            (IRestart?)own ?? command,
            options.SupervisorPatience);
        var probed = TargetOptions.WithDoors(
            await probe.ExecuteAsync(probing, cancellation: cancellation), own is null ? others : own.Server.Target.Others);
        var setup = new RunSetup
        {
            Catalogue = Catalogue.Embedded,
            Scenarios = All.Scenarios,
            Probed = probed,
            Options = options,
            Redaction = redaction,
            Names = journal.Names,
            Launch = launcher is null ? null : launcher.LaunchAsync,
            LaunchNodes = launcher is { HasNodes: true } ? launcher.LaunchNodesAsync : null,
            Restart = (IRestart?)own ?? command,
            EarlierDeaths = probe.Deaths,
        };
        if (probe.Ending is { } ending)
        {
            return Report(Run.Unbegun(setup, ending, started), parsed, reports, journal);
        }

        await CheckDoorsAsync(probed.Target, redaction, cancellation);
        if (launcher is not null)
        {
            launcher.Like = probed.Target;
        }

        var quiet = parsed.GetValue(_quiet);
        if (!quiet)
        {
            await Console.Error.WriteLineAsync(Findings.Describe(probed, redaction));
            await Console.Error.WriteLineAsync(Budget(options, options.AtOnce(probed.Target.Distance)));
            await Console.Error.WriteAsync(NotJudged(setup));
        }

        var terminal = new Terminal(quiet, parsed.GetValue(_plain));
        var results = await new Run(setup with { Progress = terminal }).ExecuteAsync(cancellation);
        terminal.Done();
        return Report(results, parsed, reports, journal);
    }

    private int Report(Results results, ParseResult parsed, ReportFolder? reports, Journals journal)
    {
        // The verdict comes first: writing the reports may fail.
        Tell(results, parsed, reports, journal);
        ReportFolder.AppendStepSummary(results);
        reports?.Write(results);
        return results.Conclusion.ExitCode;
    }

    private static IEnumerable<string> Reasons(RunOptions options)
    {
        var loads = Run.Chosen(Catalogue.Embedded, All.Scenarios, options with { AllowLoad = true }).Count;
        return options.Selection.Idle(All.Scenarios, Catalogue.Embedded)
            .Concat(loads > 0 ? [$"What fits ({loads}) puts the server under load, which needs --allow load"] : []);
    }

    private Launcher? Launcher(ParseResult parsed)
    {
        var nodes = parsed.GetValue(_nodes);
        return parsed.GetValue(_launch) is { Length: > 0 } launch ? new Launcher(launch, nodes ?? 1, _target.Patience(parsed))
            : nodes is null ? null
            : throw new WrongUsage("--nodes needs --launch, which starts them.");
    }

    /// <summary>Requires an answer at the doors that the probe did not ask.</summary>
    private static async Task CheckDoorsAsync(Target target, Redaction redaction, CancellationToken cancellation)
    {
        foreach (var door in target.Doors.Skip(1))
        {
            if (await new Pulse(door, TimeProvider.System).MissingAsync(cancellation) is { } missing)
            {
                throw new Unreachable(redaction.Clean($"Door {door.Door} ({door.WebSocket.Authority}): {missing.How}"));
            }
        }
    }

    /// <summary>One line for each requirement that is not judged over several nodes.</summary>
    private static string NotJudged(RunSetup setup) => setup.LaunchNodes is null && setup.Probed.Target.Others.Count == 0
        ? ""
        : string.Concat(OneNode.Reasons.Select(one => $"{one.Key} is not judged over several nodes: {one.Value}.\n"));

    private static async Task LaunchAsync(LaunchedTarget own, Redaction redaction, CancellationToken cancellation)
    {
        try
        {
            await own.StartAsync(cancellation);
        }
        catch (Inconclusive inconclusive)
        {
            throw new Unreachable(redaction.Clean($"--launch: {inconclusive.Message}"));
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new WrongUsage($"--launch cannot be started: {e.Message}");
        }
    }

    private RunOptions Options(ParseResult parsed) => new()
    {
        Selection = new Selection
        {
            Include = Patterns(parsed.GetValue(_include)!, "--include"),
            Exclude = Patterns(parsed.GetValue(_exclude)!, "--exclude"),
            KnownFailing =
            [
                .. parsed.GetValue(_known)!.SelectMany(path =>
                    Selection.Parse(CommandLine.ReadFile(path.TrimStart('@'), "--known-failing").Split('\n'))),
            ],
        },
        Parallel = parsed.GetValue(_parallel),
        Repeat = parsed.GetValue(_repeat),
        Seed = parsed.GetValue(_seed),
        AllowLoad = parsed.GetValue(_allow)!.Contains("load"),
        Exclusive = parsed.GetValue(_exclusive) || (parsed.GetValue(_launch) is { Length: > 0 } && !_target.HasUrl(parsed)),
        Strict = parsed.GetValue(_strict),
        Deadline = TimeSpan.FromMinutes(parsed.GetValue(_deadline)),
        Transcripts = Enum.Parse<KeptTranscripts>(parsed.GetValue(_transcripts)!, ignoreCase: true),
        Described = parsed.CommandResult.Command.Options
            .Where(option => parsed.GetResult(option) is { Implicit: false })
            .ToDictionary(option => option.Name.TrimStart('-'), option => Given(parsed, option)),
    };

    private static string Given(ParseResult parsed, Option option)
    {
        var values = parsed.GetResult(option)!.Tokens.Select(token => token.Value).ToList();
        return option.Name switch
        {
            // Only the names of headers and parameters are reported: their values may be secrets.
            "--header" => string.Join(", ", values.Select(value => value.Split(':')[0])),
            "--query" => string.Join(", ", values.Select(value => value.Split('=')[0])),
            "--redact" => $"{values.Count}",
            _ => values.Count == 0 ? "true" : string.Join(", ", values),
        };
    }

    private static List<Pattern> Patterns(IEnumerable<string> texts, string option) =>
    [
        .. Selection.Parse(texts.SelectMany(text => text.StartsWith('@') ? CommandLine.ReadFile(text[1..], option).Split('\n') : [text])),
    ];

    private static string Budget(RunOptions options, int atOnce)
    {
        var chosen = Run.Chosen(Catalogue.Embedded, All.Scenarios, options);
        var load = chosen.Count(scenario => scenario.IsLoad);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{chosen.Count} scenarios, {atOnce} at one time; each opens at most {Scenario.UsualConnections} connections ")
            + $"and moves at most {Scenario.UsualBytes / 1024 / 1024} MiB"
            + (load > 0 ? $", except for {load} that put the server under load, as allowed." : ". Load is not allowed.");
    }

    private void Tell(Results results, ParseResult parsed, ReportFolder? reports, Journals journal)
    {
        var colour = Terminal.WantsColour(parsed.GetValue(_plain));
        Console.WriteLine(parsed.GetValue(_quiet)
            ? results.Conclusion.Message
            : Reports.Story.Render(results, Terminal.Width, colour, parsed.GetValue(_verbose)).TrimEnd());
        if (reports is not null && !parsed.GetValue(_quiet))
        {
            Console.WriteLine($"Reports: {reports.Path}");
        }

        if (results.Leftovers.Count > 0)
        {
            Console.Error.WriteLine(
                $"{results.Leftovers.Count} topics could not be deleted. Later: pubsub-conformance cleanup --journal {journal.Path}");
        }
    }
}
