
namespace PubSub.Hosting;

/// <summary>
/// What may stand behind the program's name: nothing, <c>healthcheck</c>, <c>--help</c>, and settings as <c>--NAME value</c>.
/// </summary>
internal static class CommandLine
{
    /// <summary>What the framework's own tools pass on.</summary>
    private static readonly string[] OfTheFramework = ["environment", "contentRoot", "applicationName"];

    public static bool AsksForHelp(string[] args) => args is ["--help" or "-h" or "-?" or "help", ..];

    public static bool AsksForHealth(string[] args) => args is ["healthcheck", ..];

    /// <summary>What is wrong with the arguments; null when nothing is.</summary>
    public static string? Fault(string[] args)
    {
        string[] known = [.. Settings.All.Select(setting => setting.Name), .. OfTheFramework];
        for (var i = AsksForHealth(args) ? 1 : 0; i < args.Length; i++)
        {
            var name = args[i].Split('=')[0];
            if (!name.StartsWith("--", StringComparison.Ordinal) || !known.Contains(name[2..], StringComparer.OrdinalIgnoreCase))
            {
                return $"'{args[i]}' is no argument; there are healthcheck, --help, and settings as --NAME value (see --help)";
            }

            if (name == args[i] && ++i == args.Length)
            {
                return $"{name} must be followed by its value";
            }
        }

        return null;
    }

    public static string Help()
    {
        var width = Settings.All.Max(setting => setting.Name.Length);
        var settings = Settings.All.Select(setting =>
            $"  {setting.Name.PadRight(width)}  {setting.Rule}{(setting.Default.Length > 0 ? $"; {setting.Default} by default" : "")}");
        return $"""
            A publish/subscribe broker over WebSocket (/v1/ws) and REST (/v1/topics).

            Usage:
              PubSub.Host [--NAME value ...]              Runs until it gets SIGTERM, SIGINT or SIGHUP, and drains.
              PubSub.Host key new|list|remove            Looks after a file of API keys (KEYS_FILE); key --help says how.
              PubSub.Host healthcheck [--NAME value ...]  Status 0 when the server with these settings is ready.
              PubSub.Host --help                          This text.

            Settings, as arguments or as environment variables. Times are in seconds, sizes in bytes:
            {string.Join(Environment.NewLine, settings)}
            """;
    }
}
