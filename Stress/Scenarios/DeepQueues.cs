namespace PubSub.Stress.Scenarios;

/// <summary>
/// Settings for open loops. By default our server cuts a subscriber that is 100 events behind; peers queue megabytes for it.
/// For a fair comparison our server queues as much as they do.
/// </summary>
internal static class DeepQueues
{
    public const string Words = "MAX_QUEUE_SIZE=1000000, MAX_QUEUE_BYTES=64 MiB, as nats-server's max_pending";

    /// <summary>For the server that this tool starts.</summary>
    public static readonly (string Name, string Value)[] Settings =
    [
        ("MAX_QUEUE_SIZE", "1000000"),
        ("MAX_QUEUE_BYTES", "67108864"),
        ("MAX_MESSAGE_BYTES", "2097152"),
    ];
}
