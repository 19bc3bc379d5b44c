namespace PubSub.Conformance;

/// <summary>Long texts where a line has to do.</summary>
public static class Excerpt
{
    /// <summary>The first so many characters, and an ellipsis where that is not all.</summary>
    public static string Cut(this string text, int most) => text.Length <= most ? text : $"{text[..most]}\u2026";
}
