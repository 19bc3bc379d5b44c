namespace PubSub.Stress;

/// <summary>Every window was a gapless end of the witness's sequence, with all that replay owed at its beginning.</summary>
internal sealed record JoinStormReport(
    Setting Setting, int Seed, int Subscribers, int Publishers, int Messages, int ShortestWindow, int LongestWindow)
{
    public override string ToString() => $"""
        published  {Messages:N0} messages by {Publishers} publishers, all received by a witness
        joined     {Subscribers:N0} subscribers with last_n=100: no gap, no duplicate, one order
        windows    {ShortestWindow:N0} to {LongestWindow:N0} events
        """;
}
