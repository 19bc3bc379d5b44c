namespace PubSub.Conformance;

/// <summary>The server under test as its owner describes it: where it is, what it promises, how long it may take.</summary>
public sealed record Target
{
    /// <summary>The root of the REST interface, without a trailing slash.</summary>
    public required Uri Rest { get; init; }

    public required Uri WebSocket { get; init; }

    /// <summary>Sent with every REST request and every WebSocket handshake.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public Limits Limits { get; init; } = new();
    public Timeouts Timeouts { get; init; } = new();

    /// <summary>A server that speaks the v1 dialect at this origin.</summary>
    public static Target From(Uri origin)
    {
        var socketScheme = origin.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
        var rest = new UriBuilder(origin) { Path = "/v1", Query = "", Fragment = "" }.Uri;
        var socket = new UriBuilder(origin) { Scheme = socketScheme, Port = origin.Port, Path = "/v1/ws", Query = "", Fragment = "" }.Uri;
        return new Target { Rest = rest, WebSocket = socket };
    }
}

/// <summary>What the server declares to hold; the defaults are those of the specification.</summary>
public sealed record Limits
{
    /// <summary>Live events that may be outstanding per subscriber.</summary>
    public int QueueSize { get; init; } = 100;

    public int QueueBytes { get; init; } = 1024 * 1024;

    /// <summary>Messages retained per topic for replay.</summary>
    public int Ring { get; init; } = 100;

    /// <summary>The largest request.</summary>
    public int MessageBytes { get; init; } = 64 * 1024;

    /// <summary>The longest topic name, client_id, request_id and message id.</summary>
    public int NameLength { get; init; } = 255;

    /// <summary>These limits as a server started with the given settings declares them.</summary>
    public Limits Under(IReadOnlyDictionary<string, string> settings) => this with
    {
        QueueSize = Read(settings, "MAX_QUEUE_SIZE", QueueSize),
        QueueBytes = Read(settings, "MAX_QUEUE_BYTES", QueueBytes),
        Ring = Read(settings, "MAX_MESSAGES", Ring),
        MessageBytes = Read(settings, "MAX_MESSAGE_BYTES", MessageBytes),
    };

    private static int Read(IReadOnlyDictionary<string, string> settings, string name, int otherwise) =>
        settings.TryGetValue(name, out var text) && int.TryParse(text, out var value) ? value : otherwise;
}

/// <summary>How long the suite waits before it calls something absent. Every wait ends as soon as it is decided.</summary>
public sealed record Timeouts
{
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest silence tolerated while something is due.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From the start of a server process to its open port.</summary>
    public TimeSpan Start { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>From the signal to the end of a server process, when a scenario names no bound of its own.</summary>
    public TimeSpan Exit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The whole scenario.</summary>
    public TimeSpan Scenario { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Leaving the stage: closing connections, deleting topics, ending servers.</summary>
    public TimeSpan Cleanup { get; init; } = TimeSpan.FromSeconds(5);
}
