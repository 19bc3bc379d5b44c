namespace PubSub.Stress;

/// <summary>
/// Settings for loads that wait for nobody. By default a subscriber that is 100 events behind is cut; peers keep megabytes for it.
/// Where both are to be compared, both get room.
/// </summary>
internal static class DeepQueues
{
    public const string Words = "MAX_QUEUE_SIZE=1000000, MAX_QUEUE_BYTES=64 MiB, as nats-server's max_pending";

    /// <summary>For the server that is started here.</summary>
    public static readonly (string Name, string Value)[] Settings =
    [
        ("MAX_QUEUE_SIZE", "1000000"),
        ("MAX_QUEUE_BYTES", "67108864"),
        ("MAX_MESSAGE_BYTES", "2097152"),
    ];
}
