using System.Text.RegularExpressions;
using NUnit.Framework;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>
/// Texts that a person has read and approved, one file each in <c>Reports/Approved</c>. Line endings do not count, and a run of more than
/// 100 equal letters is written as its length.
/// </summary>
internal static partial class Approved
{
    private const int ShownLines = 5;

    public static string Folder => Path.Combine(SpecFolder.Root, "NUnit", "Reports", "Approved");

    /// <summary>Fails with the first lines that differ, and keeps the text that was received.</summary>
    public static void Check(string name, string text)
    {
        var received = LongRun().Replace(Plain(text), run => $"[{run.Value[0]} {run.Length} times]");
        var file = Path.Combine(Folder, name);
        var approved = File.Exists(file) ? Plain(File.ReadAllText(file)) : "";
        if (received == approved)
        {
            return;
        }

        var kept = Path.Combine(TestContext.CurrentContext.TestDirectory, "received", name);
        Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
        File.WriteAllText(kept, received);
        var difference = Difference(approved.Split('\n'), received.Split('\n'));
        Assert.Fail($"{name} is not what was approved:\n{difference}If it is right, approve it: cp '{kept}' '{file}'");
    }

    private static string Difference(string[] approved, string[] received) => string.Concat(
        Enumerable.Range(0, Math.Max(approved.Length, received.Length))
            .Select(i => (Number: i + 1, Approved: approved.ElementAtOrDefault(i), Received: received.ElementAtOrDefault(i)))
            .Where(line => line.Approved != line.Received)
            .Take(ShownLines)
            .Select(line => $"line {line.Number}\n  approved: {line.Approved ?? "(none)"}\n  received: {line.Received ?? "(none)"}\n"));

    private static string Plain(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);

    [GeneratedRegex(@"([a-z])\1{100,}")]
    private static partial Regex LongRun();
}
