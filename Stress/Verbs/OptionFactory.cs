using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace PubSub.Stress.Verbs;

/// <summary>Makes the kinds of options that the verbs share, each with its validation.</summary>
internal static class OptionFactory
{
    private const double LongestSeconds = 7 * 24 * 3600;

    public static Option<string?> Text(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help };

    public static Option<string[]> Texts(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => [] };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<int> Whole(string name, string description, int otherwise, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => Whole(result, result.Tokens[0].Value, name, least, most) ?? otherwise,
    };

    public static Option<int[]> Wholes(string name, string description, int[] otherwise, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N,...",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => [.. result.Tokens[0].Value.Split(',').Select(part => Whole(result, part, name, least, most) ?? least)],
    };

    public static Option<string?> Out() =>
        Text("--out", "Writes the results as JSON into this folder; `report` draws them.", "FOLDER");

    /// <summary>The seed of all random choices, so that a run can be repeated.</summary>
    public static Option<int> Seed() => new("--seed")
    {
        Description = "The seed of all random choices; printed.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
        CustomParser = result => Whole(result, result.Tokens[0].Value, "--seed", 0, int.MaxValue / 2) ?? 1,
    };

    public static Option<TimeSpan> Seconds(string name, string description, double otherwise, double least = 0) => new(name)
    {
        Description = description,
        HelpName = "S",
        DefaultValueFactory = _ => TimeSpan.FromSeconds(otherwise),
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                && seconds >= least && seconds <= LongestSeconds)
            {
                return TimeSpan.FromSeconds(seconds);
            }

            result.AddError(string.Create(
                CultureInfo.InvariantCulture, $"{name} must be seconds from {least} to {LongestSeconds}, but is '{text}'."));
            return default;
        },
    };

    private static int? Whole(ArgumentResult result, string text, string name, int least, int most)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        result.AddError(string.Create(
            CultureInfo.InvariantCulture, $"{name} must be a whole number from {least} to {most}, but is '{text}'."));
        return null;
    }
}
