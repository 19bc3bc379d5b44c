using System.Globalization;
using System.Net;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>What happens to the subscribers of a topic that is deleted.</summary>
internal enum TopicDeletion
{
    Disconnect,
    Unsubscribe,
}

/// <summary>The settings of a small server, with the defaults of the specification. Sizes are in bytes.</summary>
internal sealed record Settings
{
    /// <summary>0 for any free port. The default is not the specification's, because many small servers run side by side.</summary>
    public int Port { get; init; }

    /// <summary>A loopback address; no environment variable sets it.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    public int QueueSize { get; init; } = 100;
    public int QueueBytes { get; init; } = 1024 * 1024;
    public int Ring { get; init; } = 100;
    public int MessageBytes { get; init; } = 64 * 1024;
    public int MostTopics { get; init; } = 100_000;
    public int MostConnections { get; init; } = 20_000;

    /// <summary>Of all topics.</summary>
    public long RetainedBytes { get; init; } = long.MaxValue;

    /// <summary>Of all subscribers.</summary>
    public long OutstandingBytes { get; init; } = long.MaxValue;

    /// <summary>Of one connection.</summary>
    public int MostSubscriptions { get; init; } = 1_000;

    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Zero for no Pings.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public LogLevel LogLevel { get; init; } = LogLevel.Info;
    public TopicDeletion TopicDeletion { get; init; }

    /// <summary>Origins of other hosts that may connect; <c>*</c> allows any.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Host names that requests may have besides the machine's own; <c>*.name</c> allows all its subdomains.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Reads the settings from variables by name; an empty variable counts as not set.</summary>
    /// <exception cref="CannotStart">A value is not legal; the message names the variable and its rule.</exception>
    public static Settings Read(IReadOnlyDictionary<string, string> variables)
    {
        var otherwise = new Settings();
        return new()
        {
            Port = Whole("PORT", 0, 65_535, otherwise.Port),
            QueueSize = Whole("MAX_QUEUE_SIZE", 1, 1_000_000, otherwise.QueueSize),
            QueueBytes = Whole("MAX_QUEUE_BYTES", 1, int.MaxValue, otherwise.QueueBytes),
            Ring = Whole("MAX_MESSAGES", 1, 1_000_000, otherwise.Ring),
            MessageBytes = Whole("MAX_MESSAGE_BYTES", 1, 16 * 1024 * 1024, otherwise.MessageBytes),
            MostTopics = Whole("MAX_TOPICS", 1, int.MaxValue, otherwise.MostTopics),
            MostConnections = Whole("MAX_CONNECTIONS", 1, int.MaxValue, otherwise.MostConnections),
            MostSubscriptions = Whole("MAX_SUBSCRIPTIONS", 1, int.MaxValue, otherwise.MostSubscriptions),
            RetainedBytes = Total("MAX_RETAINED_BYTES"),
            OutstandingBytes = Total("MAX_OUTSTANDING_BYTES"),
            WriteTimeout = Seconds("WRITE_TIMEOUT", 0.001, otherwise.WriteTimeout),
            CloseTimeout = Seconds("CLOSE_TIMEOUT", 0.001, otherwise.CloseTimeout),
            DrainTimeout = Seconds("DRAIN_TIMEOUT", 0.001, otherwise.DrainTimeout),
            KeepAliveInterval = Seconds("KEEPALIVE_INTERVAL", 0, otherwise.KeepAliveInterval),
            KeepAliveTimeout = Seconds("KEEPALIVE_TIMEOUT", 0.001, otherwise.KeepAliveTimeout),
            HandshakeTimeout = Seconds("HANDSHAKE_TIMEOUT", 0.001, otherwise.HandshakeTimeout),
            LogLevel = OneOf("LOG_LEVEL", otherwise.LogLevel),
            TopicDeletion = OneOf("TOPIC_DELETION", otherwise.TopicDeletion),
            AllowedOrigins = List("ALLOWED_ORIGINS"),
            AllowedHosts = List("ALLOWED_HOSTS"),
        };

        string? Text(string name) => variables.GetValueOrDefault(name) is { Length: > 0 } text ? text : null;

        string[] List(string name) => (Text(name) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        int Whole(string name, int least, int most, int usual) =>
            Text(name) is not { } text ? usual
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
            : throw new CannotStart($"{name} must be a whole number from {least} to {most}, but is '{text}'");

        long Total(string name) => Whole(name, 0, int.MaxValue, 0) is var bytes and > 0 ? bytes : long.MaxValue;

        TimeSpan Seconds(string name, double least, TimeSpan usual) =>
            Text(name) is not { } text ? usual
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
                && value >= least && value <= 86_400
                ? TimeSpan.FromSeconds(value)
                : throw new CannotStart(string.Create(
                    CultureInfo.InvariantCulture, $"{name} must be a number of seconds from {least} to 86400, but is '{text}'"));

        TEnum OneOf<TEnum>(string name, TEnum usual) where TEnum : struct, Enum
        {
            if (Text(name) is not { } text)
            {
                return usual;
            }

            var legal = Enum.GetValues<TEnum>().ToDictionary(value => value.ToString().ToLowerInvariant());
            return legal.TryGetValue(text, out var value)
                ? value
                : throw new CannotStart($"{name} must be one of {string.Join(", ", legal.Keys)}, but is '{text}'");
        }
    }
}

/// <summary>A server cannot start; the message is for its operator.</summary>
internal sealed class CannotStart(string message, Exception? cause = null) : Exception(message, cause);
