using System.Collections.Concurrent;
using System.Security;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about topics over REST.</summary>
internal static partial class Topics
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("rest-created-200", "A creation is answered with 200.")
            .Does(server => server.Rest.Created.Wrap(next => name => next(name) with { Status = 200 }))
            .KilledBy("PS-REST-001", "POST with a fresh name is answered with 201")
            .MayBreak("PS-ISO-004"),
        new Mutant("rest-name-used-up", "The name of a deleted topic is taken for good.")
            .Does(server =>
            {
                var used = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
                server.Topics.TryCreate.Wrap(next => name => !used.ContainsKey(name) && next(name));
                server.Topics.TryDelete.Wrap(next => name => next(name) && used.TryAdd(name, true));
            })
            .KilledBy("PS-REST-001", "POST with the name of a deleted topic is answered with 201"),
        new Mutant("rest-content-type-to-the-letter", "Content-Type has to be application/json to the letter.")
            .Does(server => server.Rest.IsJson.Wrap(_ => contentType => contentType == "application/json"))
            .KilledBy("PS-REST-001", "POST of application/json; charset=utf-8 is answered as one of application/json is")
            .KilledBy("PS-REST-001", "POST of Application/JSON is answered as one of application/json is"),
        new Mutant("rest-created-again", "The creation of a topic that exists is answered with 201, and does nothing.")
            .Does(server => server.Rest.TryCreateAsync.Wrap(next => async name => await next(name) || true))
            .KilledBy("PS-REST-002", "POST with the name of an existing topic is answered with 409")
            .KilledBy("PS-REST-025", "concurrent creations one is answered with 201"),
        new Mutant("rest-created-afresh", "The creation of a topic that exists is refused, but has put a new topic in its place.")
            .Does(server => server.Topics.TryCreate.Wrap(next => name =>
            {
                if (next(name))
                {
                    return true;
                }

                server.Topics.ByName[name] = server.NewTopic.Call(name);
                return false;
            }))
            .KilledBy("PS-REST-002", "Creating a topic again leaves its subscribers")
            .KilledBy("PS-REST-002", "Creating a topic again leaves its retained messages"),
        new Mutant("rest-listed-late", "A topic is listed a moment after its creation has been answered.")
            .Does(server =>
            {
                var lag = TimeSpan.FromMilliseconds(200);
                var born = new ConcurrentDictionary<Topic, long>();
                server.EachTopic(topic => born[topic] = TimeProvider.System.GetTimestamp());
                server.Rest.Listed.Wrap(next => () => next().Where(topic => TimeProvider.System.GetElapsedTime(born[topic]) > lag));
            })
            .KilledBy("PS-REST-003", "A topic is listed once its creation has been answered")
            .MayBreak("PS-REST-023", "PS-REST-024", "PS-SUB-002", "PS-SUB-006"),
        new Mutant(
            "rest-unknown-to-the-connected",
            "A connection can subscribe to a topic younger than its last request only when it tries again.")
            .EachSession(session =>
            {
                var topics = session.Server.Topics;
                HashSet<Topic> known = [.. topics.All.Call()];
                session.Answer.Wrap(next => request =>
                {
                    next(request);
                    known = [.. topics.All.Call()];
                });
                session.Subscribe.Wrap(next => (topic, request) => known.Contains(topic) && next(topic, request));
            })
            .KilledBy("PS-REST-003", "A connection older than the topic can subscribe to it"),
        new Mutant("rest-zero-omitted", "The listing omits subscribers where there are none.")
            .Does(server => server.Rest.Entry.Wrap(next => (name, subscribers) =>
                subscribers == 0 ? $$"""{"name":{{Messages.Quote(name)}}}""" : next(name, subscribers)))
            .KilledBy("PS-REST-004", "Every entry has a string name and an integer subscribers")
            .MayBreak("PS-REST-005", "PS-ROB-007"),
        new Mutant(
            "rest-count-keeps-who-left",
            "The listing counts a connection for as long as it lives, whether it has unsubscribed or not.")
            .Does(server => server.Rest.Subscribers.Wrap(_ => topic =>
                server.Sessions.Keys.Count(session => session.Joined.ContainsKey(topic))))
            .KilledBy("PS-REST-005", "A subscription that has ended is not counted"),
        new Mutant("rest-count-twice", "A connection that subscribes again is counted again.")
            .EachTopic(topic =>
            {
                var again = 0; // guarded by the gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        again += topic.Subscribers.Contains(subscriber) ? 1 : 0;
                        return next(subscriber, request, ack);
                    }
                });
                topic.Count.Wrap(next => () =>
                {
                    lock (topic.Gate)
                    {
                        var (subscribers, messages) = next();
                        return (subscribers == 0 ? 0 : subscribers + again, messages);
                    }
                });
            })
            .KilledBy("PS-REST-005", "A connection that subscribed twice holds one subscription")
            .MayBreak("PS-SUB-006", "PS-OBS-009"),
        new Mutant(
            "rest-count-joined",
            "The listing counts a connection that subscribes to several topics for each of them at each of them.")
            .Does(server => server.Rest.Subscribers.Wrap(next => topic =>
            {
                var count = next(topic);
                var subscribers = server.Sessions.Keys.Where(session => session.Joined.ContainsKey(topic));
                var others = subscribers.Sum(session => session.Joined.Count - 1);
                return count == 0 ? 0 : count + others;
            }))
            .KilledBy("PS-REST-005", "The subscriptions to orders are counted there"),
        new Mutant("rest-deleted-leaf-listed", "A deleted topic stays listed when its name is that of another, a hyphen and more.")
            .Does(KeepDeletedLeaves)
            .KilledBy("PS-REST-006", "A deleted topic is not listed, and its neighbours are"),
        new Mutant("rest-deleted-202", "A deletion is answered with 202.")
            .Does(server => server.Variation = server.Variation with { DeletionStatus = 202 })
            .KilledBy("PS-REST-006", "DELETE of an existing topic is answered with 200")
            .MayBreak("PS-DEL-009"),
        new Mutant("rest-unknown-deleted", "The deletion of a topic that does not exist is answered with 200.")
            .Does(server => server.Rest.NoSuchTopic.Wrap(next => (method, name) =>
                method == "DELETE" ? server.Rest.Deleted.Call(name) : next(method, name)))
            .KilledBy("PS-REST-007", "DELETE of a topic that never existed is answered with 404")
            .KilledBy("PS-REST-007", "DELETE of a deleted topic is answered with 404")
            .MayBreak("PS-DEL-009"),
        new Mutant("rest-name-in-an-array", "A name in an array is taken for the name.")
            .Does(server => server.Rest.Text.Wrap(next => name =>
                next(name.ValueKind == JsonValueKind.Array && name.GetArrayLength() == 1 ? name[0] : name)))
            .KilledBy("PS-REST-008", "whose name is an array")
            .KilledBy("PS-REST-009", "whose name is an array"),
        new Mutant("rest-422", "A creation without a legal name is refused with 422.")
            .Does(RefuseNames(fault => new HttpFault(422, "UNPROCESSABLE_CONTENT", fault.Message)))
            .KilledBy("PS-REST-009", "is answered with 400")
            .MayBreak("PS-REST-032"),
        new Mutant("rest-lenient-json", "Trailing commas and comments are allowed in the body of a creation.")
            .Does(server => server.Rest.Parse.Wrap(_ => body => JsonDocument.Parse(body, new JsonDocumentOptions
            {
                AllowDuplicateProperties = false,
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
            })))
            .KilledBy("PS-REST-009", "with a trailing comma"),
        new Mutant("rest-name-in-any-case", "A member Name is taken for the name, as a member NAME is.")
            .Does(server => server.Rest.Find.Wrap(_ => body =>
            {
                var found = body.EnumerateObject().Where(member => member.Name.Equals("name", StringComparison.OrdinalIgnoreCase)).ToList();
                return found.Count == 0 ? null : found[^1].Value;
            }))
            .KilledBy("PS-REST-009", "whose name is spelt Name")
            .KilledBy("PS-REST-024", "Unknown members of a creation are ignored"),
        new Mutant("rest-body-repaired", "What is no UTF-8 in the body of a creation is replaced.")
            .Does(server => server.Rest.Parse.Wrap(next => body => next(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body)))))
            .KilledBy("PS-REST-009", "A body that is not UTF-8"),
        new Mutant("rest-created-without-body", "The answer to a creation has no body.")
            .Does(server => server.Rest.Created.Wrap(next => name => next(name) with { Body = null }))
            .KilledBy("PS-REST-010", "The answer to a creation has the status created"),
        new Mutant("rest-location-without-root", "The Location of a new topic lacks what all paths begin with.")
            .Does(server => server.Rest.Location.Wrap(next => name => $"/{next(name)}"))
            .KilledBy("PS-REST-011", "The Location can be fetched"),
        new Mutant("rest-location-raw", "The Location of a new topic has its name as it is.")
            .Does(server => server.Rest.Location.Wrap(_ => name => $"topics/{name}"))
            .KilledBy("PS-REST-011", "The Location can be fetched"),
        new Mutant("rest-deletion-is-ok", "The answer to a deletion says ok.")
            .Does(server => server.Rest.Deleted.Wrap(next => name =>
                next(name) with { Body = $$"""{"status":"ok","topic":{{Messages.Quote(name)}}}""" }))
            .KilledBy("PS-REST-012", "The answer to a deletion has the status deleted"),
        new Mutant("rest-order-without-case", "The listing is in an order that ignores case.")
            .Does(server => server.Rest.Listed.Wrap(next => () =>
                next().OrderBy(topic => topic.Name, StringComparer.OrdinalIgnoreCase)))
            .KilledBy("PS-REST-013", "Topics are listed in ascending ordinal order of their names"),
        new Mutant("rest-counts-swapped", "A topic's subscribers and messages are told the wrong way round.")
            .Does(server => server.Rest.One.Wrap(next => (name, subscribers, messages) => next(name, (int)messages, subscribers)))
            .KilledBy("PS-REST-014", "It tells the topic's name, subscribers and messages"),
        new Mutant("rest-unknown-is-empty", "A topic that does not exist is told as one without subscribers and messages.")
            .Does(server => server.Rest.NoSuchTopic.Wrap(next => (method, name) =>
                method == "GET" ? RestDoor.Json(server.Rest.One.Call(name, 0, 0)) : next(method, name)))
            .KilledBy("PS-REST-015", "GET of a topic that does not exist is answered with 404")
            .KilledBy("PS-REST-015", "GET of a deleted topic is answered with 404"),
        new Mutant("rest-any-content-type", "A body of any Content-Type is read as JSON.")
            .Does(server => server.Rest.IsJson.Wrap(_ => _ => true))
            .KilledBy("PS-REST-016", "is answered with 415"),
        new Mutant("rest-chunks-without-end", "A body in chunks may be larger than the limit.")
            .Does(server => server.Rest.ReadBodyAsync.Wrap(next => (request, stopping) =>
                request["Transfer-Encoding"] is null ? next(request, stopping) : request.ReadBodyAsync(int.MaxValue, stopping)))
            .KilledBy("PS-REST-017", "which is larger than the limit, is answered with 413"),
        new Mutant("rest-too-large-400", "A body that is larger than the limit is refused with 400.")
            .Does(server => server.Rest.Refuse.Wrap(next => fault => next(fault.Status == 413 ? RestDoor.Bad(fault.Message) : fault)))
            .KilledBy("PS-REST-017", "which is larger than the limit, is answered with 413"),
        new Mutant("rest-problem-status-is-text", "The status in a problem document is a string.")
            .Does(server => server.Messages.Problem.Wrap(next => (status, code, detail) =>
            {
                var problem = next(status, code, detail);
                var body = problem.Body!.Replace($"\"status\":{status}", $"\"status\":\"{status}\"", StringComparison.Ordinal);
                return problem with { Body = body };
            }))
            .KilledBy("PS-REST-018", "it has no number status that is the answer's"),
        new Mutant("rest-codes-of-its-own", "Errors have codes of the server's own choice.")
            .Does(server => server.Messages.Problem.Wrap(next => (status, code, detail) => next(status, OwnCode(code), detail)))
            .KilledBy("PS-REST-019", "instead of BAD_REQUEST")
            .KilledBy("PS-REST-019", "instead of TOPIC_NOT_FOUND")
            .KilledBy("PS-REST-019", "instead of TOPIC_EXISTS"),
        new Mutant("rest-wrong-method-404", "A method that a path does not support is answered with 404.")
            .Does(server => server.Rest.NotAllowed.Wrap(_ => _ => server.Rest.NothingThere.Call()))
            .KilledBy("PS-REST-020", "is answered with 405 where it is not supported"),
        new Mutant("rest-no-allow", "A method that a path does not support is answered without Allow.")
            .Does(server => server.Rest.NotAllowed.Wrap(next => allowed => next(allowed) with { Headers = [] }))
            .KilledBy("PS-REST-020", "Allow names"),
        Narrow(
            "rest-names-of-254",
            "A name must have fewer than 255 characters.",
            name => name.EnumerateRunes().Count() < 255,
            "A name of up to 255 characters is accepted"),
        Narrow(
            "rest-names-of-utf-16",
            "The length of a name is that of its UTF-16.",
            name => name.Length <= 255,
            "A name of up to 255 characters is accepted"),
        Narrow(
            "rest-names-from-3",
            "A name must have at least 3 characters.",
            name => name.Length >= 3,
            "A name of one character is accepted"),
        Narrow(
            "rest-names-in-ascii",
            "A name must be ASCII.",
            name => name.All(char.IsAscii),
            "is accepted"),
        new Mutant("rest-names-for-files", "A name must be one that a file can have everywhere.")
            .Does(RequireNames(name => !name.Any("<>:\"/\\|?*".Contains) && !name.EndsWith('.')))
            .KilledBy("PS-REST-021", "A name of any characters but control characters is accepted"),
        Wide(
            "rest-names-of-256",
            "A name may have 256 characters.",
            name => name.EnumerateRunes().Count() == 256,
            "A name of more than 255 characters is refused with 400"),
        Wide(
            "rest-controls-above-ascii",
            "Only the control characters below the space are refused.",
            name => name.Length is > 0 and < 255 && name.All(letter => letter >= 0x20),
            "A name with U+007f").MayBreak("PS-REST-032"),
        new Mutant("rest-escaped-pairs-replaced", "Each escaped surrogate in the body of a creation is replaced, paired or not.")
            .Does(server => server.Rest.Parse.Wrap(next => body =>
                next(Encoding.Latin1.GetBytes(EscapedSurrogate().Replace(Encoding.Latin1.GetString(body), @"\ufffd")))))
            .KilledBy("PS-REST-022", "A name with")
            .KilledBy("PS-REST-023", "A name is what its JSON escapes stand for")
            .MayBreak("PS-REST-021"),
        new Mutant("rest-decodes-before-splitting", "A path is decoded before it is taken apart.")
            .Does(server =>
            {
                const string Rule = "the path must be percent-encoded UTF-8, the name of a topic in it too";
                server.Rest.PathOf.Wrap(next => request => TopicName.Decode(next(request)) ?? throw RestDoor.Bad(Rule));
                server.Rest.Decode.Wrap(_ => segment => segment);
            })
            .KilledBy("PS-REST-023", "A topic is fetched by its percent-encoded path")
            .MayBreak("PS-REST-011"),
        new Mutant("rest-decodes-twice", "A name in a path is decoded twice.")
            .Does(server => server.Rest.Decode.Wrap(next => segment => next(segment) is { } once ? Uri.UnescapeDataString(once) : null))
            .KilledBy("PS-REST-023", "A topic is fetched by its percent-encoded path")
            .KilledBy("PS-REST-023", "%252F in a path is %2F in the name")
            .MayBreak("PS-REST-011"),
        new Mutant("rest-plus-is-space", "A plus sign in a path is a space.")
            .Does(server => server.Rest.Decode.Wrap(next => segment => next(segment.Replace('+', ' '))))
            .KilledBy("PS-REST-023", "What need not be encoded stands for itself, the plus sign too"),
        new Mutant("rest-path-cut", "A name in a path ends at a hash, a question mark or a semicolon, encoded or not.")
            .Does(server => server.Rest.Decode.Wrap(next => segment => next(segment)?.Split('#', '?', ';')[0]))
            .KilledBy("PS-REST-023", "A topic is fetched by its percent-encoded path")
            .MayBreak("PS-REST-011"),
        new Mutant("rest-path-cleaned", "Empty segments and dot segments within a name in a path are removed.")
            .Does(server => server.Rest.Decode.Wrap(next => segment =>
                next(segment) is { } name ? string.Join('/', name.Split('/').Where(part => part is not ("" or "." or ".."))) : null))
            .KilledBy("PS-REST-023", "A topic is fetched by its percent-encoded path")
            .MayBreak("PS-REST-011"),
        Renaming("rest-names-trimmed", "A new topic's name is trimmed.", name => name.Trim()),
        Renaming("rest-names-in-lower-case", "A new topic's name is put in lower case.", name => name.ToLowerInvariant()),
        Renaming("rest-names-composed", "A new topic's name is put in normalisation form C.", Composed)
            .KilledBy("PS-REST-023", "The decomposed twin of a name is another name"),
        new Mutant("rest-listed-as-html", "The listing has names as HTML would need them.")
            .Does(server => server.Rest.Entry.Wrap(next => (name, subscribers) => next(SecurityElement.Escape(name), subscribers)))
            .KilledBy("PS-REST-023", "A topic is listed under exactly the name that it was created with"),

        // In JavaScript, every object inherits the member constructor, and setting __proto__ adds no member.
        new Mutant("rest-names-inherited", "Topics are members of an object that has inherited some.")
            .Does(server => server.Topics.TryCreate.Wrap(next => name => name == "__proto__" || (name != "constructor" && next(name))))
            .KilledBy("PS-REST-023", "constructor is taken, although it is not listed")
            .KilledBy("PS-REST-023", "__proto__ is not listed"),
        new Mutant("rest-names-decoded", "The topic of a request on the WebSocket is percent-decoded.")
            .EachSession(session => session.RespellMembers(members => members.Select(member => member is { Name: "topic", Text: { } topic }
                ? member with { Json = Messages.Quote(Uri.UnescapeDataString(topic)) }
                : member)))
            .KilledBy("PS-REST-023", "A topic can be subscribed to and published to by exactly its name")
            .MayBreak("PS-ISO-002"),
        new Mutant("rest-unknown-members-refused", "Unknown members in the body of a creation are refused.")
            .Does(server => server.Rest.Find.Wrap(next => body =>
                body.EnumerateObject().Any(member => member.Name != "name")
                    ? throw RestDoor.Bad("the body must have no member but name")
                    : next(body)))
            .KilledBy("PS-REST-024", "Unknown members of a creation are ignored"),
        new Mutant(
            "rest-checks-then-acts",
            "Between the look for a topic of the name and the creation of one, another creation may come.")
            .Does(server => server.Rest.TryCreateAsync.Wrap(_ => async name =>
            {
                if (server.Topics.Find.Call(name) is not null)
                {
                    return false;
                }

                await Task.Delay(2);
                server.Topics.TryCreate.Call(name);
                return true;
            }))
            .KilledBy("PS-REST-025", "concurrent creations one is answered with 201"),
        new Mutant("rest-one-detail", "The detail is the same for every fault of a name.")
            .Does(RefuseNames(_ => RestDoor.Bad("name is invalid")))
            .KilledBy("PS-REST-026", "Each rule has a detail of its own"),
        new Mutant("rest-names-in-paths-unchecked", "A name in a path may be one that no topic can have.")
            .Does(server => server.Rest.NameOf.Wrap(next => segment => server.Rest.Decode.Call(segment) ?? next(segment)))
            .KilledBy("PS-REST-027", "A path with the name of a topic that cannot exist is answered with 400"),
        new Mutant("rest-escapes-kept", "What is no percent-encoded UTF-8 in a path stands for itself.")
            .Does(server => server.Rest.Decode.Wrap(next => segment => next(segment) ?? segment))
            .KilledBy("PS-REST-027", "A path with the name of a topic that cannot exist is answered with 400"),
        new Mutant("rest-unknown-path-in-text", "An unknown path is answered in plain text.")
            .Does(server => server.Rest.NothingThere.Wrap(_ => () => new(404, "404 page not found", "text/plain")))
            .KilledBy("PS-REST-018", "An error is a problem document")
            .KilledBy("PS-REST-028", "The answer is a problem document"),
        new Mutant("rest-no-head", "HEAD is answered with 405.")
            .Does(server => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
                request.Method == "HEAD" ? server.Rest.NotAllowed.Call("GET") : await next(request, stopping)))
            .KilledBy("PS-REST-029", "is answered as GET is"),
        new Mutant("rest-head-with-body", "HEAD is answered with a body.")
            .Does(server => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
                await next(request, stopping) with { HeadHasBody = true }))
            .KilledBy("PS-REST-029", "is answered without a body"),
        new Mutant("rest-dot-names", "The names . and .. are accepted, though no URL can hold them.")
            .Does(server => server.Rest.Fault.Wrap(next => name => name is "." or ".." ? null : next(name)))
            .KilledBy("PS-REST-032", "is refused with 400"),
        new Mutant("rest-reads-as-text", "The answer to a GET is declared as text/plain, as by a handler that writes a string.")
            .Does(server => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
            {
                var answer = await next(request, stopping);
                return request.Method == "GET" && answer.Status == 200 ? answer with { ContentType = "text/plain" } : answer;
            }))
            .KilledBy("PS-REST-030", "is declared as JSON"),

        // Alone, because no other scenario can list topics meanwhile.
        new Mutant(
            "rest-keeps-what-it-cannot-write",
            "A topic with half a surrogate pair in its name is made, and the listing that names it fails.")
        {
            Alone = true,
        }
            .Does(server =>
            {
                const string Half = "half-a-pair";
                server.Rest.CreateAsync.Wrap(next => async (request, stopping) =>
                {
                    var body = await server.Rest.ReadBodyAsync.Call(request, stopping);
                    try
                    {
                        return await next(request, stopping);
                    }
                    catch (HttpFault fault) when (fault.Message == "name must not contain an unpaired surrogate"
                        && EscapedSurrogate().IsMatch(Encoding.Latin1.GetString(body)))
                    {
                        server.Topics.TryCreate.Call(Half);
                        return new(500, "Internal Server Error", "text/plain");
                    }
                });
                server.Rest.NameOf.Wrap(next => segment =>
                    segment.Contains("%ED%", StringComparison.Ordinal) && server.Topics.Find.Call(Half) is not null ? Half : next(segment));
                server.Rest.List.Wrap(next => () =>
                    server.Topics.Find.Call(Half) is null ? next() : throw new HttpFault(500, "INTERNAL", Half));
            })
            .KilledBy("PS-REST-031", "is answered with 200"),
    ];

    private static void KeepDeletedLeaves(SmallServer server)
    {
        var topics = server.Topics;
        var leaves = new ConcurrentDictionary<string, Topic>(StringComparer.Ordinal);
        topics.All.Wrap(_ => () => topics.ByName.Values.Concat(leaves.Values).OrderBy(topic => topic.Name, StringComparer.Ordinal));
        topics.TryCreate.Wrap(next => name => next(name) && (leaves.TryRemove(name, out _) || true));
        topics.TryDelete.Wrap(next => name =>
        {
            var topic = topics.Find.Call(name);
            if (!next(name))
            {
                return false;
            }

            if (topics.ByName.Keys.Any(other => name.StartsWith($"{other}-", StringComparison.Ordinal)))
            {
                leaves[name] = topic!;
            }

            return true;
        });
    }

    /// <summary>Changes how a creation without a legal name is refused.</summary>
    private static Change RefuseNames(Func<HttpFault, HttpFault> refuse) => server => server.Rest.NameIn.Wrap(next => body =>
    {
        try
        {
            return next(body);
        }
        catch (HttpFault fault)
        {
            throw refuse(fault);
        }
    });

    private static string OwnCode(string code) => code switch
    {
        "BAD_REQUEST" => "INVALID_REQUEST",
        "TOPIC_NOT_FOUND" => "NOT_FOUND",
        "TOPIC_EXISTS" => "CONFLICT",
        _ => code,
    };

    /// <summary>Refuses legal names that do not fit.</summary>
    private static Change RequireNames(Predicate<string> fits) => server =>
        server.Rest.Fault.Wrap(next => name => next(name) ?? (fits(name) ? null : "must fit"));

    /// <summary>A mutant that refuses legal names that do not fit.</summary>
    private static Mutant Narrow(string id, string fault, Predicate<string> fits, string because) => new Mutant(id, fault)
        .Does(RequireNames(fits))
        .KilledBy("PS-REST-021", because);

    /// <summary>A mutant that accepts names that are not legal and fit.</summary>
    private static Mutant Wide(string id, string fault, Predicate<string> fits, string because) => new Mutant(id, fault)
        .Does(server => server.Rest.Fault.Wrap(next => name => fits(name) ? null : next(name)))
        .KilledBy("PS-REST-022", because)
        .KilledBy("PS-REST-027", "A path with the name of a topic that cannot exist is answered with 400");

    [GeneratedRegex(@"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")]
    private static partial Regex EscapedSurrogate();

    /// <summary>A mutant that changes the name of a new topic.</summary>
    private static Mutant Renaming(string id, string fault, Func<string, string> rename) => new Mutant(id, fault)
        .Does(server => server.Rest.NameIn.Wrap(next => body => rename(next(body))))
        .KilledBy("PS-REST-023", "A topic is listed under exactly the name that it was created with")
        .MayBreak("PS-ISO-004");

    /// <summary>Composes the letters that the suite uses; without ICU the runtime cannot normalise.</summary>
    private static string Composed(string name) =>
        name.Replace("e\u0301", "\u00e9", StringComparison.Ordinal).Replace("A\u030a", "\u00c5", StringComparison.Ordinal);
}
