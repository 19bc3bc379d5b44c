using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>What opens the door is told to the server and to nobody else, neither on the screen nor in any file.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SecretTests
{
    private const string Key = "k3y-0f-th3-d00r";
    private const string Token = "t0k3n/0f+th3=us3r";
    private const string Ticket = "t1ck3t&0f th3 d4y";
    private const string Word = "w0rd-0f-th3-n1ght";

    private static readonly string[] Secrets = [Key, Token, Ticket, Uri.EscapeDataString(Ticket), Uri.EscapeDataString(Token), "t1ck3t", Word];

    private static readonly IReadOnlyDictionary<string, string?> Environment = new Dictionary<string, string?> { ["DOOR_KEY"] = Key };

    private static readonly string[] Credentials =
    [
        "--header-env", "X-API-Key=DOOR_KEY", "--header", $"Authorization: Bearer {Token}", "--query", $"ticket={Ticket}", "--redact", "w0rd-[a-z0-9-]+",
    ];

    [Test]
    public async Task A_run_keeps_its_secrets()
    {
        await using var server = new SmallServer(Variation.Classic with { ApiKey = Key });
        using var folder = new Folder();
        var summary = folder.Write("summary.md", "");

        var run = await Tool.RunAsync(
            ["run", "--url", server.Origin.AbsoluteUri, .. Credentials, "--include", "PS-REST-00*", "--include", "WS", "--include", "PS-SUB-001",
                "--transcripts", "all", "--verbose", "--out", folder.PathOf("out")],
            new Dictionary<string, string?>(Environment) { ["GITHUB_STEP_SUMMARY"] = summary, ["TMPDIR"] = folder.Root });

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        KeepsSecrets(run, folder);
        var results = folder.Results("out");
        var transcript = string.Concat(results.Scenarios.SelectMany(scenario => scenario.Transcript).Select(line => line.Data));
        Assert.That(transcript, Does.Contain($"X-API-Key: {Redaction.Mark}").And.Contain($"Authorization: {Redaction.Mark}"), "the names are no secret");
        Assert.That(transcript, Does.Contain($"?ticket={Redaction.Mark}"));
        Assert.That(results.Options["header"], Is.EqualTo("Authorization"));
        Assert.That(results.Options["header-env"], Is.EqualTo("X-API-Key=DOOR_KEY"));
        Assert.That(results.Options["query"], Is.EqualTo("ticket"));
        Assert.That(results.Options["redact"], Is.EqualTo("1"));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task What_the_server_repeats_is_not_repeated()
    {
        await using var server = new SmallServer();
        await using var proxy = new RepeatingProxy(server.Origin, $"Server: {Key} and {Word}\r\n");
        using var folder = new Folder();

        var probed = await Tool.RunAsync(["probe", "--url", proxy.Origin.AbsoluteUri, .. Credentials], Environment);
        var run = await Tool.RunAsync(
            ["run", "--url", proxy.Origin.AbsoluteUri, .. Credentials, "--include", "PS-REST-001", "--transcripts", "all", "--out", folder.Root], Environment);

        Assert.That(probed.Exit, Is.Zero, probed.ToString());
        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(probed.Out, Does.Contain(Redaction.Mark));
        KeepsSecrets(probed, folder);
        KeepsSecrets(run, folder);
        Assert.That(folder.Results().Target.Fingerprint["server"], Is.EqualTo($"{Redaction.Mark} and {Redaction.Mark}"));
    }

    [Test]
    public async Task What_a_launched_server_writes_is_not_repeated()
    {
        using var folder = new Folder();

        var run = await Tool.RunAsync(["run", "--launch", "sh -c 'echo the key is $DOOR_KEY; exit 7'", .. Credentials], Environment);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Unreachable), run.ToString());
        Assert.That(run.Errors, Does.Contain($"the key is {Redaction.Mark}").And.Contain("status 7"));
        KeepsSecrets(run, folder);
    }

    [TestCase("run")]
    [TestCase("probe")]
    [TestCase("cleanup")]
    public async Task What_was_tried_in_vain_is_told_without_them(string verb)
    {
        await using var server = new SmallServer(Variation.Classic with { ApiKey = "another" });
        using var folder = new Folder();

        var run = await Tool.RunAsync([verb, "--url", server.Origin.AbsoluteUri, .. Credentials], Environment);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Unreachable), run.ToString());
        KeepsSecrets(run, folder);
    }

    private static void KeepsSecrets(ToolResult run, Folder folder)
    {
        foreach (var secret in Secrets)
        {
            Assert.That(run.Everything, Does.Not.Contain(secret));
            foreach (var file in Directory.EnumerateFiles(folder.Root, "*", SearchOption.AllDirectories))
            {
                Assert.That(File.ReadAllText(file).Contains(secret, StringComparison.OrdinalIgnoreCase), Is.False, $"{Path.GetFileName(file)} holds {secret}");
            }
        }
    }

    /// <summary>Adds a line to the head of every answer of the server behind it.</summary>
    private sealed class RepeatingProxy : TcpServer
    {
        private readonly Uri _inner;
        private readonly string _line;

        public RepeatingProxy(Uri inner, string line)
        {
            _inner = inner;
            _line = line;
            Start();
        }

        protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
        {
            var server = await Connection.OpenAsync(_inner, stopping);
            await Relay.CarryAsync(new Adding(connection, _line), connection.EndOutput.Call, server, stopping);
        }

        /// <summary>The first line that is written is followed by one more.</summary>
        private sealed class Adding(Connection inner, string line) : Stream
        {
            private bool _added;

            public override bool CanRead => true;
            public override bool CanSeek => false;
            public override bool CanWrite => true;
            public override long Length => throw new NotSupportedException();
            public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
                inner.ReadAsync(buffer, cancellationToken);

            public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            {
                var end = _added ? -1 : buffer.Span.IndexOf((byte)'\n') + 1;
                if (end > 0)
                {
                    _added = true;
                    await inner.WriteAsync(buffer[..end], cancellationToken);
                    await inner.WriteAsync(System.Text.Encoding.ASCII.GetBytes(line), cancellationToken);
                    buffer = buffer[end..];
                }

                await inner.WriteAsync(buffer, cancellationToken);
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
            public override void SetLength(long value) => throw new NotSupportedException();
            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
            public override void Flush() => throw new NotSupportedException();
        }
    }
}
