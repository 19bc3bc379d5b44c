namespace PubSub.Stress;

/// <summary>The publisher's round trips in three phases, and the fate of the subscriber that never read.</summary>
/// <param name="Cut">The server no longer counts it as a subscriber.</param>
/// <param name="UntilCut">From its subscribe until the server no longer counted it, as far as polling shows; the limit if it still did.</param>
/// <param name="Error">The error it found when it read at last; null if none reached it.</param>
/// <param name="Ending">How its connection had ended.</param>
/// <param name="SlowReceived">Events it found before that, without a gap.</param>
/// <param name="SlowPublished">Messages published since it asked to subscribe.</param>
internal sealed record SlowReport(
    Setting Setting,
    int Subscribers,
    int PayloadBytes,
    long Published,
    Percentiles? Before,
    Percentiles? During,
    Percentiles? After,
    bool Cut,
    TimeSpan UntilCut,
    string? Error,
    string? Ending,
    long SlowReceived,
    long SlowPublished)
{
    private string Fate => Cut ? $"cut after {UntilCut.TotalMilliseconds:N0} ms" : $"FAILED: not cut within {UntilCut.TotalSeconds:0} s";

    public override string ToString() => $"""
        acks before  {Before}
        acks during  {During}
        acks after   {After}
        healthy      {Subscribers:N0} subscribers received {Published:N0} messages each, in order, none lost, none twice
        slow         {Fate}
        it had       {SlowReceived:N0} of {SlowPublished:N0} events; error: {Error ?? "none"}; connection: {Ending ?? "open"}
        """;
}
