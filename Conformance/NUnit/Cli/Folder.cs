using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>A temporary folder for one test, deleted with all its content at the end of the test.</summary>
internal sealed class Folder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("conformance-test-").FullName;

    /// <summary>An environment in which the tool keeps its temporary files in this folder.</summary>
    public IReadOnlyDictionary<string, string?> Temporary =>
        new Dictionary<string, string?> { ["TMPDIR"] = Root, ["TMP"] = Root, ["TEMP"] = Root };

    /// <summary>The journals that tools with this environment have left behind.</summary>
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
    public Results Results(params string[] parts) => Verdicts.Results.Parse(Read([.. parts, "results.json"]));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
