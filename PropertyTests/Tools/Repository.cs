namespace PubSub.PropertyTests.Tools;

/// <summary>The source tree that these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] Sources =
    [
        ".cs", ".csproj", ".props", ".targets", ".sln", ".json", ".html", ".md", ".yml", ".yaml", ".txt", ".sh", ".http", ".editorconfig",
        ".gitignore",
        "Dockerfile", "",
    ];

    private static readonly string[] Generated = ["bin", "obj", "TestResults", "node_modules", "StrykerOutput"];
    private static readonly string[] Hidden = [".ci", ".github", ".config"];

    public static string Root { get; } = Find(AppContext.BaseDirectory);

    public static string PathOf(string relative) => Path.Combine(Root, relative.Replace('/', Path.DirectorySeparatorChar));

    public static string Read(string relative) => File.ReadAllText(PathOf(relative));

    /// <summary>The C# files of a folder, relative to the root.</summary>
    public static IReadOnlyList<string> CSharp(string folder) =>
        [.. Files(PathOf(folder)).Where(file => file.EndsWith(".cs", StringComparison.Ordinal))];

    /// <summary>Every file that a person wrote, relative to the root.</summary>
    public static IReadOnlyList<string> AllSources() =>
        [.. Files(Root).Where(file => Sources.Contains(Path.GetExtension(file)) || Sources.Contains(Path.GetFileName(file)))];

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateDirectories(folder)
            .Where(child => Path.GetFileName(child) is var name && !Generated.Contains(name) && (name[0] != '.' || Hidden.Contains(name)))
            .SelectMany(Files)
            .Concat(Directory.EnumerateFiles(folder).Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/')));

    private static string Find(string folder) =>
        File.Exists(Path.Combine(folder, "PubSubSpec.sln")) ? folder
        : Path.GetDirectoryName(folder) is { } parent ? Find(parent)
        : throw new DirectoryNotFoundException("these tests must run from inside the repository");
}
