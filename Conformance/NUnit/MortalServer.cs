using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Tests;

/// <summary>One REST request with its whole head and its body.</summary>
internal sealed record Heard(string Method, string Path, string Head, string Body);

/// <summary>The answer to a REST request. Each extra header line ends with CRLF.</summary>
internal sealed record Said(int Status, string Body, string Headers = "");

/// <summary>
/// A correct server for tests of the engine. A message that contains <see cref="Poison"/> kills, silences or restarts it, and a test can
/// answer in its place. It starts at its first use.
/// </summary>
internal sealed class MortalServer : IAsyncDisposable
{
    public const string Poison = "poison";

    private const int LargestBody = 16 * 1024 * 1024;

    private readonly Lazy<SmallServer> _server;
    private readonly Lazy<TlsServer> _secured;
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MortalServer(IPAddress? address = null)
    {
        _server = new(() => new SmallServer(Changes(address ?? IPAddress.Loopback)));
        _secured = new(() => new TlsServer(
            _server.Value.Origin, Certificate!.TargetCertificate, [.. Certificate.IntermediateCertificates]));
    }

    /// <summary>The prefixes under which /topics and /health answer.</summary>
    public IReadOnlyList<string> RestPrefixes { get; init; } = ["/v1"];

    /// <summary>The paths that are upgraded.</summary>
    public IReadOnlyList<string> Sockets { get; init; } = ["/v1/ws"];

    /// <summary>Only the names of the members for the time and the uptime are used.</summary>
    public Dialect Dialect { get; init; } = Dialect.V1;

    public bool UuidsOnly { get; init; }

    /// <summary>Answers a REST request; null leaves it to the server.</summary>
    public Func<Heard, Said?> Answer { get; init; } = _ => null;

    /// <summary>Replies to a message; null leaves it to the server, an empty text sends nothing.</summary>
    public Func<string, string?> Reply { get; init; } = _ => null;

    /// <summary>Creates a topic for every name that is not empty, also for malformed ones.</summary>
    public bool TakesEverything { get; init; }

    /// <summary>The status of every answer to a handshake; null for 101.</summary>
    public int? Turnstile { get; init; }

    /// <summary>The certificate for TLS; null for plain TCP.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }

    /// <summary>Called for each message that contains <see cref="Poison"/>.</summary>
    public Action<MortalServer> WhenPoisoned { get; init; } = server => server.Crash();

    public Uri Origin => Certificate is null ? _server.Value.Origin : _secured.Value.Origin;

    /// <summary>Completes at the first crash, hang or restart.</summary>
    public Task Ended => _ended.Task;

    public IReadOnlyCollection<string> Topics => [.. _server.Value.Topics.ByName.Keys];

    /// <summary>Every topic that a client asked it to create.</summary>
    public IReadOnlyCollection<string> Asked => [.. _asked];

    public Target Target(TimeSpan? wait = null)
    {
        var limit = wait ?? TimeSpan.FromSeconds(5);
        return Targets.Target.From(Origin, Dialect) with
        {
            Timeouts = new Timeouts { Connect = limit, Wait = limit, Cleanup = limit, Scenario = TimeSpan.FromSeconds(30) },
        };
    }

    public ProbedTarget Probed(TimeSpan? wait = null) => new(Target(wait), Origin);

    /// <summary>Resets every connection and refuses new ones.</summary>
    public void Crash() => End(server => server.Crash());

    /// <summary>Accepts connections but answers nothing.</summary>
    public void Hang() => End(server => server.Hang());

    /// <summary>Resets every connection, forgets everything, and goes on at the same address.</summary>
    public void Restart() => End(server => server.Restart());

    public async ValueTask DisposeAsync()
    {
        if (_secured.IsValueCreated)
        {
            await _secured.Value.DisposeAsync();
        }

        if (_server.IsValueCreated)
        {
            await _server.Value.DisposeAsync();
        }
    }

    private void End(Action<SmallServer> end)
    {
        end(_server.Value);
        _ended.TrySetResult();
    }

    private Change[] Changes(IPAddress address) =>
    [
        server =>
        {
            server.Settings = server.Settings with { Address = address, AllowedOrigins = ["*"] };
            server.Variation = new() { TimeMember = Dialect.Timestamp, UptimeMember = Dialect.Uptime, UuidsOnly = UuidsOnly };
            server.Topics.TryCreate.Wrap(next => name =>
            {
                _asked.Enqueue(name);
                return next(name);
            });
            server.AnswerAsync.Wrap(next => async (request, stopping) =>
                (Handshake.IsValid(request) ? null : await AnswerAsync(request, stopping)) ?? await next(request, stopping));
            server.EachSession(session => session.Receive.Wrap(next => (type, message) =>
            {
                switch (Reply(Encoding.UTF8.GetString(message.Span)))
                {
                    case null:
                        next(type, message);
                        break;
                    case { Length: > 0 } reply:
                        session.Queue.Reply.Call(Encoding.UTF8.GetBytes(reply));
                        break;
                }
            }));
        },
        Paths.At(RestPrefixes, Sockets),
        Gallery.Servers.Crash.OnText(Poison, _ => WhenPoisoned(this)),
        .. Turnstile is { } status ? [server => server.Upgrade.Answer.Wrap(_ => _ => new HttpResponse(status, ""))] : Array.Empty<Change>(),
        .. TakesEverything ? [TakeEverything] : Array.Empty<Change>(),
    ];

    private async Task<HttpResponse?> AnswerAsync(HttpRequest request, CancellationToken stopping)
    {
        var body = Encoding.UTF8.GetString(await request.ReadBodyAsync(LargestBody, stopping));
        var headers = request.Headers.Select(header => $"{header.Key}: {header.Value}\r\n");
        var head = $"{request.Method} {request.Target} {request.Version}\r\n{string.Concat(headers)}\r\n";
        return Answer(new Heard(request.Method, request.Path, head, body)) is { } said
            ? new HttpResponse(said.Status, said.Body)
            {
                Headers = said.Headers.Split("\r\n", StringSplitOptions.RemoveEmptyEntries),
                KeepsAlive = false,
            }
            : null;
    }

    private static void TakeEverything(SmallServer server)
    {
        server.Settings = server.Settings with { MessageBytes = LargestBody };
        server.Rest.IsJson.Wrap(_ => _ => true);
        server.Rest.Parse.Wrap(_ => body => JsonDocument.Parse(body));
        server.Rest.Fault.Wrap(fault => name => name.Length > 0 ? null : fault(name));

        // JsonElement does not read an unpaired surrogate. Like many servers, this one replaces it with U+FFFD.
        server.Rest.Text.Wrap(text => name => name.ValueKind == JsonValueKind.String
            ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(Regex.Unescape(name.GetRawText()[1..^1])))
            : text(name));
    }
}
