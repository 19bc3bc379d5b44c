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
        new("rest-created-200", "A creation is answered with 200.")
        {
            Change = Rest(server => new CreatesWith200(server)),
            Kills = [new("PS-REST-001", "POST with a fresh name is answered with 201")],
            Also = ["PS-REST-021", "PS-REST-023", "PS-REST-024", "PS-REST-025", "PS-ISO-004"],
        },
        new("rest-name-used-up", "The name of a deleted topic is taken for good.")
        {
            Change = parts => parts with { Topics = server => new UsesNamesUp(server) },
            Kills = [new("PS-REST-001", "POST with the name of a deleted topic is answered with 201")],
        },
        new("rest-content-type-to-the-letter", "Content-Type has to be application/json to the letter.")
        {
            Change = Rest(server => new ReadsTypesToTheLetter(server)),
            Kills =
            [
                new("PS-REST-001", "POST of application/json with a charset is answered with 201"),
                new("PS-REST-001", "POST of Application/JSON is answered with 201"),
            ],
        },
        new("rest-created-again", "The creation of a topic that exists is answered with 201, and does nothing.")
        {
            Change = Rest(server => new CreatesAgain(server)),
            Kills =
            [
                new("PS-REST-002", "POST with the name of an existing topic is answered with 409"),
                new("PS-REST-025", "concurrent creations one is answered with 201"),
            ],
        },
        new("rest-created-afresh", "The creation of a topic that exists is refused, but has put a new topic in its place.")
        {
            Change = parts => parts with { Topics = server => new CreatesAfresh(server) },
            Kills =
            [
                new("PS-REST-002", "Creating a topic again leaves its subscribers"),
                new("PS-REST-002", "Creating a topic again leaves its retained messages"),
            ],
        },
        new("rest-listed-late", "A topic is listed a moment after its creation has been answered.")
        {
            Change = parts => parts with { Topic = seed => new Dated(seed), Rest = server => new ListsLate(server) },
            Kills = [new("PS-REST-003", "A topic is listed once its creation has been answered")],
            Also = ["PS-REST-023", "PS-REST-024", "PS-SUB-002", "PS-SUB-006"],
        },
        new("rest-unknown-to-the-connected", "A connection can subscribe to a topic younger than its last request only when it tries again.")
        {
            Change = parts => parts with { Session = seed => new RemembersTopics(seed) },
            Kills = [new("PS-REST-003", "A connection older than the topic can subscribe to it")],
        },
        new("rest-zero-omitted", "The listing omits subscribers where there are none.")
        {
            Change = Rest(server => new OmitsZero(server)),
            Kills = [new("PS-REST-004", "Every entry has a string name and an integer subscribers")],
            Also = ["PS-REST-005", "PS-ROB-007"],
        },
        new("rest-count-keeps-who-left", "The listing counts a connection for as long as it lives, whether it has unsubscribed or not.")
        {
            Change = Rest(server => new CountsForLife(server)),
            Kills = [new("PS-REST-005", "A subscription that has ended is not counted")],
        },
        new("rest-count-twice", "A connection that subscribes again is counted again.")
        {
            Change = parts => parts with { Topic = seed => new CountsTwice(seed) },
            Kills = [new("PS-REST-005", "A connection that subscribed twice holds one subscription")],
            Also = ["PS-SUB-006", "PS-OBS-009"],
        },
        new("rest-count-joined", "The listing counts a connection that subscribes to several topics for each of them at each of them.")
        {
            Change = Rest(server => new CountsJoined(server)),
            Kills = [new("PS-REST-005", "The subscriptions to orders are counted there")],
        },
        new("rest-deleted-leaf-listed", "A deleted topic stays listed when its name is that of another, a hyphen and more.")
        {
            Change = parts => parts with { Topics = server => new KeepsLeaves(server) },
            Kills = [new("PS-REST-006", "A deleted topic is not listed, and its neighbours are")],
        },
        new("rest-deleted-202", "A deletion is answered with 202.")
        {
            Change = parts => parts with { Variation = parts.Variation with { DeletionStatus = 202 } },
            Kills = [new("PS-REST-006", "DELETE of an existing topic is answered with 200")],
            Also = ["PS-DEL-009"],
        },
        new("rest-unknown-deleted", "The deletion of a topic that does not exist is answered with 200.")
        {
            Change = Rest(server => new DeletesUnknown(server)),
            Kills =
            [
                new("PS-REST-007", "DELETE of a topic that never existed is answered with 404"),
                new("PS-REST-007", "DELETE of a deleted topic is answered with 404"),
            ],
            Also = ["PS-DEL-009"],
        },
        new("rest-name-in-an-array", "A name in an array is taken for the name.")
        {
            Change = Rest(server => new TakesArrays(server)),
            Kills = [new("PS-REST-008", "whose name is an array"), new("PS-REST-009", "whose name is an array")],
        },
        new("rest-422", "A creation without a legal name is refused with 422.")
        {
            Change = Rest(server => new RefusesWith422(server)),
            Kills = [new("PS-REST-009", "is answered with 400"), new("PS-REST-022", "is refused with 400")],
        },
        new("rest-lenient-json", "Trailing commas and comments are allowed in the body of a creation.")
        {
            Change = Rest(server => new ParsesLeniently(server)),
            Kills = [new("PS-REST-009", "with a trailing comma")],
        },
        new("rest-name-in-any-case", "A member Name is taken for the name, as a member NAME is.")
        {
            Change = Rest(server => new FindsAnyCase(server)),
            Kills = [new("PS-REST-009", "whose name is spelt Name"), new("PS-REST-024", "Unknown members of a creation are ignored")],
        },
        new("rest-body-repaired", "What is no UTF-8 in the body of a creation is replaced.")
        {
            Change = Rest(server => new RepairsBodies(server)),
            Kills = [new("PS-REST-009", "A body that is not UTF-8")],
        },
        new("rest-created-without-body", "The answer to a creation has no body.")
        {
            Change = Rest(server => new CreatesSilently(server)),
            Kills = [new("PS-REST-010", "The answer to a creation has the status created")],
        },
        new("rest-location-without-root", "The Location of a new topic lacks what all paths begin with.")
        {
            Change = Rest(server => new LocatesAtRoot(server)),
            Kills = [new("PS-REST-011", "The Location can be fetched")],
        },
        new("rest-location-raw", "The Location of a new topic has its name as it is.")
        {
            Change = Rest(server => new LocatesRaw(server)),
            Kills = [new("PS-REST-011", "The Location can be fetched")],
        },
        new("rest-deletion-is-ok", "The answer to a deletion says ok.")
        {
            Change = Rest(server => new DeletesWithOk(server)),
            Kills = [new("PS-REST-012", "The answer to a deletion has the status deleted")],
        },
        new("rest-order-without-case", "The listing is in an order that ignores case.")
        {
            Change = Rest(server => new OrdersWithoutCase(server)),
            Kills = [new("PS-REST-013", "Topics are listed in ascending ordinal order of their names")],
        },
        new("rest-counts-swapped", "A topic's subscribers and messages are told the wrong way round.")
        {
            Change = Rest(server => new SwapsCounts(server)),
            Kills = [new("PS-REST-014", "It tells the topic's name, subscribers and messages")],
        },
        new("rest-unknown-is-empty", "A topic that does not exist is told as one without subscribers and messages.")
        {
            Change = Rest(server => new TellsUnknown(server)),
            Kills =
            [
                new("PS-REST-015", "GET of a topic that does not exist is answered with 404"),
                new("PS-REST-015", "GET of a deleted topic is answered with 404"),
            ],
        },
        new("rest-any-content-type", "A body of any Content-Type is read as JSON.")
        {
            Change = Rest(server => new ReadsAnyType(server)),
            Kills = [new("PS-REST-016", "is answered with 415")],
        },
        new("rest-chunks-without-end", "A body in chunks may be larger than the limit.")
        {
            Change = Rest(server => new ReadsAllChunks(server)),
            Kills = [new("PS-REST-017", "A body that is larger than the limit is answered with 413")],
        },
        new("rest-too-large-400", "A body that is larger than the limit is refused with 400.")
        {
            Change = Rest(server => new RefusesLargeWith400(server)),
            Kills = [new("PS-REST-017", "A body that is larger than the limit is answered with 413")],
        },
        new("rest-problem-status-is-text", "The status in a problem document is a string.")
        {
            Change = parts => parts with { Messages = server => new TellsStatusAsText(server) },
            Kills = [new("PS-REST-018", "A problem document has the number status")],
        },
        new("rest-codes-of-its-own", "Errors have codes of the server's own choice.")
        {
            Change = parts => parts with { Messages = server => new HasOwnCodes(server) },
            Kills =
            [
                new("PS-REST-019", "The code with 400 is BAD_REQUEST"),
                new("PS-REST-019", "The code with 404 is TOPIC_NOT_FOUND"),
                new("PS-REST-019", "The code with 409 is TOPIC_EXISTS"),
            ],
        },
        new("rest-wrong-method-404", "A method that a path does not support is answered with 404.")
        {
            Change = Rest(server => new HidesMethods(server)),
            Kills = [new("PS-REST-020", "is answered with 405 where it is not supported")],
        },
        new("rest-no-allow", "A method that a path does not support is answered without Allow.")
        {
            Change = Rest(server => new OmitsAllow(server)),
            Kills = [new("PS-REST-020", "Allow names")],
        },
        new("rest-names-of-254", "A name must have fewer than 255 characters.")
        {
            Change = Rest(server => new Bounds(server, name => name.EnumerateRunes().Count() < 255)),
            Kills = [new("PS-REST-021", "A name of up to 255 characters is accepted"), new("PS-REST-023", "A topic of this name is created")],
        },
        new("rest-names-of-utf-16", "The length of a name is that of its UTF-16.")
        {
            Change = Rest(server => new Bounds(server, name => name.Length <= 255)),
            Kills = [new("PS-REST-021", "A name of up to 255 characters is accepted"), new("PS-REST-023", "A topic of this name is created")],
        },
        new("rest-names-from-3", "A name must have at least 3 characters.")
        {
            Change = Rest(server => new Bounds(server, name => name.Length >= 3)),
            Kills = [new("PS-REST-021", "A name of one character is accepted"), new("PS-REST-023", "A topic of this name is created")],
        },
        new("rest-names-in-ascii", "A name must be ASCII.")
        {
            Change = Rest(server => new Bounds(server, name => name.All(char.IsAscii))),
            Kills = [new("PS-REST-021", "is accepted"), new("PS-REST-023", "A topic of this name is created")],
        },
        new("rest-names-for-files", "A name must be one that a file can have everywhere.")
        {
            Change = Rest(server => new Bounds(server, name => !name.Any("<>:\"/\\|?*".Contains) && !name.EndsWith('.'))),
            Kills = [new("PS-REST-023", "A topic of this name is created")],
        },
        new("rest-names-of-256", "A name may have 256 characters.")
        {
            Change = Rest(server => new Allows(server, name => name.EnumerateRunes().Count() == 256)),
            Kills =
            [
                new("PS-REST-022", "A name of more than 255 characters is refused with 400"),
                new("PS-REST-027", "of a topic whose name cannot exist is answered with 400"),
            ],
        },
        new("rest-controls-above-ascii", "Only the control characters below the space are refused.")
        {
            Change = Rest(server => new Allows(server, name => name.Length is > 0 and < 255 && name.All(letter => letter >= 0x20))),
            Kills = [new("PS-REST-022", "A name with U+007f"), new("PS-REST-027", "of a topic whose name cannot exist is answered with 400")],
        },
        new("rest-escaped-pairs-replaced", "Each escaped surrogate in the body of a creation is replaced, paired or not.")
        {
            Change = Rest(server => new ReplacesSurrogates(server)),
            Kills = [new("PS-REST-022", "A name with"), new("PS-REST-023", "A name is what its JSON escapes stand for")],
            Also = ["PS-REST-021", "PS-OBS-006"],
        },
        new("rest-decodes-before-splitting", "A path is decoded before it is taken apart.")
        {
            Change = Rest(server => new DecodesFirst(server)),
            Kills = [new("PS-REST-023", "It is fetched by its percent-encoded path")],
            Also = ["PS-REST-011"],
        },
        new("rest-decodes-twice", "A name in a path is decoded twice.")
        {
            Change = Rest(server => new DecodesTwice(server)),
            Kills = [new("PS-REST-023", "It is fetched by its percent-encoded path"), new("PS-REST-023", "%252F in a path is %2F in the name")],
            Also = ["PS-REST-011"],
        },
        new("rest-plus-is-space", "A plus sign in a path is a space.")
        {
            Change = Rest(server => new ReadsPlusAsSpace(server)),
            Kills = [new("PS-REST-023", "What need not be encoded stands for itself, the plus sign too")],
        },
        new("rest-path-cut", "A name in a path ends at a hash, a question mark or a semicolon, encoded or not.")
        {
            Change = Rest(server => new CutsNames(server)),
            Kills = [new("PS-REST-023", "It is fetched by its percent-encoded path")],
            Also = ["PS-REST-011"],
        },
        new("rest-path-cleaned", "Empty segments and dot segments within a name in a path are removed.")
        {
            Change = Rest(server => new CleansPaths(server)),
            Kills = [new("PS-REST-023", "It is fetched by its percent-encoded path")],
            Also = ["PS-REST-011"],
        },
        new("rest-names-trimmed", "A new topic's name is trimmed.")
        {
            Change = Rest(server => new Rewrites(server, name => name.Trim())),
            Kills = [new("PS-REST-023", "It is listed under exactly this name")],
            Also = ["PS-ISO-004"],
        },
        new("rest-names-in-lower-case", "A new topic's name is put in lower case.")
        {
            Change = Rest(server => new Rewrites(server, name => name.ToLowerInvariant())),
            Kills = [new("PS-REST-023", "It is listed under exactly this name")],
            Also = ["PS-ISO-004"],
        },
        new("rest-names-composed", "A new topic's name is put in normalisation form C.")
        {
            Change = Rest(server => new Rewrites(server, Composed)),
            Kills = [new("PS-REST-023", "It is listed under exactly this name"), new("PS-REST-023", "The decomposed twin of a name is another name")],
            Also = ["PS-ISO-004"],
        },
        new("rest-listed-as-html", "The listing has names as HTML would need them.")
        {
            Change = Rest(server => new ListsForHtml(server)),
            Kills = [new("PS-REST-023", "It is listed under exactly this name")],
        },
        new("rest-names-inherited", "Topics are members of an object that has inherited some.")
        {
            Change = parts => parts with { Topics = server => new Inherits(server) },
            Kills = [new("PS-REST-023", "A topic of this name is created"), new("PS-REST-023", "It is listed under exactly this name")],
        },
        new("rest-unknown-members-refused", "Unknown members in the body of a creation are refused.")
        {
            Change = Rest(server => new RefusesUnknownMembers(server)),
            Kills = [new("PS-REST-024", "Unknown members of a creation are ignored")],
        },
        new("rest-checks-then-acts", "Between the look for a topic of the name and the creation of one, another creation may come.")
        {
            Change = Rest(server => new ChecksThenActs(server)),
            Kills = [new("PS-REST-025", "concurrent creations one is answered with 201")],
        },
        new("rest-one-detail", "Whatever is wrong with a name, the detail is the same.")
        {
            Change = Rest(server => new HasOneDetail(server)),
            Kills = [new("PS-REST-026", "Each rule has a detail of its own")],
        },
        new("rest-names-in-paths-unchecked", "A name in a path may be one that no topic can have.")
        {
            Change = Rest(server => new TakesAnyName(server)),
            Kills = [new("PS-REST-027", "of a topic whose name cannot exist is answered with 400")],
        },
        new("rest-escapes-kept", "What is no percent-encoded UTF-8 in a path stands for itself.")
        {
            Change = Rest(server => new KeepsEscapes(server)),
            Kills = [new("PS-REST-027", "of a topic whose name cannot exist is answered with 400")],
        },
        new("rest-unknown-path-in-text", "An unknown path is answered in plain text.")
        {
            Change = Rest(server => new SaysNothingThere(server)),
            Kills = [new("PS-REST-018", "An error is a problem document"), new("PS-REST-028", "The answer is a problem document")],
        },
        new("rest-no-head", "HEAD is answered with 405.")
        {
            Change = Rest(server => new RefusesHead(server)),
            Kills = [new("PS-REST-029", "is answered as GET is")],
        },
        new("rest-head-with-body", "HEAD is answered with a body.")
        {
            Change = Rest(server => new AnswersHeadWhole(server)),
            Kills = [new("PS-REST-029", "is answered without a body")],
        },
    ];

    private static Func<Parts, Parts> Rest(Func<SmallServer, RestDoor> door) => parts => parts with { Rest = door };

    /// <summary>By hand, for the letters that anybody asks for: without ICU the runtime composes none.</summary>
    private static string Composed(string name) =>
        name.Replace("e\u0301", "\u00e9", StringComparison.Ordinal).Replace("A\u030a", "\u00c5", StringComparison.Ordinal);

    private sealed class CreatesWith200(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse Created(string name) => base.Created(name) with { Status = 200 };
    }

    private sealed class UsesNamesUp(SmallServer server) : Servers.Topics(server)
    {
        private readonly ConcurrentDictionary<string, bool> _used = new(StringComparer.Ordinal);

        public override bool TryCreate(string name) => !_used.ContainsKey(name) && base.TryCreate(name);

        public override bool TryDelete(string name) => base.TryDelete(name) && _used.TryAdd(name, true);
    }

    private sealed class ReadsTypesToTheLetter(SmallServer server) : RestDoor(server)
    {
        protected override bool IsJson(string? contentType) => contentType == "application/json";
    }

    private sealed class CreatesAgain(SmallServer server) : RestDoor(server)
    {
        protected override async Task<bool> TryCreateAsync(string name) => await base.TryCreateAsync(name) || true;
    }

    private sealed class CreatesAfresh(SmallServer server) : Servers.Topics(server)
    {
        public override bool TryCreate(string name)
        {
            if (base.TryCreate(name))
            {
                return true;
            }

            ByName[name] = Server.Parts.Topic(new TopicSeed(name, Server));
            return false;
        }
    }

    private sealed class Dated(TopicSeed seed) : Topic(seed)
    {
        public long Born { get; } = TimeProvider.System.GetTimestamp();
    }

    private sealed class ListsLate(SmallServer server) : RestDoor(server)
    {
        private static readonly TimeSpan Lag = TimeSpan.FromMilliseconds(200);

        protected override IEnumerable<Topic> Listed =>
            base.Listed.Where(topic => TimeProvider.System.GetElapsedTime(((Dated)topic).Born) > Lag);
    }

    private sealed class RemembersTopics : Session
    {
        private HashSet<Topic> _known;

        public RemembersTopics(SessionSeed seed)
            : base(seed) => _known = [.. Topics.All];

        protected override void Answer(ClientRequest request)
        {
            base.Answer(request);
            _known = [.. Topics.All];
        }

        protected override bool Subscribe(Topic topic, ClientRequest request) => _known.Contains(topic) && base.Subscribe(topic, request);
    }

    private sealed class OmitsZero(SmallServer server) : RestDoor(server)
    {
        protected override string Entry(string name, int subscribers) =>
            subscribers == 0 ? $$"""{"name":{{Servers.Messages.Quote(name)}}}""" : base.Entry(name, subscribers);
    }

    private sealed class CountsForLife(SmallServer server) : RestDoor(server)
    {
        protected override int Subscribers(Topic topic) => Server.Sessions.Keys.Count(session => session.Joined.ContainsKey(topic));
    }

    private sealed class CountsTwice(TopicSeed seed) : Topic(seed)
    {
        private int _again; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _again += Subscribers.Contains(subscriber) ? 1 : 0;
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                return (Subscribers.Count == 0 ? 0 : Subscribers.Count + _again, Accepted);
            }
        }
    }

    private sealed class CountsJoined(SmallServer server) : RestDoor(server)
    {
        protected override int Subscribers(Topic topic)
        {
            var count = base.Subscribers(topic);
            var joined = Server.Sessions.Keys.Where(session => session.Joined.ContainsKey(topic)).Sum(session => session.Joined.Count - 1);
            return count == 0 ? 0 : count + joined;
        }
    }

    private sealed class KeepsLeaves(SmallServer server) : Servers.Topics(server)
    {
        private readonly ConcurrentDictionary<string, Topic> _leaves = new(StringComparer.Ordinal);

        public override IEnumerable<Topic> All => ByName.Values.Concat(_leaves.Values).OrderBy(topic => topic.Name, StringComparer.Ordinal);

        public override bool TryCreate(string name) => base.TryCreate(name) && (_leaves.TryRemove(name, out _) || true);

        public override bool TryDelete(string name)
        {
            var topic = Find(name);
            if (!base.TryDelete(name))
            {
                return false;
            }

            if (ByName.Keys.Any(other => name.StartsWith($"{other}-", StringComparison.Ordinal)))
            {
                _leaves[name] = topic!;
            }

            return true;
        }
    }

    private sealed class DeletesUnknown(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse NoSuchTopic(string method, string name) =>
            method == "DELETE" ? Deleted(name) : base.NoSuchTopic(method, name);
    }

    private sealed class TakesArrays(SmallServer server) : RestDoor(server)
    {
        protected override string Text(JsonElement name) =>
            name.ValueKind == JsonValueKind.Array && name.GetArrayLength() == 1 ? base.Text(name[0]) : base.Text(name);
    }

    private sealed class RefusesWith422(SmallServer server) : RestDoor(server)
    {
        protected override string NameIn(byte[] body)
        {
            try
            {
                return base.NameIn(body);
            }
            catch (HttpFault fault)
            {
                throw new HttpFault(422, "UNPROCESSABLE_CONTENT", fault.Message);
            }
        }
    }

    private sealed class ParsesLeniently(SmallServer server) : RestDoor(server)
    {
        protected override JsonDocument Parse(byte[] body) => JsonDocument.Parse(
            body, new JsonDocumentOptions { AllowDuplicateProperties = false, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
    }

    private sealed class FindsAnyCase(SmallServer server) : RestDoor(server)
    {
        protected override JsonElement? Find(JsonElement body)
        {
            var found = body.EnumerateObject().Where(member => member.Name.Equals("name", StringComparison.OrdinalIgnoreCase)).ToList();
            return found.Count == 0 ? null : found[^1].Value;
        }
    }

    private sealed class RepairsBodies(SmallServer server) : RestDoor(server)
    {
        protected override JsonDocument Parse(byte[] body) => base.Parse(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body)));
    }

    private sealed class CreatesSilently(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse Created(string name) => base.Created(name) with { Body = null };
    }

    private sealed class LocatesAtRoot(SmallServer server) : RestDoor(server)
    {
        protected override string Location(string name) => $"/{base.Location(name)}";
    }

    private sealed class LocatesRaw(SmallServer server) : RestDoor(server)
    {
        protected override string Location(string name) => $"topics/{name}";
    }

    private sealed class DeletesWithOk(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse Deleted(string name) =>
            base.Deleted(name) with { Body = $$"""{"status":"ok","topic":{{Servers.Messages.Quote(name)}}}""" };
    }

    private sealed class OrdersWithoutCase(SmallServer server) : RestDoor(server)
    {
        protected override IEnumerable<Topic> Listed => base.Listed.OrderBy(topic => topic.Name, StringComparer.OrdinalIgnoreCase);
    }

    private sealed class SwapsCounts(SmallServer server) : RestDoor(server)
    {
        protected override string One(string name, int subscribers, long messages) => base.One(name, (int)messages, subscribers);
    }

    private sealed class TellsUnknown(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse NoSuchTopic(string method, string name) =>
            method == "GET" ? Json(One(name, 0, 0)) : base.NoSuchTopic(method, name);
    }

    private sealed class ReadsAnyType(SmallServer server) : RestDoor(server)
    {
        protected override bool IsJson(string? contentType) => true;
    }

    private sealed class ReadsAllChunks(SmallServer server) : RestDoor(server)
    {
        protected override Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken stopping) =>
            request["Transfer-Encoding"] is null ? base.ReadBodyAsync(request, stopping) : request.ReadBodyAsync(int.MaxValue, stopping);
    }

    private sealed class RefusesLargeWith400(SmallServer server) : RestDoor(server)
    {
        public override HttpResponse Refuse(HttpFault fault) => base.Refuse(fault.Status == 413 ? Bad(fault.Message) : fault);
    }

    private sealed class TellsStatusAsText(SmallServer server) : Servers.Messages(server.Parts.Variation)
    {
        public override HttpResponse Problem(int status, string code, string detail)
        {
            var problem = base.Problem(status, code, detail);
            return problem with { Body = problem.Body!.Replace($"\"status\":{status}", $"\"status\":\"{status}\"", StringComparison.Ordinal) };
        }
    }

    private sealed class HasOwnCodes(SmallServer server) : Servers.Messages(server.Parts.Variation)
    {
        public override HttpResponse Problem(int status, string code, string detail) => base.Problem(
            status,
            code switch
            {
                "BAD_REQUEST" => "INVALID_REQUEST",
                "TOPIC_NOT_FOUND" => "NOT_FOUND",
                "TOPIC_EXISTS" => "CONFLICT",
                _ => code,
            },
            detail);
    }

    private sealed class HidesMethods(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse NotAllowed(string allowed) => NothingThere();
    }

    private sealed class OmitsAllow(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse NotAllowed(string allowed) => base.NotAllowed(allowed) with { Headers = [] };
    }

    /// <summary>Refuses legal names that do not fit.</summary>
    private sealed class Bounds(SmallServer server, Predicate<string> fits) : RestDoor(server)
    {
        protected override string? Fault(string name) => base.Fault(name) ?? (fits(name) ? null : "must fit");
    }

    /// <summary>Accepts names that are not legal.</summary>
    private sealed class Allows(SmallServer server, Predicate<string> fits) : RestDoor(server)
    {
        protected override string? Fault(string name) => fits(name) ? null : base.Fault(name);
    }

    private sealed partial class ReplacesSurrogates(SmallServer server) : RestDoor(server)
    {
        protected override JsonDocument Parse(byte[] body) =>
            base.Parse(Encoding.Latin1.GetBytes(EscapedSurrogate().Replace(Encoding.Latin1.GetString(body), @"\ufffd")));

        [GeneratedRegex(@"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")]
        private static partial Regex EscapedSurrogate();
    }

    private sealed class DecodesFirst(SmallServer server) : RestDoor(server)
    {
        protected override string PathOf(HttpRequest request) =>
            TopicName.Decode(base.PathOf(request)) ?? throw Bad("the path must be percent-encoded UTF-8, the name of a topic in it too");

        protected override string? Decode(string segment) => segment;
    }

    private sealed class DecodesTwice(SmallServer server) : RestDoor(server)
    {
        protected override string? Decode(string segment) => base.Decode(segment) is { } once ? Uri.UnescapeDataString(once) : null;
    }

    private sealed class ReadsPlusAsSpace(SmallServer server) : RestDoor(server)
    {
        protected override string? Decode(string segment) => base.Decode(segment.Replace('+', ' '));
    }

    private sealed class CutsNames(SmallServer server) : RestDoor(server)
    {
        protected override string? Decode(string segment) => base.Decode(segment)?.Split('#', '?', ';')[0];
    }

    private sealed class CleansPaths(SmallServer server) : RestDoor(server)
    {
        protected override string? Decode(string segment) =>
            base.Decode(segment) is { } name ? string.Join('/', name.Split('/').Where(part => part is not ("" or "." or ".."))) : null;
    }

    /// <summary>Makes something else of a new topic's name.</summary>
    private sealed class Rewrites(SmallServer server, Func<string, string> rewrite) : RestDoor(server)
    {
        protected override string NameIn(byte[] body) => rewrite(base.NameIn(body));
    }

    private sealed class ListsForHtml(SmallServer server) : RestDoor(server)
    {
        protected override string Entry(string name, int subscribers) => base.Entry(SecurityElement.Escape(name), subscribers);
    }

    /// <summary>As an object of JavaScript does: one member is taken already, and to set the other sets none.</summary>
    private sealed class Inherits(SmallServer server) : Servers.Topics(server)
    {
        public override bool TryCreate(string name) => name == "__proto__" || (name != "constructor" && base.TryCreate(name));
    }

    private sealed class RefusesUnknownMembers(SmallServer server) : RestDoor(server)
    {
        protected override JsonElement? Find(JsonElement body) =>
            body.EnumerateObject().Any(member => member.Name != "name") ? throw Bad("the body must have no member but name") : base.Find(body);
    }

    private sealed class ChecksThenActs(SmallServer server) : RestDoor(server)
    {
        protected override async Task<bool> TryCreateAsync(string name)
        {
            if (Topics.Find(name) is not null)
            {
                return false;
            }

            await Task.Delay(2);
            Topics.TryCreate(name);
            return true;
        }
    }

    private sealed class HasOneDetail(SmallServer server) : RestDoor(server)
    {
        protected override string NameIn(byte[] body)
        {
            try
            {
                return base.NameIn(body);
            }
            catch (HttpFault)
            {
                throw Bad("name is invalid");
            }
        }
    }

    private sealed class TakesAnyName(SmallServer server) : RestDoor(server)
    {
        protected override string NameOf(string segment) => Decode(segment) ?? base.NameOf(segment);
    }

    private sealed class KeepsEscapes(SmallServer server) : RestDoor(server)
    {
        protected override string? Decode(string segment) => base.Decode(segment) ?? segment;
    }

    private sealed class SaysNothingThere(SmallServer server) : RestDoor(server)
    {
        protected override HttpResponse NothingThere() => new(404, "404 page not found", "text/plain");
    }

    private sealed class RefusesHead(SmallServer server) : RestDoor(server)
    {
        public override async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping) =>
            request.Method == "HEAD" ? NotAllowed("GET") : await base.AnswerAsync(request, stopping);
    }

    private sealed class AnswersHeadWhole(SmallServer server) : RestDoor(server)
    {
        public override async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping) =>
            new Whole(await base.AnswerAsync(request, stopping));

        private sealed record Whole(HttpResponse Response) : HttpResponse(Response)
        {
            public override Task WriteAsync(Connection connection, bool keepsAlive, bool isHead, CancellationToken stopping) =>
                base.WriteAsync(connection, keepsAlive, isHead: false, stopping);
        }
    }
}
