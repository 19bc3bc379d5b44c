using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about identities, permissions and limits.</summary>
internal static class Access
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Identities -------------------------------------------------------------------------------------------------
        Guarded("acc-open", "A client without a credential may do everything.")
            .Does(server => server.Guard.Identify.Wrap(next => request =>
                next(request) ?? (HasCredential(request) ? null : Caller.Everyone)))
            .KilledBy("PS-ACC-001", NoIdentity),
        Guarded("acc-open-streams", "A stream asks for no identity.", Capability.Sse)
            .Does(server => server.Guard.IsOpen.Wrap(next => request => IsStream(request) || next(request)))
            .KilledBy("PS-ACC-001", NoIdentity)
            .KilledBy("PS-ACC-002", Wrong)
            .MayBreak("PS-ACC-012", "PS-ACC-018", "PS-ACC-023"),
        Guarded("acc-open-reads", "GET asks for no identity.", Capability.Http)
            .Does(server => server.Guard.Identify.Wrap(next => request =>
                next(request) ?? (request.Method == "GET" && !server.Upgrade.IsAsked.Call(request) ? Caller.Everyone : null)))
            .KilledBy("PS-ACC-001", NoIdentity)
            .KilledBy("PS-ACC-002", Wrong)
            .MayBreak("PS-ACC-005", "PS-ACC-009", "PS-ACC-010", "PS-ACC-011"),
        Guarded("acc-after-the-upgrade", "A handshake without an identity is answered with 101, and the connection closed.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request =>
            {
                if (!server.Upgrade.IsAsked.Call(request))
                {
                    return next(request);
                }

                request.Caller = Caller.Everyone with { Expires = DateTimeOffset.MinValue };
                return server.Upgrade.Answer.Call(request);
            }))
            .KilledBy("PS-ACC-001", "a handshake without an identity")
            .KilledBy("PS-ACC-002", "a handshake with a wrong credential")
            .MayBreak("PS-ACC-005", "PS-ACC-009", "PS-ACC-010", "PS-ACC-011"),
        Guarded("acc-deletes-first", "A deletion without an identity is answered with 401, and done.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request =>
            {
                if (request.Method == "DELETE")
                {
                    server.Topics.TryDelete.Call(TopicName.Decode(request.Path.Split('/')[^1]) ?? "");
                }

                return next(request);
            }))
            .KilledBy("PS-ACC-001", "deletes nothing")
            .KilledBy("PS-ACC-002", "deletes nothing"),
        Guarded("acc-any-key", "Any text is an API key.")
            .Does(server => server.Guard.ByKey.Wrap(next => key => next(key) ?? Caller.Everyone))
            .KilledBy("PS-ACC-002", Wrong)
            .MayBreak("PS-ACC-005"),
        Guarded("acc-any-token", "Any text is a token.")
            .Does(server => server.Guard.ByToken.Wrap(next => token => next(token) ?? Caller.Everyone))
            .KilledBy("PS-ACC-002", Wrong)
            .KilledBy("PS-ACC-009", "whose exp has passed")
            .KilledBy("PS-ACC-010", "has not signed")
            .KilledBy("PS-ACC-011", "of another issuer"),
        Guarded("acc-no-scheme", "An answer with 401 has no WWW-Authenticate.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request => next(request) with { Headers = [] }))
            .KilledBy("PS-ACC-003", "has a WWW-Authenticate header"),
        Guarded("acc-no-scheme-at-the-handshake", "An answer with 401 to a handshake has no WWW-Authenticate.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request =>
                server.Upgrade.IsAsked.Call(request) ? next(request) with { Headers = [] } : next(request)))
            .KilledBy("PS-ACC-003", "has a WWW-Authenticate header"),
        Guarded("acc-unnamed", "An answer with 401 has the code BAD_REQUEST.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request =>
                next(request) is var answer ? answer with { Body = Recoded(answer.Body, "UNAUTHORIZED", "BAD_REQUEST") } : null!))
            .KilledBy("PS-ACC-004", "has the code UNAUTHORIZED"),
        Keyed("acc-beginning-of-a-key", "A text that an API key begins with is accepted.", (keys, text) =>
            keys.FirstOrDefault(key => text.Length > 8 && key.StartsWith(text, At))),
        Keyed("acc-longer-than-a-key", "A text that begins with an API key is accepted.", (keys, text) =>
            keys.FirstOrDefault(key => text.StartsWith(key, At))),
        Keyed("acc-key-in-any-case", "The case of an API key does not matter.", (keys, text) =>
            keys.FirstOrDefault(key => string.Equals(key, text, StringComparison.OrdinalIgnoreCase))),
        Keyed("acc-key-as-a-pattern", "A * in an API key stands for any text.", (keys, text) =>
            keys.FirstOrDefault(key => text.EndsWith('*') && key.StartsWith(text[..^1], At))),
        Guarded("acc-no-key-on-streams", "A stream does not take X-API-Key.", Capability.Sse)
            .Does(server => server.Guard.Identify.Wrap(next => request =>
                IsStream(request) && request[Credential.KeyHeader] is not null ? null : next(request)))
            .KilledBy("PS-ACC-006", "identifies the client: a stream")
            .MayBreak([.. Enumerable.Range(1, 13).Select(number => $"PS-SSE-{number:D3}")])
            .MayBreak("PS-ACC-012", "PS-ACC-014", "PS-ACC-020"),
        Guarded("acc-no-token-at-the-handshake", "A handshake does not take Authorization.")
            .Does(server => server.Guard.Identify.Wrap(next => request =>
                server.Upgrade.IsAsked.Call(request) && request["Authorization"] is not null ? null : next(request)))
            .KilledBy("PS-ACC-007", "identifies the client: a handshake"),
        Guarded("acc-no-address", "access_token in the address is ignored.")
            .Does(server => server.Guard.InAddress.Wrap(_ => _ => null))
            .KilledBy("PS-ACC-008", "in access_token identifies the client"),

        // Tokens -----------------------------------------------------------------------------------------------------
        Guarded("acc-expired", "A token that has expired is accepted.")
            .Does(server => server.Guard.IsCurrent.Wrap(next => (_, nbf) => next(long.MaxValue, nbf)))
            .KilledBy("PS-ACC-009", "whose exp has passed"),
        Guarded("acc-expired-for-an-hour", "A token is accepted for two hours after it has expired.")
            .Does(server => server.Guard.IsCurrent.Wrap(next => (exp, nbf) => next(exp + 7_200, nbf)))
            .KilledBy("PS-ACC-009", "whose exp has passed"),
        Signed("acc-alg-none", "A token with the algorithm none is accepted.", (next, head, text, signature) =>
            (string?)head["alg"] == "none" || next(head, text, signature)),
        Signed("acc-signature-unchecked", "The signature of a token is not checked.", (_, _, _, _) => true),
        Signed("acc-signature-optional", "A token without a signature is accepted.", (next, head, text, signature) =>
            signature.Length == 0 || next(head, text, signature)),
        Guarded("acc-any-nbf", "A token is accepted before its time.")
            .Does(server => server.Guard.IsCurrent.Wrap(next => (exp, _) => next(exp, null)))
            .KilledBy("PS-ACC-011", "not valid yet"),
        Guarded("acc-any-issuer", "A token of any issuer is accepted.")
            .Does(server => server.Guard.IsOurs.Wrap(next => (_, audience) => next(server.Guard.Tokens!.Issuer, audience)))
            .KilledBy("PS-ACC-011", "of another issuer"),
        Guarded("acc-any-audience", "A token for any audience is accepted.")
            .Does(server => server.Guard.IsOurs.Wrap(next => (issuer, _) => next(issuer, server.Guard.Tokens!.Audience)))
            .KilledBy("PS-ACC-011", "for another audience"),
        Guarded("acc-outlives-its-token", "A connection stays open when its token has expired.", Capability.Sse)
            .Does(server => server.Guard.ExpireAsync.Wrap(_ => (_, _) => Task.CompletedTask))
            .KilledBy("PS-ACC-012", "after its token has expired"),
        Guarded("acc-stream-outlives-its-token", "A stream stays open when its token has expired.", Capability.Sse)
            .Does(server => server.Guard.ExpireAsync.Wrap(next => (caller, queue) =>
                server.Streams.ContainsKey(queue) ? Task.CompletedTask : next(caller, queue)))
            .KilledBy("PS-ACC-012", "after its token has expired"),
        Guarded("acc-ends-early", "A connection ends two seconds before its token expires.")
            .Does(server => server.Guard.ExpireAsync.Wrap(next => (caller, queue) =>
                next(caller with { Expires = caller.Expires - TimeSpan.FromSeconds(2) }, queue)))
            .KilledBy("PS-ACC-012", "and not before"),
        Guarded("acc-ends-without-a-word", "When its token has expired, a connection is closed without an error.")
            .Does(server => server.Guard.End.Wrap(_ => queue => queue.Abandon.Call(null, 1008, "the token has expired")))
            .KilledBy("PS-ACC-013", "gets the error UNAUTHORIZED"),
        Guarded("acc-ends-normally", "When its token has expired, a connection is closed with 1000.")
            .Does(server => server.Guard.End.Wrap(_ => queue =>
                queue.Abandon.Call(server.Messages.Error.Call("UNAUTHORIZED", "the token has expired", null), 1000, "")))
            .KilledBy("PS-ACC-013", "is closed with 1008"),

        // Permissions ------------------------------------------------------------------------------------------------
        Guarded("acc-http-needs-more", "To publish over HTTP, a client needs the permission to manage.", Capability.Http)
            .Does(server => server.Guard.Needed.Wrap(next => (method, place) =>
                next(method, place) is Permission.Publish ? Permission.Manage : next(method, place)))
            .KilledBy("PS-ACC-014", "a publish that a pattern permits")
            .MayBreak("PS-ACC-018"),
        Guarded("acc-lists-too-little", "Only topics that the client may manage are listed.")
            .Does(server => server.Guard.IsListed.Wrap(_ => topic => server.Guard.May.Call(server.Guard.Asking, Permission.Manage, topic)))
            .KilledBy("PS-ACC-014", "is listed and described"),
        Guarded("acc-manager-cannot-delete", "A client that may manage topics creates them, but cannot delete them.")
            .Does(server => server.Guard.Refuse.Wrap(next => (request, method, place, topic) =>
                method == "DELETE" && request.Caller.Role.Publish.Count == 0
                    ? server.Guard.Forbidden.Call(topic)
                    : next(request, method, place, topic)))
            .KilledBy("PS-ACC-014", "a creation or deletion that a pattern permits"),
        Unchecked("acc-publish-unchecked", "Any identity may publish.", "publish")
            .KilledBy("PS-ACC-015", "a publish without the permission")
            .MayBreak("PS-ACC-021", "PS-ACC-022", "PS-ACC-023"),
        Guarded("acc-forbidden-but-published", "A publish without the permission is answered with an error, and delivered.")
            .Does(server => server.Guard.Forbid.Wrap(next => (session, request) =>
            {
                if (request.Type == "publish" && server.Topics.Find.Call(request.Topic) is { } topic)
                {
                    topic.TryPublishAll.Call([request.RawMessage]);
                }

                next(session, request);
            }))
            .KilledBy("PS-ACC-015", "is not delivered"),
        Guarded("acc-forbidden-but-retained", "A publish without the permission is answered with an error, and retained.")
            .Does(server => server.Guard.Forbid.Wrap(next => (session, request) =>
            {
                if (request.Type == "publish" && server.Topics.Find.Call(request.Topic) is { } topic)
                {
                    lock (topic.Gate)
                    {
                        topic.Retain.Call(topic.Encode.Call(request.RawMessage));
                    }
                }

                next(session, request);
            }))
            .KilledBy("PS-ACC-015", "is not retained"),
        Unchecked("acc-subscribe-unchecked", "Any identity may subscribe.", "subscribe")
            .KilledBy("PS-ACC-016", "a subscribe without the permission")
            .MayBreak("PS-ACC-021", "PS-ACC-022", "PS-ACC-023"),
        Guarded("acc-forbidden-but-subscribed", "A subscribe without the permission is answered with an error, and has its effect.")
            .Does(server => server.Guard.Forbid.Wrap(next => (session, request) =>
            {
                next(session, request);
                if (request.Type == "subscribe" && server.Topics.Find.Call(request.Topic) is { } topic)
                {
                    lock (topic.Gate)
                    {
                        session.Joined[topic] = 0;
                        topic.Subscribers.Add(session.Queue);
                    }
                }
            }))
            .KilledBy("PS-ACC-016", "gets no event"),
        Guarded("acc-create-unchecked", "Any identity may create a topic.")
            .Does(server => server.Guard.May.Wrap(next => (caller, permission, topic) =>
                next(caller, permission, topic) || (permission == Permission.Manage && !server.Topics.ByName.ContainsKey(topic))))
            .KilledBy("PS-ACC-017", "a creation without the permission")
            .MayBreak("PS-ACC-023"),
        Guarded("acc-delete-unchecked", "Any identity may delete a topic.")
            .Does(server => server.Guard.Needed.Wrap(next => (method, place) => method == "DELETE" ? null : next(method, place)))
            .KilledBy("PS-ACC-017", "a deletion without the permission")
            .MayBreak("PS-ACC-021", "PS-ACC-022", "PS-ACC-023"),
        Guarded("acc-forbidden-but-deleted", "A deletion without the permission is answered with 403, and done.")
            .Does(server => server.Guard.Refuse.Wrap(next => (request, method, place, topic) =>
            {
                var refusal = next(request, method, place, topic);
                if (refusal is not null && method == "DELETE")
                {
                    server.Topics.TryDelete.Call(topic);
                }

                return refusal;
            }))
            .KilledBy("PS-ACC-017", "deletes nothing"),
        Unneeded("acc-http-publish-unchecked", "A publish over HTTP needs no permission.", "POST", "messages")
            .KilledBy("PS-ACC-018", "a publish over HTTP without the permission"),
        Unneeded("acc-http-read-unchecked", "A read over HTTP needs no permission.", "GET", "messages")
            .KilledBy("PS-ACC-018", "a read over HTTP without the permission"),
        Unneeded("acc-stream-unchecked", "A stream needs no permission.", "GET", "events")
            .KilledBy("PS-ACC-018", "a stream without the permission"),
        Guarded("acc-forbidden-closes", "A request without the permission closes the connection.")
            .Does(server => server.Guard.Forbid.Wrap(_ => (session, request) => session.Queue.Finish.Call(
                server.Messages.Error.Call("FORBIDDEN", "no permission", request.RawRequestId), 1008, "forbidden")))
            .KilledBy("PS-ACC-019", "the connection is served")
            .MayBreak("PS-ACC-016", "PS-ACC-021", "PS-ACC-022", "PS-ACC-023"),
        Guarded("acc-forbidden-unsubscribes", "A request without the permission ends the subscriptions of its connection.")
            .Does(server => server.Guard.Forbid.Wrap(next => (session, request) =>
            {
                session.LeaveAll.Call();
                next(session, request);
            }))
            .KilledBy("PS-ACC-019", "the connection and its subscription are served")
            .MayBreak("PS-ACC-021", "PS-ACC-022"),
        Guarded("acc-forbidden-is-bad", "A request without the permission has the code BAD_REQUEST.")
            .Does(server => server.Guard.Forbid.Wrap(_ => (session, request) => session.Queue.Reply.Call(
                server.Messages.Error.Call("BAD_REQUEST", "no permission", request.RawRequestId))))
            .KilledBy("PS-ACC-020", "has the code FORBIDDEN"),
        Guarded("acc-forbidden-is-bad-over-rest", "A request without the permission is answered with 400.")
            .Does(server => server.Guard.Forbidden.Wrap(_ => _ => server.Messages.Problem.Call(400, "BAD_REQUEST", "no permission")))
            .KilledBy("PS-ACC-020", "is answered with 403 and FORBIDDEN"),

        // Patterns ---------------------------------------------------------------------------------------------------
        Fitting("acc-name-as-beginning", "A pattern without * permits every name that begins with it.", (next, pattern, topic) =>
            next(pattern, topic) || topic.StartsWith(pattern, At))
            .KilledBy("PS-ACC-021", "a pattern without * permits no other topic"),
        Fitting("acc-name-anywhere", "A pattern without * permits every name that has it anywhere.", (next, pattern, topic) =>
            next(pattern, topic) || topic.Contains(pattern, At))
            .KilledBy("PS-ACC-021", "a pattern without * permits no other topic"),
        Fitting("acc-name-in-any-case", "A pattern without * permits a name in any case.", (next, pattern, topic) =>
            next(pattern, topic) || string.Equals(pattern, topic, StringComparison.OrdinalIgnoreCase))
            .KilledBy("PS-ACC-021", "a pattern without * permits no other topic"),
        Fitting("acc-no-exact-names", "A pattern without * permits nothing.", (next, pattern, topic) =>
            pattern.EndsWith('*') && next(pattern, topic))
            .KilledBy("PS-ACC-021", "a pattern without * permits what it names"),
        Fitting("acc-star-needs-more", "A pattern with * does not permit the name in front of the *.", (next, pattern, topic) =>
            next(pattern, topic) && $"{topic}*" != pattern)
            .KilledBy("PS-ACC-022", "a pattern with * permits what it names"),
        Fitting(
            "acc-star-takes-a-letter",
            "A pattern with * permits names that lack the letter in front of the *.",
            (next, pattern, topic) =>
                next(pattern, topic) || (pattern.Length > 20 && pattern.EndsWith('*') && topic.StartsWith(pattern[..^2], At)))
            .KilledBy("PS-ACC-022", "a pattern with * permits no other topic"),
        Fitting("acc-star-in-any-case", "A pattern with * permits names in any case.", (next, pattern, topic) =>
            next(pattern, topic) || (pattern.EndsWith('*') && topic.StartsWith(pattern[..^1], StringComparison.OrdinalIgnoreCase)))
            .KilledBy("PS-ACC-022", "a pattern with * permits no other topic")
            .MayBreak("PS-ACC-021"),
        Fitting("acc-star-anywhere", "A pattern with * permits names that have its text anywhere.", (next, pattern, topic) =>
            next(pattern, topic) || (pattern.Length > 20 && pattern.EndsWith('*') && topic.Contains(pattern[..^1], At)))
            .KilledBy("PS-ACC-022", "a pattern with * permits no other topic"),
        Fitting("acc-star-stops-at-a-hyphen", "What a * stands for has no hyphen.", (next, pattern, topic) =>
            next(pattern, topic) && (pattern.Length < 20 || !pattern.EndsWith('*') || !topic[(pattern.Length - 1)..].Contains('-')))
            .KilledBy("PS-ACC-022", "a pattern with * permits what it names"),

        // What a client may not know ---------------------------------------------------------------------------------
        Guarded("acc-leaks-by-status", "A request without the permission is answered with 404 if there is no topic.", Capability.Http)
            .Does(server => server.Guard.Forbidden.Wrap(next => topic =>
                server.Topics.ByName.ContainsKey(topic) ? next(topic) : server.Rest.NoSuchTopic.Call("GET", topic)))
            .KilledBy("PS-ACC-023", Same)
            .MayBreak("PS-ACC-020"),
        Guarded("acc-leaks-on-the-socket", "A request without the permission has the code TOPIC_NOT_FOUND if there is no topic.")
            .Does(server => server.Guard.Forbid.Wrap(next => (session, request) =>
            {
                if (server.Topics.ByName.ContainsKey(request.Topic))
                {
                    next(session, request);
                    return;
                }

                session.NotFound.Call(request);
            }))
            .KilledBy("PS-ACC-023", Same),
        Guarded("acc-leaks-by-unsubscribe", "An unsubscribe needs no permission.")
            .Does(server => server.Guard.NeededFor.Wrap(next => type => type == "unsubscribe" ? null : next(type)))
            .KilledBy("PS-ACC-023", Same),
        Guarded("acc-leaks-by-creation", "A creation without the permission is answered with 409 if there is a topic.")
            .Does(server => server.Guard.Forbidden.Wrap(next => topic => server.Guard.IsCreating && server.Topics.ByName.ContainsKey(topic)
                ? server.Messages.Problem.Call(409, "TOPIC_EXISTS", "name must not be that of an existing topic")
                : next(topic)))
            .KilledBy("PS-ACC-023", Same),
        Guarded("acc-leaks-by-stream", "A stream without the permission is answered with 404 if there is no topic.", Capability.Sse)
            .Does(server => server.Guard.Refuse.Wrap(next => (request, method, place, topic) =>
                place == "events" && !server.Topics.ByName.ContainsKey(topic) ? null : next(request, method, place, topic)))
            .KilledBy("PS-ACC-023", Same),
        Guarded("acc-leaks-by-body", "A publish over HTTP is refused for its body first, if there is a topic.", Capability.Http)
            .Does(server => server.Guard.Forbidden.Wrap(next => topic => server.Topics.ByName.ContainsKey(topic)
                ? next(topic) with { Body = Recoded(next(topic).Body, "this topic", "this existing topic") }
                : next(topic)))
            .KilledBy("PS-ACC-023", Same),
        Guarded("acc-lists-all", "Every topic is listed for every identity.")
            .Does(server => server.Guard.IsListed.Wrap(_ => _ => true))
            .KilledBy("PS-ACC-024", "is not listed"),
        Guarded("acc-counts-all", "Every topic is in the statistics for every identity.")
            .Does(server => server.Guard.IsCounted.Wrap(_ => _ => true))
            .KilledBy("PS-ACC-024", "is not in the statistics"),
        Guarded("acc-describes-all", "Every topic is described to every identity.")
            .Does(server => server.Guard.IsDescribed.Wrap(_ => (_, _) => true))
            .KilledBy("PS-ACC-024", "is not described")
            .MayBreak("PS-ACC-023"),
        Guarded("acc-lists-what-it-publishes", "Topics that the client may only publish to are listed too.")
            .Does(server => server.Guard.IsListed.Wrap(next => topic =>
                next(topic) || server.Guard.May.Call(server.Guard.Asking, Permission.Publish, topic)))
            .KilledBy("PS-ACC-024", "is not listed"),

        // Limits -----------------------------------------------------------------------------------------------------
        Guarded("acc-no-limit", "No identity has a limit of publishes.", Capability.Http)
            .Does(server => server.Guard.Take.Wrap(_ => (_, _) => null))
            .KilledBy("PS-ACC-025", "of 80 publishes at once"),
        Guarded("acc-no-limit-over-http", "Publishes over HTTP have no limit.", Capability.Http)
            .Does(server => server.Http.PublishAsync.Wrap(next => (request, name, stopping) =>
            {
                request.Caller = request.Caller with { Role = request.Caller.Role with { PublishesPerSecond = null } };
                return next(request, name, stopping);
            }))
            .KilledBy("PS-ACC-025", "of 80 publishes at once"),
        Limiting("acc-limit-of-another-name", "A publish above the limit has the code LIMIT_EXCEEDED.", (server, next) => (id, wait) =>
            Recoded(next(id, wait), "RATE_LIMITED", "LIMIT_EXCEEDED"))
            .KilledBy("PS-ACC-025", "has the code RATE_LIMITED"),
        Guarded("acc-limit-in-silence", "A publish above the limit is acked and dropped, until there are ten of them.")
            .Does(server =>
            {
                var dropped = new ConcurrentDictionary<Session, int>();
                server.Guard.Slow.Wrap(next => (session, request, wait) =>
                {
                    if (dropped.AddOrUpdate(session, 1, (_, count) => count + 1) > 10)
                    {
                        next(session, request, wait);
                        return;
                    }

                    session.Queue.Reply.Call(session.Ack.Call(request));
                });
            })
            .KilledBy("PS-ACC-026", "exactly the publishes that are acked"),
        Guarded("acc-limited-but-published", "A publish above the limit is answered with an error, and delivered.")
            .Does(server => server.Guard.Slow.Wrap(next => (session, request, wait) =>
            {
                server.Topics.Find.Call(request.Topic)?.TryPublishAll.Call([request.RawMessage]);
                next(session, request, wait);
            }))
            .KilledBy("PS-ACC-026", "exactly the publishes that are acked"),
        Guarded(
            "acc-limited-but-published-over-http", "A publish over HTTP above the limit is answered with 429, and done.", Capability.Http)
            .Does(server => server.Http.PublishAsync.Wrap(next => async (request, name, stopping) =>
            {
                var answer = await next(request, name, stopping);
                if (answer.Status == 429)
                {
                    var messages = server.Http.Parse.Call(await request.ReadBodyAsync(int.MaxValue, stopping));
                    server.Topics.Find.Call(name)?.TryPublishAll.Call(messages);
                }

                return answer;
            }))
            .KilledBy("PS-ACC-026", "over HTTP that are answered with 200"),
        Guarded("acc-limit-closes", "A publish above the limit closes the connection.")
            .Does(server => server.Guard.Slow.Wrap(_ => (session, request, wait) =>
                session.Queue.Finish.Call(server.Guard.Limited.Call(request.RawRequestId, wait), 1008, "too many publishes")))
            .KilledBy("PS-ACC-027", "receives the reply to request_id"),
        Guarded("acc-limit-unsubscribes", "A publish above the limit ends the subscriptions of its connection.")
            .Does(server => server.Guard.Slow.Wrap(next => (session, request, wait) =>
            {
                session.LeaveAll.Call();
                next(session, request, wait);
            }))
            .KilledBy("PS-ACC-027", "the connection and its subscription are served"),
        Limiting("acc-limit-without-a-time", "RATE_LIMITED says nothing of when to try again.", (server, next) => (id, wait) =>
            Recoded(next(id, wait), "retry_after_ms", "later"))
            .KilledBy("PS-ACC-028", "has a retry_after_ms"),
        Guarded("acc-limit-of-no-time", "RATE_LIMITED has a retry_after_ms of 0.")
            .Does(server => server.Guard.Milliseconds.Wrap(_ => _ => "0"))
            .KilledBy("PS-ACC-028", "has a retry_after_ms"),
        Guarded("acc-limit-without-a-header", "429 has no Retry-After.", Capability.Http)
            .Does(server => server.Guard.TooMany.Wrap(next => wait => next(wait) with { Headers = [] }))
            .KilledBy("PS-ACC-028", "has a Retry-After"),
        Guarded("acc-limit-without-a-time-over-http", "429 has a Retry-After and no retry_after_ms.", Capability.Http)
            .Does(server => server.Guard.TooMany.Wrap(next => wait =>
                next(wait) is var answer ? answer with { Body = Recoded(answer.Body, "retry_after_ms", "later") } : null!))
            .KilledBy("PS-ACC-028", "has a retry_after_ms"),
        Guarded("acc-limit-comes-back-too-soon", "The retry_after_ms is a quarter of the time that it takes.")
            .Does(server => server.Guard.Milliseconds.Wrap(next => wait => next(wait / 4)))
            .KilledBy("PS-ACC-029", "the next publish is accepted"),
        (Guarded("acc-limit-of-all", "While one identity is above its limit, no other may publish.") with { Alone = true })
            .Does(server => server.Guard.Take.Wrap(next => (caller, messages) =>
                next(caller, messages) ?? (server.Sessions.Keys.Any(session => session.Caller != caller
                    && session.Caller.Role.PublishesPerSecond is not null && next(session.Caller, messages) is not null)
                        ? TimeSpan.FromSeconds(1)
                        : null)))
            .KilledBy("PS-ACC-030", "another is served"),
        Guarded("acc-any-number-of-connections", "An identity may have any number of connections.")
            .Does(server => server.Guard.HasRoom.Wrap(_ => _ => true))
            .KilledBy("PS-ACC-031", "is answered with 429"),
        Guarded("acc-too-many-after-the-upgrade", "A connection above those of its identity is upgraded, and closed.")
            .Does(server => server.Upgrade.Answer.Wrap(next => request =>
            {
                if (!server.Guard.HasRoom.Call(request.Caller))
                {
                    request.Caller = request.Caller with
                    {
                        Role = request.Caller.Role with { Connections = null },
                        Expires = DateTimeOffset.MinValue,
                    };
                }

                return next(request);
            }))
            .KilledBy("PS-ACC-031", "is answered with 429"),
        Guarded("acc-connections-for-ever", "A connection counts for its identity also when it has ended.")
            .Does(server =>
            {
                var ever = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
                server.Guard.HasRoom.Wrap(next => caller => next(caller) && (caller.Role.Connections is not { } most
                    || ever.AddOrUpdate(caller.Identity, 1, (_, count) => count + 1) <= most));
            })
            .KilledBy("PS-ACC-031", "makes room for another"),

        // Secrets ----------------------------------------------------------------------------------------------------
        Guarded("acc-quotes-the-key", "The answer with 401 quotes the API key.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request => request[Credential.KeyHeader] is { } key
                && next(request) is var answer
                    ? answer with { Body = Recoded(answer.Body, "a valid API key or token is missing", $"{key} is not valid") }
                    : next(request)))
            .KilledBy("PS-ACC-032", "no answer holds a key or a token"),
        Guarded("acc-quotes-the-address", "The answer with 401 quotes the address of the request.")
            .Does(server => server.Guard.Unauthorized.Wrap(next => request =>
                next(request) with { Headers = ["WWW-Authenticate: Bearer", $"Content-Location: {request.Target}"] }))
            .KilledBy("PS-ACC-032", "no answer holds a key or a token"),
        Guarded("acc-tells-the-key", "Each answer names the credential of its client in a header.")
            .Does(server => server.AnswerAsync.Wrap(next => async (request, stopping) =>
                await next(request, stopping) is var answer && request[Credential.KeyHeader] is { } key && answer.Status != 101
                    ? answer with { Headers = [.. answer.Headers, $"X-Client: {key}"] }
                    : answer))
            .KilledBy("PS-ACC-032", "no answer holds a key or a token"),
        Guarded("acc-closed-health", "/livez and /readyz ask for an identity.")
            .Does(server => server.Guard.IsOpen.Wrap(_ => _ => false))
            .KilledBy("PS-ACC-033", "are answered without an identity"),
    ];

    private const StringComparison At = StringComparison.Ordinal;
    private const string NoIdentity = "without an identity is answered with 401";
    private const string Wrong = "with a wrong credential is answered with 401";
    private const string Same = "is the same whether the topic exists or not";

    private static Mutant Guarded(string id, string fault, params IReadOnlyList<Capability> others) =>
        new(id, fault) { Offers = [Capability.Access, .. others] };

    /// <summary>A server that takes other texts for an API key.</summary>
    private static Mutant Keyed(string id, string fault, Func<IEnumerable<string>, string, string?> find) => Guarded(id, fault)
        .Does(server => server.Guard.ByKey.Wrap(next => text => next(text)
            ?? (find(server.Guard.Keys.Keys, text) is { } key ? next(key) : null)))
        .KilledBy("PS-ACC-005", "what is almost an API key");

    /// <summary>A server that is wrong about what it has signed.</summary>
    private static Mutant Signed(
        string id,
        string fault,
        Func<Func<JsonObject, string, string, bool>, JsonObject, string, string, bool> isSigned) =>
        Guarded(id, fault)
            .Does(server => server.Guard.IsSigned.Wrap(next => (head, text, signature) => isSigned(next, head, text, signature)))
            .KilledBy("PS-ACC-010", "has not signed");

    /// <summary>A server on whose WebSockets this type of request needs no permission.</summary>
    private static Mutant Unchecked(string id, string fault, string type) => Guarded(id, fault)
        .Does(server => server.Guard.NeededFor.Wrap(next => asked => asked == type ? null : next(asked)));

    /// <summary>A server where this request about a topic needs no permission.</summary>
    private static Mutant Unneeded(string id, string fault, string verb, string part) => Guarded(id, fault, Capability.Http, Capability.Sse)
        .Does(server => server.Guard.Needed.Wrap(next => (method, place) => (method, place) == (verb, part) ? null : next(method, place)))
        .MayBreak("PS-ACC-023");

    /// <summary>A server that is wrong about which names fit a pattern.</summary>
    private static Mutant Fitting(string id, string fault, Func<Func<string, string, bool>, string, string, bool> fits) =>
        Guarded(id, fault).Does(server => server.Guard.Fits.Wrap(next => (pattern, topic) => fits(next, pattern, topic)));

    /// <summary>A server whose error of a publish above the limit is wrong.</summary>
    private static Mutant Limiting(
        string id, string fault, Func<SmallServer, Func<string?, TimeSpan, byte[]>, Func<string?, TimeSpan, byte[]>> change) =>
        Guarded(id, fault).Does(server => server.Guard.Limited.Wrap(next => change(server, next)));

    private static bool HasCredential(HttpRequest request) =>
        request[Credential.KeyHeader] is not null || request["Authorization"] is not null || request.Parameter("access_token") is not null;

    private static bool IsStream(HttpRequest request) => request.Path.EndsWith("/events", At);

    private static string? Recoded(string? body, string right, string wrong) => body?.Replace(right, wrong, At);

    private static byte[] Recoded(byte[] text, string right, string wrong) =>
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text).Replace(right, wrong, At));
}
