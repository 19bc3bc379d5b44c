using ScottPlot;

namespace PubSub.Stress.Reports;

/// <summary>The colours. A contender has the same colour in every chart; colour-blind readers can distinguish them.</summary>
internal static class Palette
{
    public const string Ink = "#1b2430";
    public const string Faint = "#e3e7ec";
    public const string Quiet = "#5d6b7a";

    private static readonly Dictionary<string, string> Known = new()
    {
        ["pubsub"] = "#0b5cad",
        ["nats"] = "#d55e00",
        ["nats-tcp"] = "#e69f00",
        ["redis"] = "#b23a7f",
        ["mosquitto"] = "#009e73",
        ["limit"] = "#8a939e",
        ["Native AOT"] = "#0b5cad",
        ["JIT"] = "#56b4e9",
    };

    private static readonly string[] Others = ["#56b4e9", "#6a51a3", "#a6761d", "#444444"];

    private static readonly Dictionary<string, string> Labels = new()
    {
        ["pubsub"] = "PubSubSpec",
        ["nats"] = "nats (WebSocket)",
        ["nats-tcp"] = "nats (TCP)",
        ["redis"] = "Redis (TCP)",
        ["mosquitto"] = "Mosquitto (WebSocket)",
        ["limit"] = "bare C, the limit",
    };

    public static bool Knows(string contender) => Known.ContainsKey(contender);

    public static string Hex(string contender, int otherNumber) =>
        Known.GetValueOrDefault(contender) ?? Others[otherNumber % Others.Length];

    public static Color Of(string hex) => Color.FromHex(hex);

    /// <summary>The name of a contender in charts.</summary>
    public static string Label(string contender) => Labels.GetValueOrDefault(contender, contender);
}
