namespace PubSub.Stress;

/// <summary>The server broke a law of its protocol, or did not answer: whatever was measured in this run is void.</summary>
internal sealed class RunFailed(string message, Exception? cause = null) : Exception(message, cause);
