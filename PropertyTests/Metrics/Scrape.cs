using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Metrics;

/// <summary>Scrapes a Host as Prometheus does.</summary>
internal static class Scrape
{
    public const string Accept = "Accept: application/openmetrics-text; version=1.0.0";

    /// <summary>All samples of our own, by their names and labels as they are written.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> AllAsync(RunningHost host) =>
        (await FamiliesAsync(host)).SelectMany(family => family.Samples)
            .Where(sample => !sample.Name.EndsWith("_created", StringComparison.Ordinal))
            .ToDictionary(sample => $"{sample.Name}{{{sample.LabelsBut("")}}}", sample => sample.Value);

    public static async Task<IReadOnlyList<Family>> FamiliesAsync(RunningHost host) =>
        OpenMetrics.Parse((await host.Origin.AskAsync("GET", "/metrics", "", Accept)).Body);

    /// <summary>Scrapes until a sample has a value; what is scraped may be as old as the exporter's cache, 0.3 s.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> UntilAsync(RunningHost host, string sample, double value)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        while (true)
        {
            var all = await AllAsync(host);
            if (all.GetValueOrDefault(sample) == value)
            {
                return all;
            }

            await Task.Delay(20, limit.Token);
        }
    }
}
