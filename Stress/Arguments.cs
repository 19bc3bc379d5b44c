using System.Globalization;

namespace PubSub.Stress;

/// <summary>
/// The options behind a verb: <c>--name value</c>, <c>--name=value</c> or <c>--flag</c>. An option nobody asks for is an error.
/// </summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string?> _options = [];
    private readonly HashSet<string> _read = [];

    public Arguments(ReadOnlySpan<string> arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                throw new UsageError($"{argument}: expected an option");
            }

            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? argument : argument[..equals];
            string? value = null;
            if (equals >= 0)
            {
                value = argument[(equals + 1)..];
            }
            else if (i + 1 < arguments.Length && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                value = arguments[++i];
            }

            if (!_options.TryAdd(name, value))
            {
                throw new UsageError($"{name} is given twice");
            }
        }
    }

    public string? Text(string name)
    {
        _read.Add(name);
        return _options.TryGetValue(name, out var value) ? value ?? throw new UsageError($"{name} needs a value") : null;
    }

    public bool Flag(string name)
    {
        _read.Add(name);
        return _options.TryGetValue(name, out var value) && (value is null ? true : throw new UsageError($"{name} takes no value"));
    }

    public int Number(string name, int otherwise, int min, int max) =>
        Text(name) is { } text ? Parse(name, text, min, max) : otherwise;

    public int[] Numbers(string name, int[] otherwise, int min, int max) =>
        Text(name) is { } text ? [.. text.Split(',').Select(part => Parse(name, part, min, max))] : otherwise;

    /// <summary>A file to write later; its folder must exist now, not after minutes of measuring.</summary>
    public string? Output(string name)
    {
        var file = Text(name);
        return file is null || Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file)))
            ? file
            : throw new UsageError($"{name} {file}: no such folder");
    }

    public TimeSpan Seconds(string name, double otherwise)
    {
        var text = Text(name);
        if (text is null)
        {
            return TimeSpan.FromSeconds(otherwise);
        }

        return double.TryParse(text, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 3600
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageError($"{name} {text}: expected seconds between 0 and 3600");
    }

    /// <summary>Call after every option was asked for, and before anything is started.</summary>
    public void RejectUnread()
    {
        if (_options.Keys.FirstOrDefault(name => !_read.Contains(name)) is { } unknown)
        {
            throw new UsageError($"{unknown}: no such option");
        }
    }

    private static int Parse(string name, string text, int min, int max) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new UsageError($"{name} {text}: expected a whole number from {min} to {max}");
}
