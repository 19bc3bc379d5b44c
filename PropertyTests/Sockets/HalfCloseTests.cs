using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>A client that has closed its sending side still gets the replies to its requests (PS-ENV-007, PS-WS-008).</summary>
[Category("Wire")]
public sealed class HalfCloseTests : IDisposable
{
    private const int Publishes = 20;

    private readonly RunningHost _host = new();

    public void Dispose() => _host.Dispose();

    [Test]
    public async Task Requests_before_the_half_close_are_answered([Values] bool saysGoodbye)
    {
        _host.Broker.Create("a");
        for (var time = 0; time < 100; time++)
        {
            using var peer = await Peer.OfAsync(_host);
            var requests = Enumerable.Range(0, Publishes).SelectMany(number => Text(
                $$$"""{"type":"publish","topic":"a","message":{"id":"{{{number}}}","payload":1},"request_id":"{{{number}}}"}"""));
            await peer.SendAsync([.. requests, .. saysGoodbye ? ClientFrame.Of(Opcode.Close, [3, 232]) : []]);
            peer.Finish();

            var heard = await peer.HearAllAsync();

            Assert.That(heard.Count(text => text.Contains("\"ack\"", StringComparison.Ordinal)), Is.EqualTo(Publishes));
            Assert.That(heard[Publishes..], Is.EqualTo(saysGoodbye ? ["close 1000", "the end"] : new[] { "the end" }));
        }
    }

    [Test]
    public async Task A_REST_request_before_the_half_close_is_answered()
    {
        for (var time = 0; time < 100; time++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(_host.Origin.Host, _host.Origin.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /v1/topics HTTP/1.1\r\nHost: {_host.Origin.Authority}\r\n\r\n"));
            using var answer = new StreamReader(new NetworkStream(socket));
            socket.Shutdown(SocketShutdown.Send);

            Assert.That(
                await answer.ReadToEndAsync().WaitAsync(Threads.Patience),
                Does.StartWith("HTTP/1.1 200").And.Contains("\"topics\""));
        }
    }

    private static byte[] Text(string text) => ClientFrame.Of(Opcode.Text, Encoding.UTF8.GetBytes(text));
}
