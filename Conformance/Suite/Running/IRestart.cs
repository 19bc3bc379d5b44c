using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>Restarts the target after a death.</summary>
public interface IRestart
{
    RestartedBy By { get; }

    /// <summary>How the target's process ended ("its process ended with status 139"); null while it runs, or if unknown.</summary>
    string? Ended { get; }

    /// <summary>
    /// Ends what is left of the target and restarts it. Returns the new origin of each of its doors, or null if these have not changed. The
    /// target may not answer yet.
    /// </summary>
    /// <exception cref="Inconclusive">The target does not start; the message says why.</exception>
    Task<IReadOnlyList<Uri>?> StartAsync(CancellationToken cancellation);
}
