using System.Globalization;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers whose HTTP is unusual and within RFC 9110 and RFC 9112.</summary>
internal static class Answers
{
    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Answering("benign-chunked", "Every body comes in chunks of 7 bytes, with extensions and a trailer (RFC 9112, section 7.1).", plain => new Chunked(plain)),
        Answering(
            "benign-lower-case-headers",
            "Header names come in lower case, values with white space around them and parameters, and the status line has no reason (RFC 9112, sections 4 and 5; "
                + "RFC 9110, sections 5.1, 7.8 and 8.3.1).",
            plain => new LowerCase(plain)),
        Answering(
            "benign-many-headers",
            "No answer has a Date, as of a server without a clock (RFC 9110, section 6.6.1), and every one has cookies and many headers that nobody asked for.",
            plain => new Crowded(plain)),
        Answering(
            "benign-one-request-each",
            "No HTTP connection carries a second request, and the end of the connection is the end of the body (RFC 9112, sections 6.3 and 9.3).",
            plain => plain.Status is 101 ? plain : new ToTheEnd(plain) { KeepsAlive = false }),
        Answering(
            "benign-interim-answers",
            "100 Continue and 103 Early Hints come before every answer, asked for or not (RFC 9110, section 15.2; RFC 8297).",
            plain => new Announced(plain)),
        BenignServer.Of(
            "benign-absolute-locations",
            "Location is an absolute URL, with the name escaped as much as can be (RFC 9110, section 10.2.2; RFC 3986, section 2.1; PS-REST-011).",
            parts => parts with { Rest = server => new AbsoluteLocations(server) }),
        BenignServer.Of(
            "benign-plain-probes",
            "/livez and /readyz are answered in plain text (PS-OBS-012 asks for 200 and no more).",
            parts => parts with { Rest = server => new PlainProbes(server) }),
    ];

    private static BenignServer Answering(string id, string oddity, Func<HttpResponse, HttpResponse> finish) =>
        BenignServer.Of(id, oddity, parts => parts.Finished(finish));

    private sealed record Chunked : HttpResponse
    {
        private const int Size = 7;

        public Chunked(HttpResponse plain)
            : base(plain)
        {
        }

        protected override IReadOnlyList<string> Head(int length, bool keepsAlive) =>
        [
            .. base.Head(length, keepsAlive)
                .Select(line => line.StartsWith("Content-Length:", StringComparison.Ordinal) ? "Transfer-Encoding: chunked\r\nTrailer: X-Sum" : line),
        ];

        protected override byte[] Coded(byte[] body) =>
        [
            .. body.Chunk(Size).SelectMany(chunk => (byte[])[.. Encoding.ASCII.GetBytes($"000{chunk.Length:X};part=\"a;b\"\r\n"), .. chunk, .. "\r\n"u8]),
            .. "0;last\r\nX-Sum: none\r\n\r\n"u8,
        ];
    }

    private sealed record LowerCase : HttpResponse
    {
        public LowerCase(HttpResponse plain)
            : base(plain)
        {
        }

        protected override IReadOnlyList<string> Head(int length, bool keepsAlive)
        {
            var usual = base.Head(length, keepsAlive);
            return [$"HTTP/1.1 {Status.ToString(CultureInfo.InvariantCulture)} ", .. usual.Skip(1).Select(Header)];
        }

        private static string Header(string line)
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
    }

    private sealed record Crowded : HttpResponse
    {
        private const int Many = 60;

        public Crowded(HttpResponse plain)
            : base(plain)
        {
        }

        protected override IReadOnlyList<string> Head(int length, bool keepsAlive) =>
        [
            .. base.Head(length, keepsAlive).Where(line => !line.StartsWith("Date:", StringComparison.Ordinal)),
            "Server: odd/1.0 (legal; \"very\")",
            "Set-Cookie: a=b; Path=/; HttpOnly",
            "Set-Cookie: c=d; SameSite=Lax",
            "Strict-Transport-Security: max-age=1",
            "X-Empty:",
            $"X-Long: {new string('x', 4000)}",
            .. Enumerable.Range(0, Many).Select(i => $"X-Header-{i}: {i}: \"a, b\""),
        ];
    }

    private sealed record ToTheEnd : HttpResponse
    {
        public ToTheEnd(HttpResponse plain)
            : base(plain)
        {
        }

        protected override IReadOnlyList<string> Head(int length, bool keepsAlive) =>
            [.. base.Head(length, keepsAlive).Where(line => !line.StartsWith("Content-Length:", StringComparison.Ordinal))];
    }

    private sealed record Announced : HttpResponse
    {
        public Announced(HttpResponse plain)
            : base(plain)
        {
        }

        public override async Task WriteAsync(Connection connection, bool keepsAlive, bool isHead, CancellationToken stopping)
        {
            await connection.WriteAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"u8.ToArray(), stopping);
            await base.WriteAsync(connection, keepsAlive, isHead, stopping);
        }
    }

    private sealed class AbsoluteLocations(SmallServer server) : RestDoor(server)
    {
        protected override async Task<HttpResponse> CreateAsync(HttpRequest request, CancellationToken stopping)
        {
            var answer = await base.CreateAsync(request, stopping);
            return answer with { Headers = [.. answer.Headers.Select(header => Absolute(header, request))] };
        }

        private static string Absolute(string header, HttpRequest request) => header.StartsWith("Location: topics/", StringComparison.Ordinal)
            ? $"Location: http://{request["Host"]}{request.Path}/{Escaped(Uri.UnescapeDataString(header["Location: topics/".Length..]))}"
            : header;

        private static string Escaped(string name) => string.Concat(Encoding.UTF8.GetBytes(name).Select(value => $"%{value:x2}"));
    }

    private sealed class PlainProbes(SmallServer server) : RestDoor(server)
    {
        public override async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
        {
            var answer = await base.AnswerAsync(request, stopping);
            return request.Path is "/livez" or "/readyz" && answer.Status == 200 ? answer with { Body = "ok\n", ContentType = "text/plain" } : answer;
        }
    }
}
