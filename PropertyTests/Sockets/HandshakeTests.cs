using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>Which connections become sessions, and how a session begins.</summary>
[Category("Wire")]
public sealed class HandshakeTests
{
    /// <summary>A session writes to the socket directly, but the response to the handshake goes through a pipe.</summary>
    [Test]
    public async Task Frames_of_a_session_follow_the_response_to_the_handshake()
    {
        using var host = new RunningHost();
        byte[] ping = [0x89, 0x80, 0, 0, 0, 0];
        byte[] pong = [0x8A, 0];
        byte[] hasty = [.. Encoding.ASCII.GetBytes(Handshake.To(host)), .. ping];

        for (var attempt = 0; attempt < 300; attempt++)
        {
            using var client = new TcpClient(host.Origin.Host, host.Origin.Port);
            var stream = client.GetStream();
            await stream.WriteAsync(hasty);

            var answer = await ReadToAsync(stream, pong);

            Assert.That(Encoding.Latin1.GetString(answer), Does.StartWith("HTTP/1.1 101 ").And.Contains("\r\n\r\n"));
            Assert.That(answer.AsSpan(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4).ToArray(), Is.EqualTo(pong));
        }
    }

    [TestCase("", Description = "no handshake")]
    [TestCase("Sec-WebSocket-Version: 8")]
    [TestCase("Upgrade: other")]
    [TestCase("Connection: close")]
    public async Task Only_a_complete_handshake_of_version_13_is_accepted(string header)
    {
        using var host = new RunningHost();

        var answer = await (header.Length == 0 ? host.Origin.AskAsync("GET", "/v1/ws") : RefusedAsync(host, header));

        Refuses(answer, 426, "UPGRADE_REQUIRED", "this path takes WebSocket handshakes of version 13 only");
        Assert.That((answer["Upgrade"], answer["Sec-WebSocket-Version"]), Is.EqualTo(("websocket", "13")));
        Assert.That(answer["Connection"], Does.StartWith("Upgrade"), "RFC 9110 section 7.8");
    }

    [Test]
    public async Task A_handshake_over_HTTP_1_0_is_refused()
    {
        using var host = new RunningHost();

        var answer = await host.Origin.AskAsync(Handshake.To(host).Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));

        Refuses(answer, 426, "UPGRADE_REQUIRED", "this path takes WebSocket handshakes of version 13 only");
    }

    [TestCase("Host: xn--0.example")]
    [TestCase("Host: a_b..c")]
    public async Task A_Host_header_that_is_no_name_does_not_match_the_Origin(string host)
    {
        using var running = new RunningHost(("ALLOWED_HOSTS", "*"));

        Refuses(
            await RefusedAsync(running, host, "Origin: http://page.example"),
            403, "FORBIDDEN_ORIGIN", "the Origin is of another host and not in ALLOWED_ORIGINS");
        Assert.That(running.Logged, Has.None.Contains("failed unexpectedly"));
    }

    [Test]
    public async Task A_handshake_on_a_connection_without_a_socket_is_refused([Values] bool isRead)
    {
        using var host = new RunningHost();
        host.Before = context =>
        {
            if (isRead)
            {
                context.Features.Set<IConnectionSocketFeature>(new NoSocket());
            }
            else
            {
                context.Features.Set<IConnectionTransportFeature>(new NoSocket());
            }
        };

        Refuses(await RefusedAsync(host), 426, "UPGRADE_REQUIRED", "this path takes WebSocket handshakes of version 13 only");
    }

    [Test]
    public async Task A_page_of_another_host_is_refused_unless_it_is_listed()
    {
        using var host = new RunningHost(("ALLOWED_ORIGINS", "http://friend.example"));

        Refuses(
            await RefusedAsync(host, "Origin: http://stranger.example"),
            403, "FORBIDDEN_ORIGIN", "the Origin is of another host and not in ALLOWED_ORIGINS");
        Assert.That(await Peer.TryAsync(host, "Origin: http://friend.example"), Does.Contain(" 101 "));
    }

    [Test]
    public async Task A_server_that_drains_admits_no_session()
    {
        using var host = new RunningHost();
        await host.Sessions.StoppingAsync(CancellationToken.None);

        Refuses(await RefusedAsync(host), 503, "DRAINING", "the server is shutting down");
    }

    [Test]
    public async Task Connections_are_admitted_up_to_the_bound_and_again_when_one_has_left()
    {
        using var host = new RunningHost(("MAX_CONNECTIONS", "2"));
        using var one = await Peer.OfAsync(host);
        using var other = await Peer.OfAsync(host);

        for (var attempt = 0; attempt < 3; attempt++)
        {
            var refusal = await RefusedAsync(host);
            Refuses(refusal, 503, "LIMIT_EXCEEDED", "2 connections are open, which is the most there may be (MAX_CONNECTIONS)");
            Assert.That(refusal["Retry-After"], Is.EqualTo("1"));
        }

        await one.CloseAsync();
        Assert.That(await one.HearAllAsync(), Is.EqualTo(new[] { "close 1000", "the end" }));
        Assert.That(await Peer.TryAsync(host), Does.Contain(" 101 "));
        Assert.That(await other.AskAsync("""{"type":"ping"}"""), Is.EqualTo("""{"type":"pong"}"""), "the other session is not disturbed");
    }

    /// <summary>The response to a handshake that the server refuses.</summary>
    private static Task<RawResponse> RefusedAsync(RunningHost host, params string[] headers) =>
        host.Origin.AskAsync(Handshake.To(host, [.. headers, "Connection: Upgrade, close"]));

    private static void Refuses(RawResponse refusal, int status, string code, string detail)
    {
        Assert.That((refusal.Status, refusal["Content-Type"]), Is.EqualTo((status, "application/problem+json")));
        Assert.That(refusal.Body, Does.Contain($"\"detail\":\"{detail}\",\"code\":\"{code}\""));
    }

    private static async Task<byte[]> ReadToAsync(NetworkStream stream, byte[] end)
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        var (buffer, length) = (new byte[4096], 0);
        do
        {
            var count = await stream.ReadAsync(buffer.AsMemory(length), limit.Token);
            length += count > 0 ? count : throw new IOException($"ended after {Encoding.Latin1.GetString(buffer, 0, length)}");
        }
        while (buffer.AsSpan(0, length).IndexOf(end) < 0 || buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0);

        return buffer[..length];
    }

    /// <summary>A connection without a pipe to read from, or without a socket to write to.</summary>
    private sealed class NoSocket : IConnectionSocketFeature, IConnectionTransportFeature, IDuplexPipe
    {
        public Socket Socket => null!;

        public PipeReader Input => null!;

        public PipeWriter Output => null!;

        public IDuplexPipe Transport
        {
            get => this;
            set => throw new NotSupportedException();
        }
    }
}
