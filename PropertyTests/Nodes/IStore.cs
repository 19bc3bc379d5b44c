using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>A Redis on this machine that the nodes of a test share.</summary>
internal interface IStore : IAsyncDisposable
{
    int Port { get; }

    /// <summary>The setting REDIS of the nodes.</summary>
    string Connection => $"127.0.0.1:{Frames.Text(Port)}";
}
