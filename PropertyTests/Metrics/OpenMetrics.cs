using System.Globalization;
using System.Text.RegularExpressions;

namespace PubSub.PropertyTests.Metrics;

/// <summary>Reads the OpenMetrics text format 1.0, and refuses what its ABNF and its rules about families do not allow.</summary>
internal static partial class OpenMetrics
{
    /// <summary>The suffixes of the samples of each type; an info has one that is always 1.</summary>
    private static readonly Dictionary<string, string[]> Suffixes = new()
    {
        ["counter"] = ["_total", "_created"],
        ["gauge"] = [""],
        ["histogram"] = ["_bucket", "_count", "_sum", "_created"],
        ["info"] = ["_info"],
    };

    /// <exception cref="FormatException">The text is not OpenMetrics.</exception>
    public static IReadOnlyList<Family> Parse(string text)
    {
        Check(text.EndsWith("\n# EOF\n", StringComparison.Ordinal), "the text must end with # EOF");
        var families = new List<Family>();
        foreach (var line in text[..^"# EOF\n".Length].TrimEnd('\n').Split('\n'))
        {
            if (Metadata().Match(line) is { Success: true } metadata)
            {
                Describe(families, metadata.Groups["kind"].Value, metadata.Groups["name"].Value, metadata.Groups["value"].Value);
            }
            else
            {
                Check(families.Count > 0, $"no family: {line}");
                families[^1].Samples.Add(Parse(line, families[^1]));
            }
        }

        Check(families.DistinctBy(family => family.Name).Count() == families.Count, "a family comes twice");
        families.ForEach(CheckSamples);
        return families;
    }

    private static void Describe(List<Family> families, string kind, string name, string value)
    {
        if (families.Count == 0 || families[^1].Name != name)
        {
            families.Add(new Family(name));
        }

        var family = families[^1];
        Check(family.Samples.Count == 0, $"metadata behind samples: {name}");
        Check(family.Metadata.TryAdd(kind, value), $"{kind} comes twice: {name}");
        Check(kind != "TYPE" || Suffixes.ContainsKey(value), $"unknown type: {value}");
        Check(kind != "UNIT" || name.EndsWith("_" + value, StringComparison.Ordinal), $"the name must end with the unit: {name}");
    }

    private static Sample Parse(string line, Family family)
    {
        var match = SampleLine().Match(line);
        Check(match.Success, $"no sample: {line}");
        var name = match.Groups["name"].Value;
        Check(
            Suffixes[family.Type].Any(suffix => name == family.Name + suffix), $"a {family.Type} {family.Name} has no sample {name}");
        var labels = match.Groups["label"].Captures.Zip(
            match.Groups["text"].Captures, (label, text) => KeyValuePair.Create(label.Value, text.Value)).ToList();
        Check(labels.DistinctBy(label => label.Key).Count() == labels.Count, $"a label comes twice: {line}");
        return new Sample(name, labels.ToDictionary(), Number(match.Groups["value"].Value));
    }

    private static void CheckSamples(Family family)
    {
        Check(family.Metadata.ContainsKey("HELP"), $"no HELP: {family.Name}");
        Check(
            family.Samples.DistinctBy(sample => $"{sample.Name} {sample.LabelsBut("")}").Count() == family.Samples.Count,
            $"a series comes twice: {family.Name}");
        Check(family.Type != "counter" || family.Samples.All(sample => sample.Value >= 0), $"a counter is negative: {family.Name}");
        Check(family.Type != "info" || family.Samples.All(sample => sample.Value == 1), $"an info must be 1: {family.Name}");
        foreach (var buckets in family.Samples.Where(sample => sample.Name == family.Name + "_bucket").GroupBy(one => one.LabelsBut("le")))
        {
            var counts = buckets.Select(bucket => bucket.Value).ToList();
            var bounds = buckets.Select(bucket => Number(bucket.Labels["le"])).ToList();
            var count = family.Samples.Single(one => one.Name == family.Name + "_count" && one.LabelsBut("") == buckets.Key).Value;
            Check(counts.SequenceEqual(counts.Order()) && counts[^1] == count, $"buckets must add up: {family.Name}");
            Check(bounds.SequenceEqual(bounds.Distinct().Order()), $"bounds must ascend: {family.Name}");
            Check(double.IsPositiveInfinity(bounds[^1]), $"the last bound must be +Inf: {family.Name}");
        }
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static void Check(bool holds, string fault)
    {
        if (!holds)
        {
            throw new FormatException(fault);
        }
    }

    [GeneratedRegex("""^# (?<kind>TYPE|UNIT|HELP) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<value>(?:[^\\]|\\[n"\\])*)$""")]
    private static partial Regex Metadata();

    [GeneratedRegex(
        """^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?:(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<text>(?:[^"\\]|\\[n"\\])*)"(?:,(?!\}))?)*\})?"""
        + """ (?<value>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|\+Inf)$""")]
    private static partial Regex SampleLine();
}

/// <summary>The samples of one metric.</summary>
internal sealed record Family(string Name)
{
    /// <summary>By its kind: TYPE, UNIT and HELP.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    public List<Sample> Samples { get; } = [];

    public string Type => Metadata["TYPE"];
}

internal sealed record Sample(string Name, Dictionary<string, string> Labels, double Value)
{
    /// <summary>The labels as they are written, without one of them.</summary>
    public string LabelsBut(string name) => string.Join(
        ',', Labels.Where(label => label.Key != name).Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal));
}
