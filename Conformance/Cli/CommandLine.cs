using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace PubSub.Conformance.Cli;

/// <summary>The command line, or a file that it names, is wrong; the message says what is wrong and how to correct it.</summary>
internal sealed class WrongUsage(string message) : Exception(message);

/// <summary>Makes the kinds of options that the commands share, each with its validation, and reads and writes files.</summary>
internal static class CommandLine
{
    public static Option<string?> Text(string name, string description, string? help = null) =>
        new(name) { Description = description, HelpName = help };

    public static Option<string[]> Texts(string name, string description, string? help = null) =>
        new(name) { Description = description, HelpName = help, AllowMultipleArgumentsPerToken = false, DefaultValueFactory = _ => [] };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<Uri?> Url(string name, string description, params string[] schemes) => new(name)
    {
        Description = description,
        HelpName = "URL",
        CustomParser = result => UrlOrError(result, result.Tokens[0].Value, name, schemes),
    };

    /// <summary>One or more different URLs.</summary>
    public static Option<Uri[]> Urls(string name, string description, int most, params string[] schemes) => new(name)
    {
        Description = description,
        HelpName = "URL",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            Uri[] urls = [.. result.Tokens.Select(token => UrlOrError(result, token.Value, name, schemes)).OfType<Uri>()];
            if (urls.Length > most)
            {
                result.AddError($"{name} may be given at most {most} times, but is given {urls.Length} times.");
            }
            else if (urls.GroupBy(url => url).FirstOrDefault(same => same.Count() > 1) is { Key: var twice })
            {
                result.AddError($"{name} must name each door once, but names {twice} again.");
            }

            return urls;
        },
    };

    public static Option<int> Whole(string name, string description, int otherwise, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => WholeOrError(result, name, least, most) ?? otherwise,
    };

    public static Option<int?> OptionalWhole(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => WholeOrError(result, name, least, most),
    };

    public static Option<double> Factor(string name, string description, double otherwise, double least, double most) => new(name)
    {
        Description = description,
        HelpName = "X",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && value >= least
                && value <= most)
            {
                return value;
            }

            result.AddError(
                string.Create(CultureInfo.InvariantCulture, $"{name} must be a number from {least} to {most}, but is '{text}'."));
            return otherwise;
        },
    };

    public static Option<string> Choice(string name, string description, string otherwise, params string[] choices)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => otherwise };
        option.AcceptOnlyFromAmong(choices);
        return option;
    }

    /// <summary>The commands up to this one, as they are typed.</summary>
    public static IReadOnlyList<string> PathOf(CommandResult result)
    {
        var names = new List<string>();
        for (SymbolResult? at = result; at is CommandResult { Command: not RootCommand } command; at = at.Parent)
        {
            names.Insert(0, command.Command.Name);
        }

        return ["pubsub-conformance", .. names];
    }

    /// <summary>Reads the whole file as text.</summary>
    /// <exception cref="WrongUsage">It cannot be read; the message names it.</exception>
    public static string ReadFile(string path, string what)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WrongUsage($"{what} '{path}' cannot be read: {e.Message}");
        }
    }

    /// <summary>Reads and parses a file.</summary>
    /// <exception cref="WrongUsage">It cannot be read or parsed; the message names it.</exception>
    public static T ReadFile<T>(string path, string what, Func<string, T> parse)
    {
        var text = ReadFile(path, what);
        try
        {
            return parse(text);
        }
        catch (Exception e) when (e is InvalidDataException or System.Text.Json.JsonException)
        {
            throw new WrongUsage($"{what} '{path}': {e.Message}");
        }
    }

    /// <summary>Writes the whole file, or leaves none.</summary>
    /// <exception cref="WrongUsage">It cannot be written; the message names the option and the file.</exception>
    public static void WriteFile(string path, string option, string text)
    {
        try
        {
            File.WriteAllText(path, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            RemoveHalf(path);
            throw new WrongUsage($"{option} '{path}' cannot be written: {e.Message}");
        }
    }

    // A reader would take half a file for a whole one. A device has no length, so it stays.
    private static void RemoveHalf(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, LinkTarget: null, Length: > 0 } half)
            {
                half.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // The error of the write is reported, not this one.
        }
    }

    private static Uri? UrlOrError(ArgumentResult result, string text, string name, string[] schemes)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && schemes.Contains(url.Scheme) && url.Host.Length > 0)
        {
            // The suite would not send these parts, but its reports would show them.
            if (url.UserInfo.Length > 0)
            {
                result.AddError($"{name} must hold no user and no password; give them with --header-env Authorization=VARIABLE.");
            }
            else if (url.Query.Length > 0 || url.Fragment.Length > 0)
            {
                result.AddError($"{name} must end with its path; give what comes behind the ? with --query NAME=VALUE.");
            }

            return url;
        }

        var beginnings = string.Join(" or ", schemes.Select(scheme => $"{scheme}://"));
        result.AddError($"{name} must be a URL that begins with {beginnings}, but is '{text}'.");
        return null;
    }

    private static int? WholeOrError(ArgumentResult result, string name, int least, int most)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= least
            && value <= most)
        {
            return value;
        }

        result.AddError($"{name} must be a whole number from {least} to {most}, but is '{text}'.");
        return null;
    }
}
