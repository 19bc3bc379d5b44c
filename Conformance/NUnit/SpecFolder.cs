using NUnit.Framework;

namespace PubSub.Conformance.Tests;

/// <summary>The folder Conformance of the repository, which contains SPEC.md.</summary>
internal static class SpecFolder
{
    public static string Root { get; } = Find();

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Conformance", "SPEC.md")))
            {
                return Path.Combine(folder.FullName, "Conformance");
            }
        }

        throw new InvalidOperationException("The tests do not run within the repository.");
    }
}
