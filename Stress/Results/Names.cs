namespace PubSub.Stress.Results;

/// <summary>The names of figures, latencies and parameters that several files use.</summary>
internal static class Names
{
    public const string Deliveries = "deliveries";
    public const string Publishes = "publishes";

    /// <summary>Messages per second that were due, sent or not.</summary>
    public const string Offered = "offered";

    public const string CpuPerDelivery = "server_cpu_per_delivery";
    public const string CpuPerPublish = "server_cpu_per_publish";
    public const string ServerCpu = "server_cpu";
    public const string ClientCpu = "client_cpu";
    public const string PayloadDelivered = "payload_delivered";
    public const string BytesPerConnection = "bytes_per_connection";
    public const string Resident = "resident";

    public const string P99Ratio = "p99_ratio";

    public const string DeliveryLatency = "publish_to_receive";
    public const string AckLatency = "publish_to_ack";

    /// <summary>The load generator's delay from when a message was due to when it was sent.</summary>
    public const string SendLateness = "due_to_sent";

    public const string Subscribers = "subscribers";
    public const string Pairs = "pairs";
    public const string Payload = "payload_bytes";
    public const string Outstanding = "outstanding";
    public const string Rate = "rate";
    public const string Share = "share_of_maximum";
    public const string Loops = "loops";
    public const string Connections = "connections";
    public const string Topics = "topics";
    public const string Window = "window_seconds";
    public const string Publishers = "publishers";
    public const string Seed = "seed";
    public const string Published = "published";
    public const string Received = "received";
}
