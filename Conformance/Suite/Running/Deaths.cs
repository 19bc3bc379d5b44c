namespace PubSub.Conformance;

/// <summary>Every death of the target so far, and how often it came back.</summary>
internal sealed class Deaths
{
    public List<DeathResult> Results { get; } = [];

    public int Restarts { get; set; }
}
