using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PubSub.Hosting.Connections;
using StackExchange.Redis;

namespace PubSub.Hosting;

/// <summary>
/// What the operator may choose, read once at the start from environment variables (or <c>--NAME value</c>) and validated before the
/// port opens. Every time is in seconds, every size in bytes.
/// </summary>
internal sealed class Settings
{
    private readonly List<string> _faults = [];
    private readonly List<Setting> _all = [];
    private readonly IConfiguration _configuration;

    private Settings(IConfiguration configuration)
    {
        _configuration = configuration;
        Port = Integer("PORT", 8080, 0, 65_535);
        Bind = Address("BIND", "localhost");
        MaxQueueSize = Integer("MAX_QUEUE_SIZE", 100, 1, 1_000_000);
        MaxQueueBytes = Integer("MAX_QUEUE_BYTES", 1024 * 1024, 1024, int.MaxValue);
        MaxMessages = Integer("MAX_MESSAGES", 100, 1, 1_000_000);
        MaxMessageBytes = Integer("MAX_MESSAGE_BYTES", 64 * 1024, 1024, 16 * 1024 * 1024);
        MaxBatchBytes = Integer("MAX_BATCH_BYTES", 1024 * 1024, 1024, 64 * 1024 * 1024);
        MaxTopics = Integer("MAX_TOPICS", 100_000, 1, 100_000_000);
        MaxConnections = Integer("MAX_CONNECTIONS", 20_000, 1, 10_000_000);
        MaxSubscriptions = Integer("MAX_SUBSCRIPTIONS", 1_000, 1, 1_000_000);
        MaxRetainedBytes = Memory("MAX_RETAINED_BYTES", 0);
        MaxOutstandingBytes = Memory("MAX_OUTSTANDING_BYTES", 0);
        TopicDeletion = Choice("TOPIC_DELETION", "disconnect", "unsubscribe");
        AllowedOrigins = List<Origins>("ALLOWED_ORIGINS", "", "origins such as https://app.example", Origins.TryParse);
        AllowedHosts = List<Hosts>("ALLOWED_HOSTS", "", "host names without ports", Hosts.TryParse);
        WriteTimeout = Seconds("WRITE_TIMEOUT", 10, 0.1, 3_600);
        CloseTimeout = Seconds("CLOSE_TIMEOUT", 5, 0.1, 3_600);
        DrainTimeout = Seconds("DRAIN_TIMEOUT", 5, 0.1, 3_600);
        KeepAliveInterval = Seconds("KEEPALIVE_INTERVAL", 30, 0, 86_400);
        KeepAliveTimeout = Seconds("KEEPALIVE_TIMEOUT", 10, 0.1, 86_400);
        HandshakeTimeout = Seconds("HANDSHAKE_TIMEOUT", 10, 0.1, 3_600);
        Redis = Secret("REDIS", "host:port of a Redis, with the options of StackExchange.Redis behind commas", IsRedis);
        RedisChannels = Choice("REDIS_CHANNELS", "plain", "sharded");
        RedisTimeout = Seconds("REDIS_TIMEOUT", 2, 0.1, 60);
        NodeName = Name("NODE_NAME", "node");
        KeysFile = Text("KEYS_FILE", "the path of a file of API keys, as `key new` writes it");
        JwtKeysFile = Text("JWT_KEYS_FILE", "the path of a JSON Web Key Set that tokens are checked with");
        JwtIssuer = Text("JWT_ISSUER", "the iss that tokens must have");
        JwtAudience = Text("JWT_AUDIENCE", "the aud that tokens must have");
        PublishesPerSecond = Integer("PUBLISHES_PER_SECOND", 0, 0, 1_000_000_000);
        BytesPerSecond = Integer("BYTES_PER_SECOND", 0, 0, int.MaxValue);
        LogLevel = Choice("LOG_LEVEL", "info", "debug", "warn", "error");
        LogFormat = Choice("LOG_FORMAT", "text", "json");
        if (JwtKeysFile.Length > 0 && (JwtIssuer.Length == 0 || JwtAudience.Length == 0))
        {
            _faults.Add("JWT_ISSUER and JWT_AUDIENCE must be set with JWT_KEYS_FILE: tokens for other servers are not for this one");
        }
    }

    /// <summary>TCP port; 0 takes any free one.</summary>
    public int Port { get; }

    /// <summary>Address to listen on: an IP address, <c>localhost</c>, or <c>*</c> for all.</summary>
    public string Bind { get; }

    /// <summary>Live events that may be outstanding for one subscriber.</summary>
    public int MaxQueueSize { get; }

    /// <summary>Bytes of live events that may be outstanding for one subscriber.</summary>
    public int MaxQueueBytes { get; }

    /// <summary>Messages that a topic retains for replay.</summary>
    public int MaxMessages { get; }

    /// <summary>Bytes of a request, on the WebSocket or as a REST body.</summary>
    public int MaxMessageBytes { get; }

    /// <summary>Bytes of an array of messages that is published over HTTP; each has at most <see cref="MaxMessageBytes"/>.</summary>
    public int MaxBatchBytes { get; }

    /// <summary>Topics that may exist at once.</summary>
    public int MaxTopics { get; }

    /// <summary>WebSocket connections that may be open at once.</summary>
    public int MaxConnections { get; }

    /// <summary>Topics that one connection may be subscribed to at once.</summary>
    public int MaxSubscriptions { get; }

    /// <summary>Bytes of all topics, subscriptions and retained events; 0 was read as a quarter of the memory.</summary>
    public long MaxRetainedBytes { get; }

    /// <summary>
    /// Bytes of all frames that clients have not taken, and of requests that wait; 0 was read as a quarter of the memory.
    /// </summary>
    public long MaxOutstandingBytes { get; }

    /// <summary>What deleting a topic does to its subscribers: <c>disconnect</c> or <c>unsubscribe</c>.</summary>
    public string TopicDeletion { get; }

    /// <summary>Foreign origins that may connect. If empty, only pages of the same host and clients without an Origin may.</summary>
    public Origins AllowedOrigins { get; }

    /// <summary>
    /// Foreign host names that requests may be for. If empty: any name, but only this machine's own names when BIND is local.
    /// </summary>
    public Hosts AllowedHosts { get; }

    /// <summary>Seconds that a batch may wait for a peer that reads nothing.</summary>
    public double WriteTimeout { get; }

    /// <summary>Seconds that a closing connection may take to accept its next batch or to answer the Close frame.</summary>
    public double CloseTimeout { get; }

    /// <summary>Seconds that draining may take.</summary>
    public double DrainTimeout { get; }

    /// <summary>Seconds of silence after which a peer is sent a Ping; 0 turns it off.</summary>
    public double KeepAliveInterval { get; }

    /// <summary>Seconds that a Ping may go unanswered.</summary>
    public double KeepAliveTimeout { get; }

    /// <summary>Seconds that a client may take to complete the headers of a request, or between two requests.</summary>
    public double HandshakeTimeout { get; }

    /// <summary>
    /// Where the Redis is that several nodes share, as StackExchange.Redis has it; may hold a password, and is never logged. If empty, this
    /// node is alone.
    /// </summary>
    public string Redis { get; }

    /// <summary>Kind of the channels in Redis: <c>plain</c>, or <c>sharded</c> for a Redis Cluster from version 7 on.</summary>
    public string RedisChannels { get; }

    /// <summary>Seconds that a request may wait for Redis.</summary>
    public double RedisTimeout { get; }

    /// <summary>How the node is called in Redis and in the log; nodes of the same name are told apart.</summary>
    public string NodeName { get; }

    /// <summary>Path of the file of API keys. Access is off while neither this nor <see cref="JwtKeysFile"/> is set.</summary>
    public string KeysFile { get; }

    /// <summary>Path of a JSON Web Key Set (RFC 7517), for HS256, RS256 and ES256.</summary>
    public string JwtKeysFile { get; }

    /// <summary>The <c>iss</c> that a token must have.</summary>
    public string JwtIssuer { get; }

    /// <summary>The <c>aud</c> that a token must have.</summary>
    public string JwtAudience { get; }

    /// <summary>Messages that one connection may publish in a second; 0 is no limit.</summary>
    public int PublishesPerSecond { get; }

    /// <summary>Bytes of messages that one connection may publish in a second; 0 is no limit.</summary>
    public int BytesPerSecond { get; }

    /// <summary>What is logged: <c>debug</c>, <c>info</c>, <c>warn</c> or <c>error</c>.</summary>
    public string LogLevel { get; }

    /// <summary>How it is logged: <c>text</c> for people, <c>json</c> for machines.</summary>
    public string LogFormat { get; }

    public bool HasAccess => KeysFile.Length > 0 || JwtKeysFile.Length > 0;

    public bool DisconnectOnDeletion => TopicDeletion == "disconnect";

    public BrokerLimits BrokerLimits => new(MaxQueueSize, MaxMessages, MaxQueueBytes, MaxTopics, MaxSubscriptions)
    {
        MaxRetainedBytes = MaxRetainedBytes,
        MaxOutstandingBytes = MaxOutstandingBytes,
    };


    public LogLevel MinimumLogLevel => LogLevel switch
    {
        "debug" => Microsoft.Extensions.Logging.LogLevel.Debug,
        "warn" => Microsoft.Extensions.Logging.LogLevel.Warning,
        "error" => Microsoft.Extensions.Logging.LogLevel.Error,
        _ => Microsoft.Extensions.Logging.LogLevel.Information,
    };

    /// <summary>How often deadlines are checked: a quarter of the shortest, but between 20 and 250 ms.</summary>
    public TimeSpan SweepInterval
    {
        get
        {
            var keepAlive = KeepAliveInterval > 0 ? Math.Min(KeepAliveInterval, KeepAliveTimeout) : double.MaxValue;
            return TimeSpan.FromSeconds(Math.Clamp(Math.Min(keepAlive, Math.Min(WriteTimeout, CloseTimeout)) / 4, 0.02, 0.25));
        }
    }

    /// <summary>Reads and validates all settings.</summary>
    /// <exception cref="SettingsException">At least one is not legal; each line of the message names a variable, its value and its
    /// rule.</exception>
    public static Settings Read(IConfiguration configuration)
    {
        var settings = new Settings(configuration);
        return settings._faults.Count == 0 ? settings : throw new SettingsException(string.Join(Environment.NewLine, settings._faults));
    }

    /// <summary>All settings, with their rules and defaults.</summary>
    public static IReadOnlyList<Setting> All => new Settings(new ConfigurationBuilder().Build())._all;

    private int Integer(string name, int otherwise, int least, int most) =>
        Read(name, $"a whole number from {least} to {most}", otherwise, (string text, out int value) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most);

    private long Memory(string name, long otherwise)
    {
        var bytes = Read(name, "a whole number of bytes, or 0 for a quarter of the memory", otherwise, (string text, out long value) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value));
        return bytes > 0 ? bytes : Capacity.Memory / 4;
    }

    private double Seconds(string name, double otherwise, double least, double most) =>
        Read(
            name,
            string.Create(CultureInfo.InvariantCulture, $"a number of seconds from {least} to {most}"),
            otherwise,
            (string text, out double value) =>
                double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
                && value >= least
                && value <= most);

    private string Choice(string name, string otherwise, params string[] others) =>
        Read(name, $"{string.Join(", ", others)} or {otherwise}", otherwise, (string text, out string value) =>
            (value = text) == otherwise || others.Contains(text));

    /// <summary>A setting whose value no message repeats.</summary>
    private string Secret(string name, string rule, Func<string, bool> isLegal)
    {
        _all.Add(new(name, rule, ""));
        var text = _configuration[name] ?? "";
        if (text.Length > 0 && !isLegal(text))
        {
            _faults.Add($"{name} must be {rule}; its value is not shown");
        }

        return text;
    }

    private string Text(string name, string rule) => Read(name, rule, "", (string text, out string value) => (value = text).Length > 0);

    private static bool IsRedis(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text).EndPoints.Count > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private string Name(string name, string otherwise) =>
        Read(name, "1 to 64 letters, digits, '.', '_' or '-'", otherwise, (string text, out string value) =>
            (value = text).Length <= 64 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-'));

    private string Address(string name, string otherwise) =>
        Read(name, "an IP address (a link-local one with its zone), localhost or *", otherwise, (string text, out string value) =>
            (value = text) is "*" or "localhost" || (IPAddress.TryParse(text, out var address) && IsMeant(address, text)));

    private T List<T>(string name, string otherwise, string what, TryParseList<T> parse) where T : class
    {
        var list = parse(otherwise, out var read) ? read! : throw new ArgumentException(otherwise, nameof(otherwise));
        return Read(name, $"{what}, separated by commas, or *", list, (string text, out T value) => parse(text, out value!));
    }

    /// <summary>
    /// An IP address in its usual spelling. A bare number and an unknown zone are refused; a link-local address needs its zone (RFC 4007
    /// §11).
    /// </summary>
    private static bool IsMeant(IPAddress address, string text) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.ToString() == text
        : address.ScopeId != 0 || !(text.Contains('%') || address.IsIPv6LinkLocal);

    /// <summary>An empty variable counts as unset: that is how shells and container files leave one out.</summary>
    private T Read<T>(string name, string rule, T otherwise, TryParse<T> parse)
    {
        _all.Add(new(name, rule, string.Create(CultureInfo.InvariantCulture, $"{otherwise}")));
        if (_configuration[name] is not { Length: > 0 } text)
        {
            return otherwise;
        }

        if (parse(text, out var value))
        {
            return value;
        }

        _faults.Add($"{name} must be {rule}, but is '{text}'");
        return otherwise;
    }

    private delegate bool TryParse<T>(string text, out T value);

    private delegate bool TryParseList<T>(string text, out T? value) where T : class;
}

/// <summary>A setting is not legal.</summary>
internal sealed class SettingsException(string message) : Exception(message);

/// <param name="Name">Of the environment variable, and of the argument behind two dashes.</param>
/// <param name="Rule">What it must be.</param>
/// <param name="Default">What it is unless it is set.</param>
internal sealed record Setting(string Name, string Rule, string Default);
