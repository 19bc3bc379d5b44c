using System.Globalization;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Protocol;

/// <summary>A text in the OpenMetrics format 1.0, read strictly.</summary>
public sealed partial class OpenMetrics
{
    public const string MediaType = "application/openmetrics-text";

    private const string End = "# EOF";

    private static readonly Dictionary<string, string[]> Suffixes = new(StringComparer.Ordinal)
    {
        ["counter"] = ["_total", "_created"],
        ["gauge"] = [""],
        ["histogram"] = ["_bucket", "_count", "_sum", "_created"],
        ["gaugehistogram"] = ["_bucket", "_gcount", "_gsum"],
        ["summary"] = ["", "_count", "_sum", "_created"],
        ["info"] = ["_info"],
        ["stateset"] = [""],
        ["unknown"] = [""],
    };

    private readonly HashSet<string> _series = new(StringComparer.Ordinal);
    private readonly List<Sample> _samples = [];
    private readonly HashSet<string> _families = new(StringComparer.Ordinal);
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private string _family = "";
    private string _type = "unknown";
    private bool _hasSamples;

    private OpenMetrics()
    {
    }

    /// <summary>The first line that the format does not have, with the reason; null if there is none.</summary>
    public string? SyntaxFault { get; private set; }

    /// <summary>The first line that contradicts another, or its type, with the reason; null if there is none.</summary>
    public string? ModelFault { get; private set; }

    /// <summary>The series of counters, each with its value; a series is written <c>name{label="value"}</c>, its labels in order.</summary>
    public IReadOnlyDictionary<string, double> Counters => _samples.Where(sample => sample is { Type: "counter" }
        && sample.Name.EndsWith("_total", StringComparison.Ordinal)).ToDictionary(sample => sample.Series, sample => sample.Value);

    /// <summary>The sum of all series of this name; null if there is none.</summary>
    public double? Sum(string name) => _samples.Where(sample => sample.Name == name).ToList() is { Count: > 0 } found
        ? found.Sum(sample => sample.Value)
        : null;

    public static OpenMetrics Parse(string text)
    {
        var metrics = new OpenMetrics();
        string[] lines = text.EndsWith('\n') ? text[..^1].Split('\n') : text.Split('\n');
        foreach (var (place, line) in lines.Index())
        {
            var (syntax, model) = place == lines.Length - 1
                ? (line == End ? null : $"the last line must be {End}", null)
                : metrics.Read(line);
            metrics.SyntaxFault ??= syntax is null ? null : $"line {place + 1}: {syntax}: {line.Quoted(200)}";
            metrics.ModelFault ??= model is null ? null : $"line {place + 1}: {model}: {line.Quoted(200)}";
        }

        metrics.ModelFault ??= metrics.HistogramFault();
        return metrics;
    }

    /// <returns>The rules that the line breaks.</returns>
    private (string? Syntax, string? Model) Read(string line)
    {
        if (line == End)
        {
            return ($"{End} must be the last line", null);
        }

        if (line.StartsWith('#'))
        {
            return Descriptor().Match(line) is { Success: true } descriptor
                ? (null, Describe(descriptor.Groups["kind"].Value, descriptor.Groups["name"].Value, descriptor.Groups["text"].Value))
                : ("a line that begins with # must be HELP, TYPE or UNIT of a name", null);
        }

        return SampleLine().Match(line) is { Success: true } sample && Number(sample.Groups["value"].Value) is { } value
            ? (null, Take(sample.Groups["name"].Value, sample.Groups["labels"].Value, value))
            : ("a line must be a descriptor, or a sample: name, labels and a number", null);
    }

    private string? Describe(string kind, string name, string text)
    {
        if (!IsCurrent(name))
        {
            return "the lines of one family must stand together";
        }

        if (!_said.Add($"{kind} {name}"))
        {
            return $"{kind} must be said once";
        }

        if (_hasSamples)
        {
            return $"{kind} must stand before the samples";
        }

        if (kind != "TYPE")
        {
            return null;
        }

        _type = Suffixes.ContainsKey(text) ? text : "unknown";
        return _type == text ? null : "TYPE must be one of the types of OpenMetrics";
    }

    private string? Take(string name, string labels, double value)
    {
        if (_type == "counter" && name == _family)
        {
            return "the sample of a counter must end in _total";
        }

        if (!_said.Contains($"TYPE {_family}") || !Suffixes[_type].Any(suffix => name == _family + suffix))
        {
            return "the TYPE of a sample must stand before it";
        }

        _hasSamples = true;
        var pairs = Label().Matches(labels).Select(match => (Name: match.Groups["name"].Value, Value: match.Groups["value"].Value))
            .OrderBy(pair => pair.Name, StringComparer.Ordinal).ToList();
        if (pairs.GroupBy(pair => pair.Name).Any(same => same.Count() > 1))
        {
            return "a label must be given once";
        }

        if (_type == "counter" && !(value >= 0))
        {
            return "a counter must not be negative";
        }

        var series = $"{name}{{{string.Join(',', pairs.Select(pair => $"{pair.Name}=\"{pair.Value}\""))}}}";
        if (!_series.Add(series))
        {
            return "a series must be given once";
        }

        var bound = pairs.Find(pair => pair.Name == "le").Value;
        var rest = string.Join(',', pairs.Where(pair => pair.Name != "le").Select(pair => $"{pair.Name}=\"{pair.Value}\""));
        _samples.Add(new(_family, _type, name, series, rest, bound, value));
        return null;
    }

    /// <summary>Goes on with this family, or begins it. False if it has ended before.</summary>
    private bool IsCurrent(string name)
    {
        if (name == _family)
        {
            return true;
        }

        (_family, _type, _hasSamples) = (name, "unknown", false);
        return _families.Add(name);
    }

    private string? HistogramFault()
    {
        foreach (var histogram in _samples.Where(sample => sample.Type == "histogram").GroupBy(sample => (sample.Family, sample.Rest)))
        {
            var buckets = histogram.Where(sample => sample.Name == $"{sample.Family}_bucket").ToList();
            if (buckets.Count == 0 || buckets[^1].Bound != "+Inf")
            {
                return $"the histogram {histogram.Key.Family} must have a last bucket +Inf";
            }

            if (buckets.Zip(buckets.Skip(1)).Any(pair => pair.First.Value > pair.Second.Value))
            {
                return $"the buckets of the histogram {histogram.Key.Family} must count what is in the buckets before";
            }
        }

        return null;
    }

    private static double? Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
    };

    private sealed record Sample(string Family, string Type, string Name, string Series, string Rest, string? Bound, double Value);

    [GeneratedRegex(@"\A# (?<kind>HELP|TYPE|UNIT) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<text>.*)\z")]
    private static partial Regex Descriptor();

    [GeneratedRegex(
        @"\A(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
        + @"(\{(?<labels>([a-zA-Z_][a-zA-Z0-9_]*=""([^""\\\n]|\\[\\""n])*""(,(?!\})|(?=\})))*)\})?"
        + @" (?<value>[^ ]+)( [0-9.eE+-]+)?( # \{.*\} [^ ]+( [^ ]+)?)?\z")]
    private static partial Regex SampleLine();

    [GeneratedRegex(@"(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=""(?<value>([^""\\\n]|\\[\\""n])*)""")]
    private static partial Regex Label();
}
