using System.Text.RegularExpressions;
using PubSub.Interleavings.Harness;

namespace PubSub.Interleavings;

/// <summary>A fault: the broker with some text of one source file replaced.</summary>
/// <param name="Fault">What the patched broker does wrong.</param>
/// <param name="File">The name of the source file in <c>Broker</c>.</param>
internal sealed partial record Patch(string Fault, string File)
{
    /// <summary>Each old text occurs exactly once in the file, white space aside.</summary>
    public IReadOnlyList<(string Old, string New)> Edits { get; init; } = [];

    /// <summary>The laws that the patched broker breaks, and a program of <see cref="Seams"/> that shows it.</summary>
    public IReadOnlyList<(Law Law, string Program)> Broken { get; init; } = [];

    public Patch Replace(string old, string with) => this with { Edits = [.. Edits, (old, with)] };

    public Patch Remove(string old) => Replace(old, "");

    public Patch Before(string old, string insert) => Replace(old, $"{insert}\n{old}");

    public Patch After(string old, string insert) => Replace(old, $"{old}\n{insert}");

    public Patch Breaks(Law law, string program) => this with { Broken = [.. Broken, (law, program)] };

    /// <summary>The patched source. Throws if an old text does not occur exactly once.</summary>
    public string Apply(string source)
    {
        foreach (var (old, replacement) in Edits)
        {
            var found = Regex.Matches(source, string.Join(@"\s+", Space().Split(old.Trim()).Select(Regex.Escape)));
            if (found.Count != 1)
            {
                throw new InvalidOperationException($"\"{Fault}\" does not apply: {File} has this text {found.Count} times:\n{old}");
            }

            source = source[..found[0].Index] + replacement + source[(found[0].Index + found[0].Length)..];
        }

        return source;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
