namespace PubSub.Conformance.Tests.Cli;

/// <summary>A folder for one test, gone with all that is in it when the test is over.</summary>
internal sealed class Folder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("conformance-test-").FullName;

    /// <summary>The environment of a tool that keeps its temporary files here and not with those of others.</summary>
    public IReadOnlyDictionary<string, string?> Temporary =>
        new Dictionary<string, string?> { ["TMPDIR"] = Root, ["TMP"] = Root, ["TEMP"] = Root };

    /// <summary>What tools with such an environment have left to clean up.</summary>
    public IReadOnlyList<string> Journals => Directory.GetFiles(Root, "*.journal", SearchOption.AllDirectories);

    public string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    public string Read(params string[] parts) => File.ReadAllText(PathOf(parts));

    /// <summary>Returns the path of the new file.</summary>
    public string Write(string name, string text)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>The results that a run has written below this folder.</summary>
    public Results Results(params string[] parts) => Conformance.Results.Parse(Read([.. parts, "results.json"]));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
