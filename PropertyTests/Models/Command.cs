namespace PubSub.PropertyTests.Models;

/// <summary>One step of a history, taken by a client or by the operator. Clients are numbered.</summary>
internal abstract record Command
{
    /// <summary>Opens a connection, if the client has none that is open.</summary>
    public sealed record Connect(int Who) : Command;

    /// <summary>Ends the connection. After an abrupt end, the queued frames are never read.</summary>
    public sealed record Leave(int Who, bool Abruptly) : Command;

    public sealed record Create(string Topic) : Command;

    public sealed record Delete(string Topic) : Command;

    /// <summary>Sets the clock forward or back; it goes on by one tick with every step.</summary>
    public sealed record SetClock(int Ticks) : Command;

    /// <summary>Reads retained events without subscribing: the newest, or, without a number, those later than a position.</summary>
    public sealed record Fetch(string Topic, int? LastN, Seen Since) : Command;

    public sealed record Subscribe(int Who, string Topic, int LastN) : Request(Who);

    /// <summary>Subscribes from a position on.</summary>
    public sealed record Resume(int Who, string Topic, Seen Since) : Request(Who);

    public sealed record Unsubscribe(int Who, string Topic) : Request(Who);

    /// <param name="Size">Of the event, in bytes.</param>
    public sealed record Publish(int Who, string Topic, int Size) : Request(Who);

    /// <summary>Publishes many in one step.</summary>
    public sealed record PublishAll(int Who, string Topic, int Size, int Count) : Request(Who);

    /// <summary>Takes at most <paramref name="Count"/> queued frames; a client reads only in these steps.</summary>
    /// <param name="Hold">Whether the last of them is still being sent until the next read.</param>
    public sealed record Read(int Who, int Count, bool Hold) : Command;

    /// <summary>A request that is sent and answered over the client's connection.</summary>
    public abstract record Request(int Who) : Command;
}
