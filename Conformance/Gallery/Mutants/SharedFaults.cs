using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Faults that several mutants share.</summary>
internal static class SharedFaults
{
    /// <summary>Changes the text of every request before it is parsed.</summary>
    public static void Respell(this Session session, Func<string, string> respell) => session.Parse.Wrap(next => text =>
        next(Encoding.UTF8.GetBytes(respell(Encoding.UTF8.GetString(text.Span)))));

    /// <summary>Changes the members of every request that is an object; any other text stays as it is.</summary>
    public static void RespellMembers(this Session session, Func<IReadOnlyList<Member>, IEnumerable<Member>> respell) =>
        session.Respell(text => Member.Of(text) is { Count: > 0 } members ? Member.Spell(respell(members)) : text);

    /// <summary>Accepts requests that one rule forbids: repairs the request and parses it again.</summary>
    /// <param name="session">The session.</param>
    /// <param name="type">The type of the requests that are repaired.</param>
    /// <param name="rule">The message of the refusal.</param>
    /// <param name="mend">Repairs the request; one that it does not change stays refused.</param>
    public static void Mend(this Session session, string type, string rule, Action<JsonObject> mend) =>
        session.Parse.Wrap(next => text =>
        {
            try
            {
                return next(text);
            }
            catch (BadRequest bad) when (bad.Message == rule)
            {
                var request = JsonNode.Parse(text.Span)!.AsObject();
                if ((string?)request["type"] == type)
                {
                    mend(request);
                }

                return next(Encoding.UTF8.GetBytes(request.ToJsonString()));
            }
        });

    /// <summary>Executes a bad request if it can be repaired, but answers with the error.</summary>
    public static void ObeyAndRefuse(this Session session, Func<string, string> mend)
    {
        BadRequest? bad = null;
        session.Parse.Wrap(next => text =>
        {
            bad = null;
            try
            {
                return next(text);
            }
            catch (BadRequest refused) when (Mended(next, Encoding.UTF8.GetString(text.Span)) is { } mended)
            {
                bad = refused;
                return mended;
            }
        });
        session.Ack.Wrap(next => request =>
            bad is null ? next(request) : session.Server.Messages.Error.Call("BAD_REQUEST", bad.Message, bad.RawRequestId));
        session.Ping.Wrap(next => request =>
        {
            if (bad is null)
            {
                return next(request);
            }

            session.Queue.Reply.Call(session.Ack.Call(request));
            return true;
        });

        ClientRequest? Mended(Func<ReadOnlyMemory<byte>, ClientRequest> read, string text)
        {
            try
            {
                return mend(text) is var mended && mended != text ? read(Encoding.UTF8.GetBytes(mended)) : null;
            }
            catch (BadRequest)
            {
                return null;
            }
        }
    }

    /// <summary>Creates the topics that requests of this type name.</summary>
    /// <param name="session">The session.</param>
    /// <param name="type">The type of the requests.</param>
    /// <param name="isLate">Whether the topic is created only after the request has been refused.</param>
    public static void CreateNamedTopics(this Session session, string type, bool isLate)
    {
        session.Answer.Wrap(next => request =>
        {
            if (!isLate && request.Type == type)
            {
                session.Server.Topics.TryCreate.Call(request.Topic);
            }

            next(request);
        });
        session.NotFound.Wrap(next => request =>
        {
            next(request);
            if (isLate && request.Type == type)
            {
                session.Server.Topics.TryCreate.Call(request.Topic);
            }
        });
    }

    /// <summary>Changes published messages.</summary>
    /// <param name="session">The session.</param>
    /// <param name="reword">Gets the name and JSON text of a member, and returns its new JSON text, or null to drop it.</param>
    public static void RewordMessages(this Session session, Func<string, string, string?> reword)
    {
        session.Parse.Wrap(next => text =>
        {
            var request = next(text);
            return request.Type == "publish" ? request with { RawMessage = Reword(request.RawMessage) } : request;
        });

        string Reword(string rawMessage)
        {
            using var json = JsonDocument.Parse(rawMessage, new JsonDocumentOptions { MaxDepth = 128 });
            var members = json.RootElement.EnumerateObject()
                .Select(member => (member.Name, Was: member.Value.GetRawText()))
                .Select(member => (member.Name, member.Was, Is: reword(member.Name, member.Was)))
                .ToList();
            var kept = members.Where(member => member.Is is not null).Select(member => $"{Messages.Quote(member.Name)}:{member.Is}");
            return members.All(member => member.Was == member.Is) ? rawMessage : $"{{{string.Join(',', kept)}}}";
        }
    }

    /// <summary>Leaves the topic out of the acks of some requests.</summary>
    public static Change AckWithoutTopic(Predicate<ClientRequest> isMeant) => server => server.Messages.Ack.Wrap(next => request =>
        isMeant(request)
            ? Messages.Text($$"""{"type":"ack"{{Messages.Id(request.RawRequestId)}},"status":"ok"{{server.Messages.Time.Call()}}}""")
            : next(request));

    /// <summary>Refuses some valid requests.</summary>
    /// <param name="session">The session.</param>
    /// <param name="isRefused">Whether it refuses the request.</param>
    /// <param name="rule">The message of the refusal.</param>
    public static void RefuseIf(this Session session, Predicate<ClientRequest> isRefused, string rule) => session.Parse.Wrap(next => text =>
    {
        var request = next(text);
        return isRefused(request) ? throw new BadRequest(rule, request.RawRequestId) : request;
    });

    /// <summary>The same ack with another status than ok.</summary>
    public static byte[] WithStatus(this byte[] ack, string status) => Messages.Text(
        Encoding.UTF8.GetString(ack).Replace("\"status\":\"ok\"", $"\"status\":\"{status}\"", StringComparison.Ordinal));

    /// <summary>Remembers the <c>client_id</c> under which each subscriber of a topic subscribed.</summary>
    /// <returns>The <c>client_id</c> of each subscriber; guarded by the gate.</returns>
    public static IReadOnlyDictionary<SendQueue, string> ClientIds(this Topic topic)
    {
        var ids = new Dictionary<SendQueue, string>();
        topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
        {
            lock (topic.Gate)
            {
                ids.TryAdd(subscriber, request.ClientId);
                return next(subscriber, request, ack);
            }
        });
        topic.Remove.Wrap(next => subscriber =>
        {
            ids.Remove(subscriber);
            next(subscriber);
        });
        return ids;
    }

    /// <inheritdoc cref="ClientIds"/>
    /// <returns>The subscribers of a <c>client_id</c>; call it inside the gate.</returns>
    public static Func<string, List<SendQueue>> ByClientId(this Topic topic)
    {
        var ids = topic.ClientIds();
        return id => [.. topic.Subscribers.Where(subscriber => ids[subscriber] == id)];
    }

    /// <summary>Changes the members of health.</summary>
    /// <param name="server">The server.</param>
    /// <param name="respell">Gets the name and JSON text of a member, and returns its new JSON text, or null to drop it.</param>
    public static void RespellHealth(this SmallServer server, Func<string, string, string?> respell) =>
        server.Rest.Health.Wrap(next => () => Member.Spell(Member.Of(next())
            .Select(member => (member.Name, Json: respell(member.Name, member.Json)))
            .Where(member => member.Json is not null)
            .Select(member => new Member(member.Name, member.Json!))));

    /// <summary>Acks a subscribe only after the replay.</summary>
    public static void AckBehindTheReplay(Topic topic) => topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
    {
        lock (topic.Gate)
        {
            if (topic.IsDeleted || topic.Subscribers.Contains(subscriber))
            {
                return next(subscriber, request, ack);
            }

            topic.Subscribers.Add(subscriber);
            foreach (var @event in topic.Replayed.Call(request.LastN))
            {
                subscriber.Say.Call(@event);
            }

            subscriber.Reply.Call(ack);
            return true;
        }
    });
}
