
namespace PubSub.Hosting.Protocol;

/// <summary>A request of a client. Validated when it is parsed, and trusted afterwards.</summary>
/// <param name="RequestId">The raw JSON string of <c>request_id</c>, quotes included; empty when there is none.</param>
/// <remarks>Memory in a request is a slice of the message it was parsed from and valid as long as that is.</remarks>
internal abstract record Request(ReadOnlyMemory<byte> RequestId)
{
    /// <summary>Levels of arrays and objects that a request may be nested (PS-ROB-002).</summary>
    public const int MaxDepth = 512;

    /// <param name="Topic">A legal topic name.</param>
    /// <param name="RawTopic">The same as the client spelled it: a JSON string, quotes included.</param>
    /// <param name="LastN">Events to replay, at least 0.</param>
    /// <param name="Position">Where to go on from, instead of <paramref name="LastN"/>; null if the client names no position.</param>
    /// <param name="RequestId">See <see cref="Request"/>.</param>
    public sealed record Subscribe(
        string Topic, ReadOnlyMemory<byte> RawTopic, int LastN, Position? Position, ReadOnlyMemory<byte> RequestId)
        : Request(RequestId);

    /// <param name="Topic">A legal topic name.</param>
    /// <param name="RawTopic">The same as the client spelled it.</param>
    /// <param name="RequestId">See <see cref="Request"/>.</param>
    public sealed record Unsubscribe(string Topic, ReadOnlyMemory<byte> RawTopic, ReadOnlyMemory<byte> RequestId) : Request(RequestId);

    /// <param name="Topic">A legal topic name.</param>
    /// <param name="RawTopic">The same as the client spelled it.</param>
    /// <param name="Message">The raw JSON object, byte for byte, known to have an <c>id</c> and a <c>payload</c>.</param>
    /// <param name="RequestId">See <see cref="Request"/>.</param>
    public sealed record Publish(string Topic, ReadOnlyMemory<byte> RawTopic, ReadOnlyMemory<byte> Message, ReadOnlyMemory<byte> RequestId)
        : Request(RequestId);

    /// <param name="RequestId">See <see cref="Request"/>.</param>
    public sealed record Ping(ReadOnlyMemory<byte> RequestId) : Request(RequestId);

    /// <summary>Reads one request.</summary>
    /// <exception cref="BadRequestException">It is none; the message names the field and the rule (PS-ERR-005).</exception>
    public static Request Parse(ReadOnlyMemory<byte> json)
    {
        var fields = RequestFields.Read(json);
        switch (fields.Type())
        {
            case "subscribe":
                fields.CheckClientId();
                return new Subscribe(fields.Topic(), fields.RawTopic, fields.LastN(), fields.Position(), fields.RequestId);
            case "unsubscribe":
                fields.CheckClientId();
                return new Unsubscribe(fields.Topic(), fields.RawTopic, fields.RequestId);
            case "publish":
                return new Publish(fields.Topic(), fields.RawTopic, fields.Message(), fields.RequestId);
            default:
                return new Ping(fields.RequestId);
        }
    }
}

/// <summary>A request that cannot be understood (PS-ERR-001, PS-ERR-003).</summary>
/// <param name="message">The field and the rule it broke.</param>
/// <param name="requestId">The raw JSON string of the request's id, if it could be read.</param>
internal sealed class BadRequestException(string message, ReadOnlyMemory<byte> requestId) : Exception(message)
{
    public ReadOnlyMemory<byte> RequestId => requestId;
}
