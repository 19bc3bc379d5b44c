namespace PubSub.Stress;

internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>A promise was broken, or a server did not answer.</summary>
    public const int Failed = 1;

    public const int Usage = 2;

    public const int Interrupted = 130;
}
