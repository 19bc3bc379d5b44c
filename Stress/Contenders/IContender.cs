namespace PubSub.Stress;

/// <summary>A server to measure and the way to speak to it.</summary>
internal interface IContender : IDisposable
{
    string Name { get; }

    /// <summary>What exactly is measured, for the report.</summary>
    string Version { get; }

    /// <summary>The server's process; null when it cannot be observed.</summary>
    ProcessCost? Cost { get; }

    void CreateTopic(string topic);

    void DeleteTopic(string topic);

    Connection Open(Loop loop);
}
