namespace PubSub.Conformance;

/// <summary>Starts the target again after a death.</summary>
public interface IRestart
{
    RestartedBy By { get; }

    /// <summary>How the target's process ended ("its process ended with status 139"); null while it runs, or where that is not known.</summary>
    string? Ended { get; }

    /// <summary>
    /// Ends what is left of the target and starts it again. Returns the origin where it is now, or null for the same as before; it may
    /// not answer yet.
    /// </summary>
    /// <exception cref="Inconclusive">It does not start; the message says why.</exception>
    Task<Uri?> StartAsync(CancellationToken cancellation);
}
