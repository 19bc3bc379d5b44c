namespace PubSub.Stress;

/// <summary>The server broke a promise of its protocol, or did not answer: the figures of this run are void.</summary>
internal sealed class RunFailed(string message, Exception? cause = null) : Exception(message, cause);
