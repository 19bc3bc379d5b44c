using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers whose HTTP is unusual but follows RFC 9110 and RFC 9112.</summary>
internal static class Answers
{
    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Answering(
            "benign-chunked",
            "Every body comes in chunks of 7 bytes, with extensions and a trailer (RFC 9112, section 7.1).",
            plain => plain with
            {
                Head = lines => lines.Select(line => IsLength(line) ? "Transfer-Encoding: chunked\r\nTrailer: X-Sum" : line),
                Coding = body =>
                [
                    .. body.Chunk(7).SelectMany(chunk =>
                        (byte[])[.. Encoding.ASCII.GetBytes($"000{chunk.Length:X};part=\"a;b\"\r\n"), .. chunk, .. "\r\n"u8]),
                    .. "0;last\r\nX-Sum: none\r\n\r\n"u8,
                ],
            }),
        Answering(
            "benign-lower-case-headers",
            "Header names come in lower case, values with white space around them and parameters, and the status line has no reason "
                + "(RFC 9112, sections 4 and 5; "
                + "RFC 9110, sections 5.1, 7.8 and 8.3.1).",
            plain => plain with { Head = lines => [$"HTTP/1.1 {plain.Status} ", .. lines.Skip(1).Select(InLowerCase)] }),
        Answering(
            "benign-many-headers",
            "No answer has a Date, as of a server without a clock (RFC 9110, section 6.6.1), and every one has cookies and many "
                + "headers that the client did not ask for.",
            plain => plain with
            {
                Head = lines =>
                [
                    .. lines.Where(line => !line.StartsWith("Date:", StringComparison.Ordinal)),
                    "Server: odd/1.0 (legal; \"very\")",
                    "Set-Cookie: a=b; Path=/; HttpOnly",
                    "Set-Cookie: c=d; SameSite=Lax",
                    "Strict-Transport-Security: max-age=1",
                    "X-Empty:",
                    $"X-Long: {new string('x', 4000)}",
                    .. Enumerable.Range(0, 60).Select(i => $"X-Header-{i}: {i}: \"a, b\""),
                ],
            }),
        Answering(
            "benign-one-request-each",
            "No HTTP connection carries a second request, and the end of the connection is the end of the body (RFC 9112, sections "
                + "6.3 and 9.3).",
            plain => plain.Status is 101 ? plain : plain with { Head = lines => lines.Where(line => !IsLength(line)), KeepsAlive = false }),
        Answering(
            "benign-interim-answers",
            "100 Continue and 103 Early Hints come before every answer, asked for or not (RFC 9110, section 15.2; RFC 8297).",
            plain => plain with
            {
                Interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
            }),
        new BenignServer(
            "benign-absolute-locations",
            "Location is an absolute URL, with the name escaped as much as can be (RFC 9110, section 10.2.2; RFC 3986, section 2.1; "
                + "PS-REST-011).")
            .Does(server => server.Rest.CreateAsync.Wrap(next => async (request, stopping) =>
            {
                var answer = await next(request, stopping);
                return answer with { Headers = [.. answer.Headers.Select(header => Absolute(header, request))] };
            })),
        new BenignServer("benign-plain-probes", "/livez and /readyz are answered in plain text (PS-OBS-012 asks for 200 and no more).")
            .Does(server => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
            {
                var answer = await next(request, stopping);
                var isProbe = request.Path is "/livez" or "/readyz" && answer.Status == 200;
                return isProbe ? answer with { Body = "ok\n", ContentType = "text/plain" } : answer;
            })),
    ];

    /// <summary>Changes every HTTP answer, including that to a handshake.</summary>
    public static void FinishAnswers(this SmallServer server, Func<HttpResponse, HttpResponse> finish)
    {
        server.AnswerAsync.Wrap(next => async (request, stopping) => finish(await next(request, stopping)));
        server.Rest.Refuse.Wrap(next => fault => finish(next(fault)));
    }

    private static BenignServer Answering(string id, string oddity, Func<HttpResponse, HttpResponse> finish) =>
        new BenignServer(id, oddity).Does(server => server.FinishAnswers(finish));

    private static bool IsLength(string line) => line.StartsWith("Content-Length:", StringComparison.Ordinal);

    private static string InLowerCase(string line)
    {
        var (name, value) = (line.Split(':')[0].ToLowerInvariant(), line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
        return name switch
        {
            "content-type" => $"{name}:{value.Replace("json", "JSON", StringComparison.Ordinal)} ; Charset=\"utf-8\"",
            "upgrade" => $"{name}: WebSocket\t",
            "connection" => $"{name}:\t {value.ToUpperInvariant()}",
            _ => $"{name}:  {value}  ",
        };
    }

    private static string Absolute(string header, HttpRequest request) => header.StartsWith("Location: topics/", StringComparison.Ordinal)
        ? $"Location: http://{request["Host"]}{request.Path}/{Escaped(Uri.UnescapeDataString(header["Location: topics/".Length..]))}"
        : header;

    private static string Escaped(string name) => string.Concat(Encoding.UTF8.GetBytes(name).Select(value => $"%{value:x2}"));
}
