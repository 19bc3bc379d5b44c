using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>Credentials go to the server and nowhere else: not to the screen and not into any file.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SecretTests
{
    private const string Key = "k3y-0f-th3-d00r";
    private const string Token = "t0k3n/0f+th3=us3r";
    private const string Ticket = "t1ck3t&0f th3 d4y";
    private const string Word = "w0rd-0f-th3-n1ght";

    private static readonly string[] Secrets =
    [
        Key, Token, Ticket, Uri.EscapeDataString(Ticket), Uri.EscapeDataString(Token), "t1ck3t", Word,
    ];

    private static readonly Dictionary<string, string?> Environment = new() { ["DOOR_KEY"] = Key };

    private static readonly string[] Credentials =
    [
        "--header-env", "X-API-Key=DOOR_KEY", "--header", $"Authorization: Bearer {Token}", "--query", $"ticket={Ticket}",
        "--redact", "w0rd-[a-z0-9-]+",
    ];

    [Test]
    public async Task A_run_shows_and_writes_no_secrets()
    {
        await using var server = new SmallServer(Variation.Classic with { ApiKey = Key });
        using var folder = new Folder();
        var summary = folder.Write("summary.md", "");

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant,
            ["run", "--url", $"{server.Origin}", .. Credentials, "--include", "PS-REST-00*", "--include", "WS", "--include", "PS-SUB-001",
                "--transcripts", "all", "--verbose", "--out", folder.PathOf("out")],
            new Dictionary<string, string?>(Environment) { ["GITHUB_STEP_SUMMARY"] = summary, ["TMPDIR"] = folder.Root });

        KeepsSecrets(run, folder);
        var results = folder.Results("out");
        var transcript = string.Concat(results.Scenarios.SelectMany(scenario => scenario.Transcript).Select(line => line.Data));
        foreach (var named in (string[])["X-API-Key: ", "Authorization: ", "?ticket="])
        {
            Assert.That(transcript, Does.Contain($"{named}{Redaction.Mark}"), "the names are no secret");
        }

        var options = string.Join(' ', ((string[])["header", "header-env", "query", "redact"]).Select(name => results.Options[name]));
        Assert.That(options, Is.EqualTo("Authorization X-API-Key=DOOR_KEY ticket 1"));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task Secrets_that_the_server_repeats_are_redacted()
    {
        await using var server = new SmallServer(server => server.AnswerAsync.Wrap(next => async (request, stopping) =>
        {
            var answer = await next(request, stopping);
            return answer with { Headers = [.. answer.Headers, $"Server: {Key} and {Word}"] };
        }));
        using var folder = new Folder();

        var probed = await Tool.ExitsAsync(ExitCode.Conformant, ["probe", "--url", $"{server.Origin}", .. Credentials], Environment);
        var run = await Tool.ExitsAsync(
            ExitCode.Conformant,
            ["run", "--url", $"{server.Origin}", .. Credentials, "--include", "PS-REST-001", "--transcripts", "all", "--out", folder.Root],
            Environment);

        Assert.That(probed.Out, Does.Contain(Redaction.Mark));
        KeepsSecrets(probed, folder);
        KeepsSecrets(run, folder);
        Assert.That(folder.Results().Target.Fingerprint["server"], Is.EqualTo($"{Redaction.Mark} and {Redaction.Mark}"));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "The command is one of a Unix shell.")]
    public async Task Secrets_in_the_output_of_a_launched_server_are_redacted()
    {
        using var folder = new Folder();

        var run = await Tool.ExitsAsync(
            ExitCode.Unreachable, ["run", "--launch", "sh -c 'echo the key is $DOOR_KEY; exit 7'", .. Credentials], Environment);

        run.Complains($"the key is {Redaction.Mark}", "status 7");
        KeepsSecrets(run, folder);
    }

    [TestCase("run")]
    [TestCase("probe")]
    [TestCase("cleanup")]
    public async Task A_message_about_an_unreachable_target_has_no_secrets(string verb)
    {
        await using var server = new SmallServer(Variation.Classic with { ApiKey = "another" });
        using var folder = new Folder();

        KeepsSecrets(await Tool.ExitsAsync(ExitCode.Unreachable, [verb, "--url", $"{server.Origin}", .. Credentials], Environment), folder);
    }

    private static void KeepsSecrets(ToolResult run, Folder folder)
    {
        foreach (var secret in Secrets)
        {
            Assert.That(run.Everything, Does.Not.Contain(secret));
            foreach (var file in Directory.EnumerateFiles(folder.Root, "*", SearchOption.AllDirectories))
            {
                Assert.That(File.ReadAllText(file), Does.Not.Contain(secret).IgnoreCase, Path.GetFileName(file));
            }
        }
    }
}
