using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary>The options that say where the target is and how to connect to it.</summary>
internal sealed class TargetOptions
{
    private readonly Option<Uri[]> _urls = CommandLine.Urls(
        "--url",
        "The server: an origin (http://localhost:8080), with a path if it has one, or its WebSocket URL. Given again, a further door of "
            + "the same server, such as another node.",
        Target.MostDoors,
        "http",
        "https",
        "ws",
        "wss");

    private readonly Option<string?> _file = CommandLine.Text(
        "--target", "What its owner declares about the server; 'probe --write FILE' makes one.", "FILE");

    private readonly Option<Uri?> _rest = CommandLine.Url(
        "--rest-url", "The root of the REST interface, instead of looking for it.", "http", "https");

    private readonly Option<Uri?> _health = CommandLine.Url("--health-url", "Where /health is, if not beside /topics.", "http", "https");
    private readonly Option<Uri?> _stats = CommandLine.Url("--stats-url", "Where /stats is, if not beside /topics.", "http", "https");
    private readonly Option<Uri?> _metrics = CommandLine.Url(
        "--metrics-url", "Where the metrics are, if not /metrics at the root.", "http", "https");

    private readonly Option<Uri?> _socket = CommandLine.Url("--ws-url", "The WebSocket, instead of looking for it.", "ws", "wss");
    private readonly Option<string[]> _prefixes = CommandLine.Texts(
        "--prefix", "A further path to look under, such as /pubsub/v1. May be given again.", "PATH");

    private readonly Option<string?> _dialect = CommandLine.Text(
        "--dialect", "v1, classic, or a dialect file, instead of the dialect that the probe finds.", "NAME|FILE");

    private readonly Option<string[]> _headers = CommandLine.Texts(
        "--header", "Sent with every request and handshake. May be given again.", "'NAME: VALUE'");

    private readonly Option<string[]> _headersFrom = CommandLine.Texts(
        "--header-env", "As --header, with the value of an environment variable. May be given again.", "NAME=VARIABLE");

    private readonly Option<string[]> _query = CommandLine.Texts(
        "--query", "Added to every request's URL. May be given again.", "NAME=VALUE");

    private readonly CredentialOptions _credentials = new();

    private readonly Option<string?> _origin = CommandLine.Text(
        "--origin", "The Origin header of WebSocket handshakes, as a browser sends it.", "ORIGIN");

    private readonly Option<string?> _authority = CommandLine.Text(
        "--ca", "A PEM file of certificate authorities to trust beside the machine's own.", "FILE");

    private readonly Option<bool> _insecure = CommandLine.Flag("--insecure", "Trusts any certificate.");
    private readonly Option<string?> _client = CommandLine.Text(
        "--client-cert", "A PEM file with a certificate and its key, for servers that ask for one.", "FILE");

    private readonly Option<string[]> _redact = CommandLine.Texts(
        "--redact", "A regular expression; text that it matches is removed from all output. May be given again.", "REGEX");

    private readonly Option<string> _namespace = new("--namespace")
    {
        Description = $"How the names of the suite's topics begin: letters, digits and _, at most {TopicNames.LongestPrefix}.",
        HelpName = "PREFIX",
        DefaultValueFactory = _ => TopicNames.UsualPrefix,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Count == 1 && !TopicNames.IsPrefix(result.Tokens[0].Value))
                {
                    result.AddError(
                        $"--namespace must be 1 to {TopicNames.LongestPrefix} letters, digits or _, but is '{result.Tokens[0].Value}'.");
                }
            },
        },
    };

    private readonly Option<double> _scale = CommandLine.Factor(
        "--timeout-scale", "Multiplies every wait, on top of what the target's own round trips call for.", 1, 0.1, 100);

    public void AddTo(Command command)
    {
        Option[] options =
        [
            _urls, _file, _rest, _socket, _health, _stats, _metrics, _prefixes, _dialect, _headers, _headersFrom, .. _credentials.All,
            _query, _origin, _authority, _insecure, _client, _scale, _namespace, _redact,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    public string Namespace(ParseResult parsed) => parsed.GetValue(_namespace)!;

    public bool HasUrl(ParseResult parsed) => Urls(parsed).Count > 0 || File(parsed)?.Url is not null;

    /// <summary>The doors of <c>--url</c>; empty if there is none.</summary>
    public IReadOnlyList<Uri> Urls(ParseResult parsed) => parsed.GetValue(_urls)!;

    /// <summary>The doors of <c>--url</c> behind the first.</summary>
    /// <exception cref="WrongUsage">They do not have the same paths, or an option names one place for all of them.</exception>
    public IReadOnlyList<Uri> Others(ParseResult parsed)
    {
        var urls = Urls(parsed);
        if (urls.Count < 2)
        {
            return [];
        }

        if (urls.FirstOrDefault(url => url.AbsolutePath.TrimEnd('/') != urls[0].AbsolutePath.TrimEnd('/')) is { } other)
        {
            throw new WrongUsage($"Every --url must have the same path, because they are doors of one server, but {other} has another.");
        }

        Option<Uri?>[] places = [_rest, _socket, _health, _stats, _metrics];
        return places.FirstOrDefault(option => parsed.GetValue(option) is not null) is { } place
            ? throw new WrongUsage($"{place.Name} names one place, but there are {urls.Count} doors. Leave it out, or give one --url.")
            : [.. urls.Skip(1)];
    }

    /// <summary>The probed server with the other doors, each with the paths that the first has.</summary>
    /// <exception cref="WrongUsage">Some of its interfaces are not at the door.</exception>
    public static ProbedTarget WithDoors(ProbedTarget probed, IReadOnlyList<Uri> others)
    {
        var target = probed.Target;
        Uri?[] places = [target.Rest, target.WebSocket, target.Health, target.Stats, target.Metrics];
        return others.Count > 0 && places.FirstOrDefault(place => place is not null && place.Authority != probed.Url.Authority) is { } away
            ? throw new WrongUsage($"With several doors each must have all interfaces, but {probed.Url} has {away}. Give one --url.")
            : probed with { Target = target with { Others = others } };
    }

    /// <summary>Merges the command line and the target file; the command line wins.</summary>
    /// <param name="launched">Where the suite's own launcher has started the server, if it did.</param>
    public ProbeOptions Read(ParseResult parsed, Uri? launched = null)
    {
        var file = File(parsed);
        var url = (Urls(parsed) is [var first, ..] ? first : launched ?? file?.Url)
            ?? throw new WrongUsage("Which server? Name it with --url URL, or with --target FILE.");

        // The file's places are those of the server at the file's own URL. At another URL the probe looks for them.
        var places = file?.Url is { } home && home != url ? null : file;
        return new ProbeOptions
        {
            Url = url,
            Rest = parsed.GetValue(_rest) ?? places?.Rest,
            WebSocket = parsed.GetValue(_socket) ?? places?.WebSocket,
            Health = parsed.GetValue(_health) ?? places?.Health,
            Stats = parsed.GetValue(_stats) ?? places?.Stats,
            Metrics = parsed.GetValue(_metrics) ?? places?.Metrics,
            Credentials = _credentials.Read(parsed, file?.Credentials, FolderOfTarget(parsed)),
            Prefixes = parsed.GetValue(_prefixes)!,
            Dialect = Dialect(parsed, file),
            UuidsOnly = file?.MessageIds is { } ids ? ids == "uuid" : null,
            Timestamp = file?.Timestamp,
            Uptime = file?.Uptime,
            Overflow = file?.Overflow,
            Accommodations = Accommodations(file),
            Limits = file?.Limits,
            Capabilities = file?.Capabilities,
            Headers = Headers(parsed),
            Query = Query(parsed),
            Origin = parsed.GetValue(_origin),
            Tls = Tls(parsed),
            TimeoutScale = parsed.GetValue(_scale),
        };
    }

    /// <summary>The timeouts for a server whose round trips have not been measured.</summary>
    public Timeouts Patience(ParseResult parsed) => new Timeouts().For(TimeSpan.Zero, parsed.GetValue(_scale));

    /// <summary>Finds the target.</summary>
    /// <exception cref="Unreachable">It cannot be found; the message holds no secret.</exception>
    public static async Task<ProbedTarget> ProbeAsync(
        ProbeOptions options, TopicNames names, Redaction redaction, CancellationToken cancellation)
    {
        try
        {
            return await StallWatch.OfProcess.UnstalledAsync(
                () => Probe.ExecuteAsync(options, names, cancellation: cancellation), cancellation);
        }
        catch (Unreachable unreachable)
        {
            throw new Unreachable(redaction.Clean(unreachable.Message));
        }
    }

    public Redaction Redaction(ParseResult parsed)
    {
        try
        {
            var secrets = Headers(parsed);
            foreach (var (name, value) in Accommodations(File(parsed))?.Secrets ?? new Dictionary<string, string>())
            {
                secrets.TryAdd(name, value);
            }

            foreach (var (name, secret) in
                _credentials.Read(parsed, File(parsed)?.Credentials, FolderOfTarget(parsed))?.Secrets ?? [])
            {
                secrets.TryAdd(name, secret);
            }

            return new Redaction(secrets, Query(parsed), parsed.GetValue(_redact));
        }
        catch (ArgumentException e)
        {
            throw new WrongUsage($"--redact is no regular expression: {e.Message}");
        }
    }

    private static Accommodations? Accommodations(TargetFile? file) => file?.Accommodations is { } wants
        ? wants with
        {
            Secrets = wants.Variables.ToDictionary(name => name, name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
                ? value
                : throw new WrongUsage(
                    $"accommodations.first of --target names ${{{name}}}, but the environment variable {name} is not set, or empty.")),
        }
        : null;

    private TargetFile? File(ParseResult parsed) =>
        parsed.GetValue(_file) is { } path ? CommandLine.ReadFile(path, "--target", TargetFile.Parse) : null;

    /// <summary>The path of the dialect file, relative to the target file; null when the suite itself knows the dialect.</summary>
    public string? DialectFile(ParseResult parsed, string targetFile) =>
        DialectName(parsed, File(parsed)) is { } name && Known(name) is null ? Path.GetRelativePath(FolderOf(targetFile), name) : null;

    private string FolderOfTarget(ParseResult parsed) => parsed.GetValue(_file) is { } file ? FolderOf(file) : ".";

    private static string FolderOf(string file) => Path.GetDirectoryName(Path.GetFullPath(file))!;

    private static Dialect? Known(string name) => Targets.Dialect.Known.FirstOrDefault(dialect => dialect.Name == name);

    // A path in the target file is relative to that file.
    private string? DialectName(ParseResult parsed, TargetFile? file) => parsed.GetValue(_dialect)
        ?? (file?.Dialect is not { } declared ? null
            : Known(declared) is not null ? declared
            : Path.Combine(FolderOf(parsed.GetValue(_file)!), declared));

    private Dialect? Dialect(ParseResult parsed, TargetFile? file)
    {
        if (DialectName(parsed, file) is not { } name)
        {
            return null;
        }

        if (Known(name) is { } known)
        {
            return known;
        }

        return System.IO.File.Exists(name)
            ? CommandLine.ReadFile(name, "--dialect", Targets.Dialect.Parse)
            : throw new WrongUsage(
                $"--dialect must be {string.Join(" or ", Targets.Dialect.Known.Select(dialect => dialect.Name))} or a file, "
                    + $"but there is no file '{name}'.");
    }

    private Dictionary<string, string> Headers(ParseResult parsed)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var text in parsed.GetValue(_headers)!)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                // The message does not quote the text: it may be a secret.
                throw new WrongUsage("--header must be 'Name: value', with a colon between the two.");
            }

            Add(text[..colon].Trim(), text[(colon + 1)..].Trim());
        }

        foreach (var text in parsed.GetValue(_headersFrom)!)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } name, { Length: > 0 } variable])
            {
                throw new WrongUsage($"--header-env must be Name=VARIABLE, but is '{text}'.");
            }

            Add(name, Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
                ? value
                : throw new WrongUsage($"--header-env {text}: the environment variable {variable} is not set, or empty."));
        }

        return headers;

        void Add(string name, string value)
        {
            if (!name.All(letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter, StringComparison.Ordinal))
                || value.Any(letter => letter is '\r' or '\n' or '\0'))
            {
                throw new WrongUsage($"'{name}' and its value cannot be an HTTP header.");
            }

            headers[name] = value;
        }
    }

    private string Query(ParseResult parsed) => string.Join('&', parsed.GetValue(_query)!.Select(text =>
        text.Split('=', 2) is [{ Length: > 0 } name, var value]
            ? $"{Uri.EscapeDataString(name)}={Uri.EscapeDataString(value)}"
            : throw new WrongUsage("--query must be name=value.")));

    private Tls Tls(ParseResult parsed)
    {
        var authorities = new X509Certificate2Collection();
        X509Certificate2? client = null;
        try
        {
            if (parsed.GetValue(_authority) is { } file)
            {
                authorities.ImportFromPem(CommandLine.ReadFile(file, "--ca"));
                if (authorities.Count == 0)
                {
                    throw new WrongUsage($"--ca '{file}' holds no certificate in PEM form.");
                }
            }

            if (parsed.GetValue(_client) is { } own)
            {
                var pem = CommandLine.ReadFile(own, "--client-cert");
                client = X509Certificate2.CreateFromPem(pem, pem);
            }
        }
        catch (CryptographicException e)
        {
            throw new WrongUsage($"A certificate cannot be read: {e.Message}");
        }

        return new Tls { Insecure = parsed.GetValue(_insecure), Authorities = authorities, Client = client };
    }
}
