namespace PubSub.Hosting.Protocol;

/// <summary>A legal message as its publisher wrote it.</summary>
/// <param name="Json">The object, byte for byte.</param>
/// <param name="Id">Its <c>id</c>: a JSON string, quotes included.</param>
internal readonly record struct RawMessage(ReadOnlyMemory<byte> Json, ReadOnlyMemory<byte> Id);
