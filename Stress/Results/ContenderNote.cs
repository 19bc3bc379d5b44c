namespace PubSub.Stress;

/// <summary>A server that took part, with all that identifies it; or one that would have, with the reason why not: absent, not beaten.</summary>
internal sealed record ContenderNote(string Name, string Version, bool Absent);
