using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Running;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that hostile input damages, and servers without limits.</summary>
internal static partial class Hostile
{
    private const string Broken = "broken-half-pair";

    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger(
            "stranger-keeps-broken-topic",
            "A topic with half a surrogate pair in its name is created although the answer is 500; while it exists, "
                + "topics cannot be listed.")
            .Does(server => KeepBrokenTopics(server, isDeletable: true))
            .Violates("PS-REST-031", "is answered with 200")
            .Undecided("PS-REST-022", "(PS-REST-031)"),

        new Stranger(
            "stranger-keeps-broken-topic-for-good",
            "A topic with half a surrogate pair in its name is created although the answer is 500; it cannot be deleted, "
                + "and topics cannot be listed any more.")
        {
            // One at a time, so that the scenarios after the one that creates the topic are always the same.
            Options = options => options with { Parallel = 1, Selection = options.Selection with { Include = Selection.Parse(["REST"]) } },
        }
            .Does(server => KeepBrokenTopics(server, isDeletable: false))
            .Violates("PS-REST-031", "be listed")
            .Undecided("PS-REST-022", "(PS-REST-031)")
            .Undecided("PS-REST-023", "topics are listed")
            .Undecided("PS-REST-026", "topics are listed")
            .Undecided("PS-REST-027", "topics are listed"),

        new Stranger(
            "stranger-without-limits",
            "It takes requests and names of any length, with control characters too, and ends what breaks the rules of framing "
                + "without a Close frame.")
            .Does(server => server.Settings = server.Settings with { MessageBytes = 64 * 1024 * 1024 })
            .Does(server => server.Rest.Fault.Wrap(_ => name => name.Length == 0 ? "must have at least one character" : null))
            .Does(server => server.EachFilter(filter => filter.FromServer.Wrap(next => frame =>
                frame.CloseCode == 1002 ? throw new IOException("The peer broke the rules.") : next(frame))))
            .Lacks("PS-REST-017", "a limit of bodies")
            .Warned("PS-REST-022", "is refused with 400")
            .Warned("PS-REST-027", "is answered with 400")
            .Warned("PS-REST-032", "is refused with 400")
            .Warned("PS-WS-013", "is a protocol error")
            .Lacks("PS-WS-013", "a Close frame")
            .Lacks("PS-ROB-004", "a limit of messages"),
    ];

    private static void KeepBrokenTopics(SmallServer server, bool isDeletable)
    {
        server.AnswerAsync.Wrap(next => async (request, stopping) =>
        {
            var isListing = request.Method == "GET" && request.Path.EndsWith("/topics", StringComparison.Ordinal);
            if (isDeletable && request.Method == "DELETE" && request.Path.Contains("%ED%", StringComparison.OrdinalIgnoreCase)
                && server.Topics.ByName.Keys.Where(IsBroken).ToList() is { Count: > 0 } broken
                && broken.TrueForAll(name => server.Topics.ByName.TryRemove(name, out _)))
            {
                return server.Rest.Deleted.Call("?");
            }

            return isListing && server.Topics.ByName.Keys.Any(IsBroken) ? Fault() : await next(request, stopping);
        });
        server.Rest.CreateAsync.Wrap(next => async (request, stopping) =>
        {
            var body = System.Text.Encoding.UTF8.GetString(await server.Rest.ReadBodyAsync.Call(request, stopping));
            if (!HalfPair().IsMatch(WholePair().Replace(body, "")))
            {
                return await next(request, stopping);
            }

            server.Topics.ByName[$"{Broken}-{Guid.NewGuid()}"] = server.NewTopic.Call(Broken);
            return Fault();
        });

        static HttpResponse Fault() => new(500, "Internal Server Error", "text/plain");

        static bool IsBroken(string name) => name.StartsWith(Broken, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")]
    private static partial Regex WholePair();

    [GeneratedRegex(@"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")]
    private static partial Regex HalfPair();
}
