using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using NUnit.Framework;
using PubSub.Hosting;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Startup;

using CommandLine = PubSub.Hosting.CommandLine; // Garnet brings a namespace of this name

/// <summary>How the process ends when it cannot, or need not, serve.</summary>
public sealed class ProgramTests
{
    [Test]
    public void Settings_that_are_not_legal_end_the_start_with_2_and_a_line_for_each()
    {
        var (status, error) = Run("--PORT", "no", "--LOG_FORMAT", "xml");

        Assert.That(status, Is.EqualTo(2));
        Assert.That(
            error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries),
            Is.EqualTo(new[]
            {
                "PORT must be a whole number from 0 to 65535, but is 'no'",
                "LOG_FORMAT must be json or text, but is 'xml'",
            }));
    }

    [Test]
    public void A_port_that_is_taken_ends_the_start_with_1_and_a_line_that_says_what_to_do()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = Ports.Of(other);

        var (status, error) = Run("--BIND", "127.0.0.1", "--PORT", Frames.Text(port), "--LOG_LEVEL", "error");

        Assert.That(status, Is.EqualTo(1));
        Assert.That(error.Trim(), Is.EqualTo($"PORT {port} is already in use on 127.0.0.1: stop the other process or choose another PORT"));
    }

    [TestCase("BIND 198.51.100.7 is no address that this machine can listen on: ", "--BIND", "198.51.100.7", "--PORT", "0")]
    public void An_address_of_another_machine_ends_the_start_with_1_and_a_line(string line, params string[] args)
    {
        var (status, error) = Run(args);

        Assert.That((status, error.Trim().Split('\n').Length), Is.EqualTo((1, 1)), error);
        Assert.That(error, Does.StartWith(line));
    }

    [TestCase("KEYS_FILE nowhere.json cannot be used: ", "--KEYS_FILE", "nowhere.json")]
    [TestCase(
        "JWT_KEYS_FILE nowhere.json cannot be used: ", "--JWT_KEYS_FILE", "nowhere.json", "--JWT_ISSUER", "i", "--JWT_AUDIENCE", "a")]
    [TestCase("JWT_ISSUER and JWT_AUDIENCE must be set with JWT_KEYS_FILE", "--JWT_KEYS_FILE", "nowhere.json", "--JWT_ISSUER", "i")]
    public void Credentials_that_cannot_be_used_end_the_start_with_2_and_a_line(string line, params string[] args)
    {
        var (status, error) = Run(args);

        Assert.That((status, error.Trim().Split('\n').Length), Is.EqualTo((2, 1)), error);
        Assert.That(error, Does.StartWith(line));
    }

    [TestCase("'--MAX_MESAGES' is no argument", "--MAX_MESAGES", "5")]
    [TestCase("'--MAX_MESAGES=5' is no argument", "--MAX_MESAGES=5")]
    [TestCase("'8080' is no argument", "8080")]
    [TestCase("'PORT=8080' is no argument", "PORT=8080")]
    [TestCase("'--nonsense' is no argument", "healthcheck", "--nonsense")]
    [TestCase("--PORT must be followed by its value", "--PORT")]
    public void An_unknown_argument_ends_the_start_with_2_and_a_line(string line, params string[] args)
    {
        var (status, error) = Run(args);

        Assert.That(status, Is.EqualTo(2));
        Assert.That(error, Does.StartWith(line));
    }

    [Test]
    public void Help_names_every_setting()
    {
        Assert.That(CommandLine.AsksForHelp(["--help"]), Is.True);
        Assert.That(
            Settings.All.Select(setting => setting.Name),
            Has.All.Matches<string>(name => CommandLine.Help().Contains(name!, StringComparison.Ordinal)));
    }

    [Test]
    public void A_health_check_takes_the_port_from_the_command_line()
    {
        using var host = new RunningHost();

        Assert.That(Run("healthcheck", "--PORT", Frames.Text(host.Origin.Port)).Status, Is.Zero);
    }

    [Test]
    public void A_health_check_exits_with_the_health_of_the_server()
    {
        using var host = new RunningHost();

        Assert.That(HealthCheckOf(host.Origin.Port), Is.Zero);
        Assert.That(HealthCheckOf(Ports.Free()), Is.EqualTo(1));
    }

    [TestCase("HTTP/1.1 200 OK\r\n\r\n", ExpectedResult = 0)]
    [TestCase("HTTP/1.1 503 Service Unavailable\r\n\r\n", ExpectedResult = 1)]
    [TestCase("HTTP/1.1 200 OKAY\r\n\r\n", ExpectedResult = 1)]
    [TestCase("", ExpectedResult = 1)]
    public async Task<int> A_server_is_healthy_if_it_answers_200_to_readyz(string answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var checking = HealthCheck.RunAsync("*", Ports.Of(listener));
        using var client = await listener.AcceptTcpClientAsync().WaitAsync(Threads.Patience);
        var asked = new byte[1024];
        var length = await client.GetStream().ReadAsync(asked).AsTask().WaitAsync(Threads.Patience);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
        client.Close();

        Assert.That(
            Encoding.ASCII.GetString(asked, 0, length),
            Is.EqualTo("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        return await checking.WaitAsync(Threads.Patience);
    }

    [TestCase("*", "127.0.0.1")]
    [TestCase("0.0.0.0", "127.0.0.1")]
    [TestCase("::", "127.0.0.1")]
    [TestCase("localhost", "127.0.0.1")]
    [TestCase("127.0.0.2", "127.0.0.2", ExcludePlatform = "MacOsX", Description = "macOS has only 127.0.0.1")]
    public async Task A_health_check_connects_to_the_bound_address(string bind, string address)
    {
        using var listener = new TcpListener(IPAddress.Parse(address), 0);
        listener.Start();

        var checking = HealthCheck.RunAsync(bind, Ports.Of(listener));
        using (var client = await listener.AcceptTcpClientAsync().WaitAsync(Threads.Patience))
        {
            await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
        }

        Assert.That(await checking.WaitAsync(Threads.Patience), Is.Zero);
    }

    [Test]
    public async Task A_server_that_resets_the_connection_is_not_healthy()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var checking = HealthCheck.RunAsync("*", Ports.Of(listener));
        using (var client = await listener.AcceptTcpClientAsync().WaitAsync(Threads.Patience))
        {
            client.LingerState = new LingerOption(true, 0);
        }

        Assert.That(await checking.WaitAsync(Threads.Patience), Is.EqualTo(1));
    }

    [Test]
    public async Task A_server_that_does_not_answer_is_not_healthy()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var status = await HealthCheck.RunAsync("*", Ports.Of(listener)).WaitAsync(Threads.Patience);

        Assert.That(status, Is.EqualTo(1));
    }

    private static int HealthCheckOf(int port)
    {
        var before = Environment.GetEnvironmentVariable("PORT");
        Environment.SetEnvironmentVariable("PORT", Frames.Text(port));
        try
        {
            return Run("healthcheck").Status;
        }
        finally
        {
            Environment.SetEnvironmentVariable("PORT", before);
        }
    }

    /// <summary>Runs the whole program in this process.</summary>
    private static (int Status, string Error) Run(params string[] args)
    {
        var (before, error) = (Console.Error, new StringWriter());
        Console.SetError(error);
        try
        {
            var running = Task.Factory.StartNew(
                () => (int)typeof(Program).Assembly.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [args], null)!,
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return (running.WaitAsync(Threads.Patience).GetAwaiter().GetResult(), error.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }
}
