namespace PubSub.Hosting.Redis;

/// <summary>The scripts: each file is one step in Redis.</summary>
internal static class Scripts
{
    public static string Create { get; } = Read("create");

    public static string Delete { get; } = Read("delete");

    public static string Publish { get; } = Read("publish");

    public static string Mark { get; } = Read("mark");

    public static string Count { get; } = Read("count");

    public static string ReadTopic { get; } = Read("read");

    public static string Register { get; } = Read("register");

    public static string Unregister { get; } = Read("unregister");

    public static string Lease { get; } = Read("lease");

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(Scripts).Assembly.GetManifestResourceStream($"{name}.lua")!);
        return reader.ReadToEnd();
    }
}
