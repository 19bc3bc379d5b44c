namespace PubSub.Stress;

/// <summary>The command line asks for something that does not exist.</summary>
internal sealed class UsageError(string message) : Exception(message);
