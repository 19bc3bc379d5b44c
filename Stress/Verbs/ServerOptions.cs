using System.CommandLine;
using System.Globalization;
using PubSub.Conformance.Targets;
using PubSub.Stress.Contenders;

namespace PubSub.Stress.Verbs;

/// <summary>The options that name the servers to measure: ours or another of the protocol, and the peers of a verb that compares.</summary>
internal sealed class ServerOptions
{
    private const string Peers = "nats, nats-tcp, redis, mosquitto";
    private const string Unnamed = "";

    private readonly Option<string?> _url = OptionFactory.Text(
        "--url", "A running server, instead of one started here; the URL includes the server's path prefix, if any.", "URL");

    private readonly Option<string?> _server = OptionFactory.Text(
        "--server", "The executable or .dll to start instead of a build of Host; it is started with PORT=0.", "PATH");

    private readonly Option<bool> _aot = OptionFactory.Flag("--aot", "Builds Host with Native AOT instead of for the JIT.");
    private readonly Option<string[]> _set = OptionFactory.Texts("--set", "A setting of the server that is started.", "NAME=VALUE");

    private readonly Option<string[]> _dialect = OptionFactory.Texts(
        "--dialect", "v1, classic or a dialect file, for --url or for the server that --against calls NAME.", "[NAME=]DIALECT");

    private readonly Option<string[]> _pid = OptionFactory.Texts(
        "--pid", "The server's process on this machine, for CPU and memory, for --url or for a URL of --against.", "[NAME=]PID");

    private readonly Option<string[]> _against = OptionFactory.Texts(
        "--against",
        $"A peer to compare with, if it is installed ({Peers}), limit (a broker in C, compiled here), all of these; sse (the same " +
        "server, with subscribers by Server-Sent Events); or another server of the protocol: NAME=URL, or " +
        "NAME=COMMAND, which is started with a free port in PORT.",
        "SERVER");

    private readonly bool _compares;
    private HostBuild? _build;

    public ServerOptions(Command command, bool compares)
    {
        _compares = compares;
        Option[] options = [_url, _server, _aot, _set, _dialect, _pid];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        if (compares)
        {
            command.Options.Add(_against);
        }
    }

    /// <summary>The server under test is a build of Host, made here.</summary>
    public bool IsOurs(ParseResult parsed) => parsed.GetValue(_url) is null && parsed.GetValue(_server) is null;

    /// <summary>Starts the servers.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="settings">Settings of the servers started here; --set overrides them.</param>
    /// <param name="peers">Peers that take part whether or not --against names them.</param>
    /// <param name="keeper">Owns the build beyond this lineup; without one the lineup owns it.</param>
    /// <param name="others">True if the servers that --against names take part too.</param>
    public Lineup Open(
        ParseResult parsed,
        (string Name, string Value)[] settings,
        IReadOnlyList<string>? peers = null,
        Lineup? keeper = null,
        bool others = true)
    {
        var lineup = new Lineup();
        try
        {
            var all = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
            foreach (var (name, value) in Pairs(parsed.GetValue(_set)!, "--set"))
            {
                all[name] = value;
            }

            lineup.Add(First(parsed, keeper ?? lineup, all));
            var named = _compares && others ? parsed.GetValue(_against)!.SelectMany(Names) : [];
            foreach (var peer in (peers ?? []).Concat(named).Distinct())
            {
                Add(lineup, peer, parsed);
            }

            return lineup;
        }
        catch
        {
            lineup.Dispose();
            throw;
        }
    }

    private PubSubContender First(ParseResult parsed, Lineup keeper, Dictionary<string, string> settings)
    {
        const string name = "pubsub";
        var dialect = DialectOf(parsed, Unnamed);
        if (parsed.GetValue(_url) is { } url)
        {
            return parsed.GetValue(_server) is null && !parsed.GetValue(_aot) && parsed.GetValue(_set)!.Length == 0
                ? new PubSubContender(name, url, Url(url, "--url"), dialect, Pid(parsed, Unnamed))
                : throw new UsageError("--url names a running server: --server, --aot and --set cannot apply to it");
        }

        if (parsed.GetValue(_server) is { } server)
        {
            return File.Exists(server)
                ? Servers.Start(name, server, settings, dialect)
                : throw new UsageError($"--server {server}: no such file");
        }

        _build ??= keeper.Own(new HostBuild(parsed.GetValue(_aot)));
        return Servers.Start(name, _build.Executable, settings, dialect);
    }

    private static IEnumerable<string> Names(string peer) => peer switch
    {
        "all" => ["nats", "nats-tcp", "redis", "mosquitto", "limit"],
        _ when peer.Contains('=', StringComparison.Ordinal) => [peer],
        _ => peer.Split(','),
    };

    private void Add(Lineup lineup, string peer, ParseResult parsed)
    {
        var reason = "";
        switch (peer)
        {
            case "nats" or "nats-tcp":
                AddPeer(lineup, peer, "nats-server", path => new NatsContender(peer, path, webSocket: peer == "nats"));
                break;
            case "redis":
                AddPeer(lineup, peer, RedisServer.Program, path => new RedisContender(peer, path));
                break;
            case "mosquitto":
                AddPeer(lineup, peer, "mosquitto", path => new MosquittoContender(peer, path));
                break;
            case "sse":
                lineup.Add(new StreamContender(lineup.First));
                break;
            case "limit" when LimitBuild.TryCompile(out reason) is { } limit:
                lineup.Own(limit);
                var contender = Servers.Start(peer, limit.Executable, new Dictionary<string, string>(), Dialect.V1);
                lineup.Add(contender, $"Stress/Limit/broker.c by {limit.Compiler}");
                break;
            case "limit":
                lineup.AddAbsent(peer, reason);
                break;
            case var _ when peer.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } where]:
                lineup.Add(where.StartsWith("http://", StringComparison.Ordinal)
                    ? new PubSubContender(name, where, Url(where, "--against"), DialectOf(parsed, name), Pid(parsed, name))
                    : Servers.Command(name, where, DialectOf(parsed, name)));
                break;
            default:
                throw new UsageError($"--against {peer}: expected {Peers}, limit, sse, all, NAME=URL or NAME=COMMAND");
        }
    }

    private static void AddPeer(Lineup lineup, string name, string program, Func<string, IContender> start)
    {
        if (Programs.Find(program) is { } path)
        {
            lineup.Add(start(path));
        }
        else
        {
            lineup.AddAbsent(name, $"{program} is not installed");
        }
    }

    private Dialect DialectOf(ParseResult parsed, string server) =>
        Value(parsed.GetValue(_dialect)!, server) switch
        {
            null => Dialect.V1,
            var known when Dialect.Known.FirstOrDefault(dialect => dialect.Name == known) is { } dialect => dialect,
            var file when File.Exists(file) => Parse(file),
            var other => throw new UsageError(
                $"--dialect {other}: expected {string.Join(", ", Dialect.Known.Select(d => d.Name))} or a file"),
        };

    private static Dialect Parse(string file)
    {
        try
        {
            return Dialect.Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is InvalidDataException or System.Text.Json.JsonException)
        {
            throw new UsageError($"--dialect {file}: {e.Message}");
        }
    }

    private int? Pid(ParseResult parsed, string server) =>
        Value(parsed.GetValue(_pid)!, server) switch
        {
            null => null,
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) => pid,
            var text => throw new UsageError($"--pid {text}: expected the number of a process"),
        };

    // The value given with this server's name; the first server's values have no name.
    private static string? Value(string[] values, string server) =>
        values.Select(value => value.Split('=', 2) is [var name, var rest] ? (name, rest) : (name: Unnamed, rest: value))
            .Where(pair => pair.name == server)
            .Select(pair => pair.rest)
            .LastOrDefault();

    /// <summary>Reads NAME=VALUE, the values of an option.</summary>
    public static IEnumerable<(string Name, string Value)> Pairs(string[] values, string option) =>
        values.Select(value => value.Split('=', 2) is [var name, var rest]
            ? (name, rest)
            : throw new UsageError($"{option} {value}: expected NAME=VALUE"));

    private static Uri Url(string text, string option) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == "http"
            ? url
            : throw new UsageError($"{option} {text}: expected http://HOST:PORT");
}
