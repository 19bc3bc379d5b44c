namespace PubSub.Interleavings.Harness;

/// <summary>
/// The entry point of an assembly in which the harness is compiled together with a wrong broker. Its signature has types of the runtime
/// only: the test's own types are others, although they have the same names.
/// </summary>
internal static class EntryPoint
{
    /// <summary>Explores a program of <see cref="Seams"/> exhaustively.</summary>
    /// <param name="law">The name of the one law that is checked; all, if null.</param>
    /// <returns>The laws that are broken in the first schedule found, and what happens in it. No law, if no schedule was found.</returns>
    public static (IReadOnlyList<string> Broken, string Report) Explore(string program, string? law, int preemptions)
    {
        using var exploration = new Exploration(Seams.Named(program)) { Only = law };
        exploration.Exhaustively(preemptions);
        return exploration.Found is { } found ? exploration.Replay(found.Schedule) : ([], $"nothing in {exploration.Schedules} schedules");
    }
}
