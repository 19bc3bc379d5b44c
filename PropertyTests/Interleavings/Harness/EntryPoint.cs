namespace PubSub.Interleavings.Harness;

/// <summary>
/// What a test calls when the harness is compiled together with a wrong broker. The test and that assembly have no types in common but
/// those of the runtime.
/// </summary>
internal static class EntryPoint
{
    /// <summary>Explores a program of <see cref="Seams"/> exhaustively.</summary>
    /// <param name="law">The name of the one law that is checked; all, if null.</param>
    /// <returns>The laws that the schedule found breaks, and what happens in it. No law, if none was found.</returns>
    public static (IReadOnlyList<string> Broken, string Report) Explore(string program, string? law, int preemptions)
    {
        using var exploration = new Exploration(Seams.Named(program)) { Only = law };
        exploration.Exhaustively(preemptions);
        return exploration.Found is { } found ? exploration.Replay(found.Schedule) : ([], $"nothing in {exploration.Schedules} schedules");
    }
}
