using System.Globalization;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Cli;

/// <summary>Describes what the probe found, for people.</summary>
internal static class Findings
{
    private const int LongestEvidence = 160;

    public static string Describe(ProbedTarget probed, Redaction redaction)
    {
        var target = probed.Describe(redaction);
        var rows = target.Findings.Select(finding =>
            $"  {finding.What,-18} {finding.Value}  ({Words(finding.Source)}: {Cut(finding.Evidence)})");
        var trips = target.RoundTrips is { } measured
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"  {"round trip",-18} median {measured.MedianMs:0.0} ms, 95 % within {measured.P95Ms:0.0} ms; ")
                + string.Create(CultureInfo.InvariantCulture, $"so waits last up to {measured.WaitSeconds:0.#} s")
            : "";
        var fingerprint = target.Fingerprint.Select(entry => $"  {entry.Key,-18} {Cut(entry.Value)}");
        return string.Join('\n', [$"Target {target.Url}", .. rows, trips, .. fingerprint]);
    }

    private static string Words(FindingSource source) => source.ToString().ToLowerInvariant();

    private static string Cut(string text) => text.ReplaceLineEndings(" ").Cut(LongestEvidence);
}
