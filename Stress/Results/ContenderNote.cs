namespace PubSub.Stress.Results;

/// <summary>A server that took part, with its version and settings; or an absent one, with the reason in place of the version.</summary>
internal sealed record ContenderNote(string Name, string Version, bool Absent);
