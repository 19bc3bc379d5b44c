namespace PubSub.Stress;

/// <summary>One question the tool can answer. Running it returns whether the server kept every promise.</summary>
internal sealed record Verb(string Name, string Question, string Help, Func<Arguments, bool> Run);
