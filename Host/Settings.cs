using System.Globalization;
using System.Net;

namespace PubSub.Hosting;

/// <summary>
/// What the operator may choose, read once at the start from environment variables (or <c>--NAME value</c>) and validated before the
/// port opens. Every time is in seconds, every size in bytes.
/// </summary>
internal sealed class Settings
{
    private readonly List<string> _faults = [];
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
        MaxTopics = Integer("MAX_TOPICS", 100_000, 1, 100_000_000);
        MaxConnections = Integer("MAX_CONNECTIONS", 20_000, 1, 10_000_000);
        MaxSubscriptions = Integer("MAX_SUBSCRIPTIONS", 1_000, 1, 1_000_000);
        TopicDeletion = Choice("TOPIC_DELETION", "disconnect", "unsubscribe");
        AllowedOrigins = Text("ALLOWED_ORIGINS", "");
        WriteTimeout = Seconds("WRITE_TIMEOUT", 10, 0.1, 3_600);
        CloseTimeout = Seconds("CLOSE_TIMEOUT", 5, 0.1, 3_600);
        DrainTimeout = Seconds("DRAIN_TIMEOUT", 5, 0.1, 3_600);
        KeepAliveInterval = Seconds("KEEPALIVE_INTERVAL", 30, 0, 86_400);
        KeepAliveTimeout = Seconds("KEEPALIVE_TIMEOUT", 10, 0.1, 86_400);
        HandshakeTimeout = Seconds("HANDSHAKE_TIMEOUT", 10, 0.1, 3_600);
        LogLevel = Choice("LOG_LEVEL", "info", "debug", "warn", "error");
        LogFormat = Choice("LOG_FORMAT", "text", "json");
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

    /// <summary>Topics that may exist at once.</summary>
    public int MaxTopics { get; }

    /// <summary>WebSocket connections that may be open at once.</summary>
    public int MaxConnections { get; }

    /// <summary>Topics that one connection may be subscribed to at once.</summary>
    public int MaxSubscriptions { get; }

    /// <summary>What deleting a topic does to its subscribers: <c>disconnect</c> or <c>unsubscribe</c>.</summary>
    public string TopicDeletion { get; }

    /// <summary>Foreign origins that may connect, comma-separated; <c>*</c> for any; empty for the same host or no Origin header only.</summary>
    public string AllowedOrigins { get; }

    /// <summary>Seconds that a batch may wait for a peer that reads nothing.</summary>
    public double WriteTimeout { get; }

    /// <summary>Seconds that a closing connection may take to accept its next batch or to say goodbye.</summary>
    public double CloseTimeout { get; }

    /// <summary>Seconds that draining may take.</summary>
    public double DrainTimeout { get; }

    /// <summary>Seconds of silence after which a peer is sent a Ping; 0 turns it off.</summary>
    public double KeepAliveInterval { get; }

    /// <summary>Seconds that a Ping may go unanswered.</summary>
    public double KeepAliveTimeout { get; }

    /// <summary>Seconds that a client may take to complete the headers of a request, or between two requests.</summary>
    public double HandshakeTimeout { get; }

    /// <summary>What is logged: <c>debug</c>, <c>info</c>, <c>warn</c> or <c>error</c>.</summary>
    public string LogLevel { get; }

    /// <summary>How it is logged: <c>text</c> for people, <c>json</c> for machines.</summary>
    public string LogFormat { get; }

    public bool DisconnectOnDeletion => TopicDeletion == "disconnect";

    public BrokerLimits BrokerLimits => new(MaxQueueSize, MaxMessages, MaxQueueBytes, MaxTopics, MaxSubscriptions);

    public LogLevel MinimumLogLevel => LogLevel switch
    {
        "debug" => Microsoft.Extensions.Logging.LogLevel.Debug,
        "warn" => Microsoft.Extensions.Logging.LogLevel.Warning,
        "error" => Microsoft.Extensions.Logging.LogLevel.Error,
        _ => Microsoft.Extensions.Logging.LogLevel.Information,
    };

    /// <summary>How often deadlines are looked at: a quarter of the shortest, but between 20 and 250 ms.</summary>
    public TimeSpan SweepInterval
    {
        get
        {
            var keepAlive = KeepAliveInterval > 0 ? Math.Min(KeepAliveInterval, KeepAliveTimeout) : double.MaxValue;
            return TimeSpan.FromSeconds(Math.Clamp(Math.Min(keepAlive, Math.Min(WriteTimeout, CloseTimeout)) / 4, 0.02, 0.25));
        }
    }

    /// <summary>Reads and validates all settings.</summary>
    /// <exception cref="SettingsException">At least one is not legal; each line of the message names a variable, its value and its rule.</exception>
    public static Settings Read(IConfiguration configuration)
    {
        var settings = new Settings(configuration);
        return settings._faults.Count == 0 ? settings : throw new SettingsException(string.Join(Environment.NewLine, settings._faults));
    }

    private int Integer(string name, int otherwise, int least, int most) =>
        Value(name) is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
        : Fault(name, text, $"a whole number from {least} to {most}", otherwise);

    private double Seconds(string name, double otherwise, double least, double most) =>
        Value(name) is not { } text ? otherwise
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
        : Fault(name, text, string.Create(CultureInfo.InvariantCulture, $"a number of seconds from {least} to {most}"), otherwise);

    private string Choice(string name, string otherwise, params string[] others) =>
        Value(name) is not { } text ? otherwise
        : text == otherwise || others.Contains(text) ? text
        : Fault(name, text, $"{string.Join(", ", others)} or {otherwise}", otherwise);

    private string Address(string name, string otherwise) =>
        Value(name) is not { } text ? otherwise
        : text is "*" or "localhost" || IPAddress.TryParse(text, out _) ? text
        : Fault(name, text, "an IP address, localhost or *", otherwise);

    private string Text(string name, string otherwise) => Value(name) ?? otherwise;

    /// <summary>An empty variable is as good as none: that is how shells and container files leave one out.</summary>
    private string? Value(string name) => _configuration[name] is { Length: > 0 } value ? value : null;

    private T Fault<T>(string name, string value, string rule, T otherwise)
    {
        _faults.Add($"{name} must be {rule}, but is '{value}'");
        return otherwise;
    }
}

/// <summary>A setting is not legal.</summary>
internal sealed class SettingsException(string message) : Exception(message);
