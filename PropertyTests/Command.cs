namespace PubSub.PropertyTests;

/// <summary>One step of a history: what a client or the operator asks for. Clients are numbered.</summary>
internal abstract record Command
{
    /// <summary>A connection, if that client has none that is open.</summary>
    public sealed record Connect(int Who) : Command;

    /// <summary>The connection ends; abruptly, what was queued is never read.</summary>
    public sealed record Leave(int Who, bool Abruptly) : Command;

    public sealed record Create(string Topic) : Command;

    public sealed record Delete(string Topic) : Command;

    public sealed record Subscribe(int Who, string Topic, int LastN) : Request(Who);

    public sealed record Unsubscribe(int Who, string Topic) : Request(Who);

    /// <param name="Size">Of the event, in bytes.</param>
    public sealed record Publish(int Who, string Topic, int Size) : Request(Who);

    /// <summary>Takes what is queued, at most <paramref name="Count"/> frames; who does none of this does not read.</summary>
    /// <param name="Hold">The last of them is still being sent until the next read.</param>
    public sealed record Read(int Who, int Count, bool Hold) : Command;

    /// <summary>What goes over the client's connection, and is answered there.</summary>
    public abstract record Request(int Who) : Command;
}
