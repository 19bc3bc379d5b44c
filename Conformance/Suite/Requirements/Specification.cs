using System.Text.RegularExpressions;

namespace PubSub.Conformance.Requirements;

/// <summary>
/// Reads the catalogue from SPEC.md, its only source. A requirement begins with <c>**[PS-AREA-000]**</c> and its sentence, followed by its
/// fields as <c>*Name:* value</c>; it ends at a blank line or a heading. Key words of RFC 2119 are allowed only in requirements, in code
/// and in the section that defines them.
/// </summary>
public static partial class Specification
{
    private static readonly string[] Fields = ["Intent", "Source", "Decision", "Level", "Profile", "Test", "Reason"];

    /// <exception cref="InvalidDataException">Something is wrong; the message names the requirement and the field, or the line.</exception>
    public static Catalogue Parse(string markdown)
    {
        var lines = markdown.ReplaceLineEndings("\n").Split('\n');
        var title = Title().Match(lines[0]);
        if (!title.Success)
        {
            throw new InvalidDataException($"SPEC.md, line 1: '{lines[0]}' is not '# NAME VERSION'");
        }

        var requirements = new List<Requirement>();
        var fenced = false;
        var definesKeywords = false;
        for (var i = 1; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                fenced = !fenced;
            }
            else if (fenced)
            {
                // An example defines nothing.
            }
            else if (line.StartsWith('#'))
            {
                definesKeywords = lines.Skip(i + 1).TakeWhile(next => !next.StartsWith('#'))
                    .Any(next => next.Contains("RFC 2119", StringComparison.Ordinal));
            }
            else if (Anchor().Match(line) is { Success: true } anchor)
            {
                var rest = lines.Skip(i + 1).TakeWhile(next => next.Trim().Length > 0 && !next.StartsWith('#')).ToList();
                var requirement = Read(anchor.Groups[1].Value, anchor.Groups[2].Value, [line[anchor.Length..], .. rest]);
                if (requirements.Any(other => other.Id == requirement.Id))
                {
                    throw Wrong(requirement.Id, "the id stands there twice");
                }

                requirements.Add(requirement);
                i += rest.Count;
            }
            else if (!definesKeywords && Keywords(line).FirstOrDefault() is { } stray)
            {
                throw new InvalidDataException($"SPEC.md, line {i + 1}: '{stray}' stands outside a requirement: {line.Trim()}");
            }
        }

        return new Catalogue(requirements, title.Groups[1].Value, title.Groups[2].Value);
    }

    private static Requirement Read(string id, string area, IEnumerable<string> lines)
    {
        var block = Spaces().Replace(string.Join(' ', lines.Select(line => line.TrimStart('>', ' '))), " ");
        var names = Field().Matches(block);
        var values = new Dictionary<string, string>();
        for (var i = 0; i < names.Count; i++)
        {
            var name = names[i].Groups[1].Value;
            var end = i + 1 < names.Count ? names[i + 1].Index : block.Length;
            var value = block[(names[i].Index + names[i].Length)..end].Trim(' ', '\u00b7');
            if (!Fields.Contains(name))
            {
                throw Wrong(id, $"{name} is none of the fields {string.Join(", ", Fields)}");
            }

            if (value.Length == 0)
            {
                throw Wrong(id, $"{name} is empty");
            }

            if (!values.TryAdd(name, value))
            {
                throw Wrong(id, $"{name} stands there twice");
            }
        }

        var text = block[..(names.Count > 0 ? names[0].Index : block.Length)].Trim();
        var level = OneOf<Level>(id, "Level", Required("Level"), level => Requirement.KeywordOf(level).Replace(' ', '_'));
        if (!Keywords(text).Distinct().SequenceEqual([Requirement.KeywordOf(level)]))
        {
            throw Wrong(id, $"Level is '{Requirement.KeywordOf(level)}', but that is not the one keyword of the sentence: {text}");
        }

        if (!values.ContainsKey("Source") && !values.ContainsKey("Decision"))
        {
            throw Wrong(id, "Source is missing, and so is Decision");
        }

        return new Requirement
        {
            Id = id,
            Level = level,
            Area = area,
            Text = text,
            Intent = Required("Intent"),
            Source = values.GetValueOrDefault("Source"),
            Decision = values.GetValueOrDefault("Decision"),
            Profile = OneOf<Profile>(id, "Profile", Required("Profile"), profile => profile.ToString().ToLowerInvariant()),
            Testability = OneOf<Testability>(id, "Test", Required("Test"), test => test.ToString().ToLowerInvariant()),
            Reason = values.GetValueOrDefault("Reason"),
        };

        string Required(string field) => values.TryGetValue(field, out var value) ? value : throw Wrong(id, $"{field} is missing");
    }

    private static T OneOf<T>(string id, string field, string value, Func<T, string> spelling)
        where T : struct, Enum
    {
        var spellings = Enum.GetValues<T>().ToDictionary(spelling);
        return spellings.TryGetValue(value, out var known)
            ? known
            : throw Wrong(id, $"{field} is '{value}', but must be one of {string.Join(", ", spellings.Keys)}");
    }

    private static InvalidDataException Wrong(string id, string problem) => new($"SPEC.md, {id}: {problem}");

    private static IEnumerable<string> Keywords(string text) =>
        Keyword().Matches(CodeSpan().Replace(text, "")).Select(match => match.Value);

    [GeneratedRegex(@"^# (\S+) (\S+)$")]
    private static partial Regex Title();

    [GeneratedRegex(@"^\*\*\[(PS-([A-Z]+)-\d{3})\]\*\*")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\*([A-Z][a-z]+):\*")]
    private static partial Regex Field();

    [GeneratedRegex(@"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")]
    private static partial Regex Keyword();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
