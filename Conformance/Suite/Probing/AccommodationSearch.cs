using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>
/// Finds out where the server needs requests over the WebSocket that differ from SPEC.md. It sends each request as specified and, if the
/// server refuses that, in the known spellings. A server that accepts everything as specified gets four requests.
/// </summary>
internal sealed class AccommodationSearch(ProbeSession probe)
{
    public const string NoUuid = "probe-1";
    public const string SomeUuid = "6b6f6e66-6f72-4d69-8574-610000000001";

    private const string ClientId = "client_id";

    /// <summary>Members that may hold the message and the payload, the most usual first.</summary>
    private static readonly (string Message, string Payload)[] Forms =
    [
        ("message", "payload"), ("data", "payload"), (Accommodations.Flat, "payload"), ("message", "data"), (Accommodations.Flat, "data"),
        ("message", "body"), ("message", "content"), ("payload", "payload"), ("event", "payload"), ("data", "data"),
        (Accommodations.Flat, "message"), (Accommodations.Flat, "body"),
    ];

    private Accommodations Wants => probe.Target.Accommodations;

    /// <summary>Finds out what a ping, a subscribe and an unsubscribe need, and which request ids are accepted.</summary>
    public async Task AskAsync(string topic)
    {
        await AskOneAsync("ping", Request.Ping());
        await AskRequestIdAsync();
        await AskOneAsync("subscribe", Request.Subscribe(topic, "conformance-probe"));
        await AskOneAsync("unsubscribe", Request.Unsubscribe(topic, "conformance-probe"));
    }

    /// <summary>Finds out which message ids are accepted, and what else a publish needs.</summary>
    public async Task<Answer> AskPublishAsync(string topic)
    {
        var (plain, isSilent) = await TryAsync(Wants, Publish(topic, NoUuid));
        if (plain is null && isSilent)
        {
            return new("any", $"a publish with the id {NoUuid} was not answered", FindingSource.Assumed);
        }

        if (Discovery.IsForbidden(plain))
        {
            throw Discovery.Closed("a publish", plain!);
        }

        probe.CanPublish = true;
        if (plain is { IsError: false })
        {
            return new("any", $"a publish with the id {NoUuid} was acked");
        }

        if (await IsTakenAsync(Wants, Publish(topic, SomeUuid)))
        {
            probe.Target = probe.Target with { MessageIds = MessageIds.Uuids() };
            return new("uuid", $"a UUID was acked, {NoUuid} was answered {plain}");
        }

        foreach (var (message, payload) in Forms)
        {
            var formed = Wants with { Message = message, Payload = payload };
            var rich = formed.Adding("publish", ClientId);
            if (await IsTakenAsync(rich, Publish(topic, SomeUuid)))
            {
                return await TakenAsync(topic, message, payload, formed, rich, $"a publish as specified was answered {plain}");
            }
        }

        probe.CanPublish = false;
        return new("any", $"neither {NoUuid} nor a UUID was acked: {plain}", FindingSource.Assumed);
    }

    // Finds out which of the differences are needed, and keeps only those.
    private async Task<Answer> TakenAsync(
        string topic, string message, string payload, Accommodations formed, Accommodations rich, string evidence)
    {
        var needsClientId = !await IsTakenAsync(formed, Publish(topic, SomeUuid));
        var wants = needsClientId ? rich : formed;
        var needsUuid = !await IsTakenAsync(wants, Publish(topic, NoUuid));
        if (needsUuid)
        {
            probe.Target = probe.Target with { MessageIds = MessageIds.Uuids() };
        }

        if (needsClientId)
        {
            probe.Accommodate(Wants.Adding("publish", ClientId), "client_id in a publish", "wanted", evidence);
        }

        if (message != "message")
        {
            probe.Accommodate(
                Wants with { Message = message },
                "message in a publish",
                message == Accommodations.Flat ? "its members beside topic" : $"called '{message}'",
                evidence);
        }

        if (payload != "payload")
        {
            probe.Accommodate(Wants with { Payload = payload }, "payload in a publish", $"called '{payload}'", evidence);
        }

        return needsUuid
            ? new("uuid", $"a UUID was acked, {NoUuid} was refused")
            : new("any", $"a publish with the id {NoUuid} was acked");
    }

    private async Task AskOneAsync(string type, Request request)
    {
        var (plain, isSilent) = await TryAsync(Wants, request);
        if (plain is { IsError: false } || isSilent)
        {
            return;
        }

        var evidence = $"a {type} as specified was answered {plain}";
        var uuids = Wants with { UuidRequestIds = true };
        if (!Wants.UuidRequestIds && await IsTakenAsync(uuids, request))
        {
            probe.Accommodate(uuids, "request ids", "UUIDs only", evidence);
        }
        else if (type == "ping" && await IsTakenAsync(Wants.Adding(type, ClientId), request))
        {
            probe.Accommodate(Wants.Adding(type, ClientId), $"client_id in a {type}", "wanted", evidence);
        }
        else if (type == "ping" && await IsTakenAsync(uuids.Adding(type, ClientId), request))
        {
            probe.Accommodate(uuids, "request ids", "UUIDs only", evidence);
            probe.Accommodate(Wants.Adding(type, ClientId), $"client_id in a {type}", "wanted", evidence);
        }
    }

    private async Task AskRequestIdAsync()
    {
        if (await TryAsync(Wants, Request.Ping().WithoutRequestId()) is ({ IsError: true } refusal, _)
            && Wants with { RequestIdRequired = true } is var required
            && await IsTakenAsync(required, Request.Ping().WithoutRequestId()))
        {
            probe.Accommodate(required, "request ids", "required", $"a ping without request_id was answered {refusal}");
        }
    }

    private static Request Publish(string topic, string id) =>
        Request.Publish(topic, "probe", """{"probe":1}""").WithText("message.id", id);

    private async Task<bool> IsTakenAsync(Accommodations wants, Request request) =>
        await TryAsync(wants, request) is ({ IsError: false }, _);

    /// <summary>The reply to this request on a connection of its own; without one, whether the connection is still open.</summary>
    private async Task<(ServerMessage? Reply, bool IsSilent)> TryAsync(Accommodations wants, Request request)
    {
        RawClient? client = null;
        try
        {
            (client, _) = await probe.ConnectAsync(probe.Target.Accommodating(wants));
            await client.SendAsync(request.IsAnonymous ? request : request.WithRequestId("probe"));
            TimeSpan? within = request.IsAnonymous ? probe.Timeouts.Wait / 5 : null;
            return (await client.ReadMessageAsync(message => message.IsReply, "a reply", within), false);
        }
        catch (Violation)
        {
            return (null, client is { Closure: null });
        }
        finally
        {
            if (client is not null)
            {
                await client.DisposeAsync();
            }
        }
    }
}
