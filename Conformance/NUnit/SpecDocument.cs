using System.Text.RegularExpressions;
using NUnit.Framework;

namespace PubSub.Conformance.Tests;

/// <summary>One numbered requirement as the document prints it: a sentence, then lines of <c>*Name:* value</c>.</summary>
internal sealed record SpecItem(string Id, string Text, IReadOnlyDictionary<string, string> Metadata)
{
    public string? Meta(string name) => Metadata.GetValueOrDefault(name);
}

/// <summary>
/// SPEC.md, read for what can be checked. An item ends at a blank line or a heading; the section that defines the key words is
/// free to use them.
/// </summary>
internal sealed partial class SpecDocument
{
    private SpecDocument(IReadOnlyList<SpecItem> items, IReadOnlyList<string> strayKeywords)
    {
        Items = items;
        StrayKeywords = strayKeywords;
    }

    public IReadOnlyList<SpecItem> Items { get; }

    /// <summary>Lines with an upper-case keyword that belong to no requirement.</summary>
    public IReadOnlyList<string> StrayKeywords { get; }

    /// <summary>Where the specification lies in the repository, seen from the tests.</summary>
    public static string Folder
    {
        get
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

    public static SpecDocument Load() => Parse(File.ReadAllLines(Path.Combine(Folder, "SPEC.md")));

    public static SpecDocument Parse(IReadOnlyList<string> lines)
    {
        var items = new List<SpecItem>();
        var stray = new List<string>();
        var definesKeywords = false;
        var fenced = false;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                fenced = !fenced;
            }
            else if (!fenced && Anchor().Match(line) is { Success: true } anchor)
            {
                var body = lines.Skip(i + 1).TakeWhile(next => next.Trim().Length > 0 && !next.StartsWith('#')).ToList();
                items.Add(Read(anchor.Groups[1].Value, anchor.Groups[2].Value, body));
                i += body.Count;
            }
            else if (!fenced && line.StartsWith('#'))
            {
                definesKeywords = SectionAt(lines, i).Any(next => next.Contains("RFC 2119", StringComparison.Ordinal));
            }
            else if (!fenced && !definesKeywords && Keywords(line).Any())
            {
                stray.Add($"line {i + 1}: {line.Trim()}");
            }
        }

        return new SpecDocument(items, stray);
    }

    public static IEnumerable<string> Keywords(string text) => Keyword().Matches(CodeSpan().Replace(text, "")).Select(match => match.Value);

    /// <summary>One line, single spaces.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Plain(string? text) => text is null ? null : Spaces().Replace(text, " ").Trim();

    private static IEnumerable<string> SectionAt(IReadOnlyList<string> lines, int heading) =>
        lines.Skip(heading + 1).TakeWhile(line => !line.StartsWith('#'));

    private static SpecItem Read(string id, string firstLine, List<string> body)
    {
        var text = firstLine;
        var metadata = new Dictionary<string, string>();
        string? current = null;
        foreach (var line in body.Select(line => line.TrimStart('>', ' ').Trim()))
        {
            var fields = Field().Matches(line);
            if (fields.Count == 0 || fields[0].Index > 0)
            {
                // A line that opens no field continues what came before it.
                text += current is null ? $" {line}" : "";
                if (current is not null)
                {
                    metadata[current] += $" {line}";
                }

                continue;
            }

            for (var i = 0; i < fields.Count; i++)
            {
                var start = fields[i].Index + fields[i].Length;
                var end = i + 1 < fields.Count ? fields[i + 1].Index : line.Length;
                current = fields[i].Groups[1].Value;
                metadata[current] = line[start..end].Trim(' ', '\u00b7');
            }
        }

        return new SpecItem(id, Plain(text), metadata.ToDictionary(pair => pair.Key, pair => Plain(pair.Value)));
    }

    [GeneratedRegex(@"^\s*(?:[-*]\s+)?\*\*\[(PS-[A-Z]+-\d{3})\]\*\*\s+(.*)$")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\*(Intent|Source|Decision|Level|Profile|Test|Reason):\*")]
    private static partial Regex Field();

    [GeneratedRegex(@"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")]
    private static partial Regex Keyword();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
