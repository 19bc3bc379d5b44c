using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using PubSub.Interleavings.Harness;

namespace PubSub.Interleavings;

/// <summary>The broker's sources with a patch, and the harness, compiled in memory into an assembly of their own.</summary>
/// <remarks>
/// They are compiled without DEBUG, as the broker is shipped: a law must notice the fault, not one of the broker's own assertions.
/// </remarks>
internal sealed class PatchedBroker : IDisposable
{
    /// <summary>As the project has them (ImplicitUsings).</summary>
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpCompilation Shipped = CSharpCompilation.Create(
        "PubSub.Interleavings.Patched",
        [.. Sources(), Parse("Usings.cs", Usings)],
        Runtime(),
        new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary,
            optimizationLevel: OptimizationLevel.Release,
            nullableContextOptions: NullableContextOptions.Enable));

    private readonly AssemblyLoadContext _context = new("patched", isCollectible: true);

    private PatchedBroker(Stream image) =>
        Explore = _context.LoadFromStream(image)
            .GetType(typeof(EntryPoint).FullName!, throwOnError: true)!
            .GetMethod(nameof(EntryPoint.Explore))!
            .CreateDelegate<Func<string, string?, int, (IReadOnlyList<string>, string)>>();

    /// <summary><see cref="EntryPoint.Explore"/> of this assembly.</summary>
    public Func<string, string?, int, (IReadOnlyList<string> Broken, string Report)> Explore { get; }

    /// <summary>Throws if the patch does not apply, or the result does not compile.</summary>
    /// <param name="patch">None, if null.</param>
    public static PatchedBroker Compile(Patch? patch)
    {
        var compilation = Shipped;
        if (patch is not null)
        {
            var path = $"Broker/{patch.File}";
            var shipped = Shipped.SyntaxTrees.Single(tree => tree.FilePath == path);
            compilation = Shipped.ReplaceSyntaxTree(shipped, Parse(path, patch.Apply(shipped.ToString())));
        }

        using var image = new MemoryStream();
        var errors = compilation.Emit(image).Diagnostics.Where(found => found.Severity == DiagnosticSeverity.Error).ToList();
        if (errors.Count > 0)
        {
            throw new InvalidOperationException($"\"{patch?.Fault ?? "No fault"}\" does not compile:\n{string.Join('\n', errors)}");
        }

        image.Position = 0;
        return new PatchedBroker(image);
    }

    public void Dispose() => _context.Unload();

    /// <summary>The sources of the broker, the harness and the shims, which the project embeds.</summary>
    private static IEnumerable<SyntaxTree> Sources()
    {
        var assembly = typeof(PatchedBroker).Assembly;
        foreach (var path in assembly.GetManifestResourceNames())
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(path)!);
            yield return Parse(path, reader.ReadToEnd());
        }
    }

    private static SyntaxTree Parse(string path, string source) =>
        CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(LanguageVersion.Latest), path);

    private static IEnumerable<MetadataReference> Runtime()
    {
        var folder = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        return ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => Path.GetDirectoryName(file) == folder)
            .Select(file => MetadataReference.CreateFromFile(file));
    }
}
