using System.CommandLine;

namespace PubSub.Hosting.Access;

/// <summary>
/// <c>key new</c>, <c>key list</c> and <c>key remove</c>: looks after a file of API keys. A new key is printed once; the file has its hash
/// only.
/// </summary>
internal static class KeyCommand
{
    private static readonly Option<string> File = new("--KEYS_FILE")
    {
        Description = "The file of keys, as the setting KEYS_FILE.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("KEYS_FILE") is { Length: > 0 } path ? path : "keys.json",
    };

    public static Task<int> RunAsync(string[] args) =>
        new Command("PubSub.Host") { new Command("key", "Looks after a file of API keys.") { New(), List(), Remove() } }
            .Parse(args).InvokeAsync();

    private static Command New()
    {
        var name = new Option<string>("--name") { Description = "For the log.", DefaultValueFactory = _ => "unnamed" };
        var publish = Patterns("--publish", "Topics that it may publish to: a name, or a prefix followed by *. May be given again.");
        var subscribe = Patterns("--subscribe", "Topics that it may subscribe to and read.");
        var manage = Patterns("--manage", "Topics that it may create and delete.");
        var publishes = new Option<int?>("--publishes-per-second") { Description = "Messages that it may publish in a second." };
        var bytes = new Option<int?>("--bytes-per-second") { Description = "Bytes of messages that it may publish in a second." };
        var connections = new Option<int?>("--connections") { Description = "Subscriber connections that it may have at once." };
        var command = new Command("new", "Adds a key to the file, and prints it. It cannot be shown again.")
        {
            File, name, publish, subscribe, manage, publishes, bytes, connections,
        };
        command.SetAction(parsed => Change(parsed, keys =>
        {
            var (key, id, sha256) = KeyEntry.New();
            var entry = new KeyEntry(
                id,
                parsed.GetRequiredValue(name),
                sha256,
                parsed.GetRequiredValue(publish),
                parsed.GetRequiredValue(subscribe),
                parsed.GetRequiredValue(manage))
            {
                PublishesPerSecond = parsed.GetValue(publishes),
                BytesPerSecond = parsed.GetValue(bytes),
                Connections = parsed.GetValue(connections),
            };
            return entry.Fault() is { } fault ? throw new FormatException($"the key {fault}") : ([.. keys, entry], key);
        }));
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "Lists the keys of the file: id, name, and what they permit.") { File };
        command.SetAction(parsed => Try(() =>
        {
            foreach (var key in Read(parsed.GetRequiredValue(File)))
            {
                Console.WriteLine(
                    $"{key.Id} {key.Name}: publish [{string.Join(' ', key.Publish)}] subscribe [{string.Join(' ', key.Subscribe)}] "
                    + $"manage [{string.Join(' ', key.Manage)}]");
            }
        }));
        return command;
    }

    private static Command Remove()
    {
        var id = new Argument<string>("id") { Description = "As `key list` prints it: the 8 characters behind psk_." };
        var command = new Command("remove", "Removes a key. Servers that use the file end its connections within two seconds.")
        {
            id, File,
        };
        command.SetAction(parsed => Change(parsed, keys =>
        {
            KeyEntry[] rest = [.. keys.Where(key => key.Id != parsed.GetRequiredValue(id))];
            return rest.Length < keys.Count ? (rest, null) : throw new FormatException("there is no key with this id");
        }));
        return command;
    }

    private static Option<string[]> Patterns(string name, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => [] };

    private static int Change(ParseResult parsed, Func<IReadOnlyList<KeyEntry>, (KeyEntry[] Keys, string? Print)> change) => Try(() =>
    {
        var path = parsed.GetRequiredValue(File);
        var (keys, print) = change(System.IO.File.Exists(path) ? Read(path) : []);
        Write(path, new KeyFile(keys).ToJson());
        if (print is not null)
        {
            Console.WriteLine(print);
            Console.Error.WriteLine($"added to {Path.GetFullPath(path)}"); // `dotnet run` runs in the folder of the project
        }
    });

    private static int Try(Action act)
    {
        try
        {
            act();
            return 0;
        }
        catch (Exception fault) when (fault is FormatException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(fault.Message);
            return 1;
        }
    }

    private static IReadOnlyList<KeyEntry> Read(string path) => KeyFile.Parse(System.IO.File.ReadAllBytes(path)).Keys;

    /// <summary>Replaces the file as a whole, so that a server never reads half of it. A new file may be read by its owner only.</summary>
    private static void Write(string path, byte[] content)
    {
        var fresh = $"{path}.{Environment.ProcessId}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = System.IO.File.Exists(path)
                ? System.IO.File.GetUnixFileMode(path)
                : UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var stream = new FileStream(fresh, options))
        {
            stream.Write(content);
        }

        System.IO.File.Move(fresh, path, overwrite: true);
    }
}
