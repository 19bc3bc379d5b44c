using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Sockets;

/// <summary>A session that has ended can be collected.</summary>
[Category("Wire")]
public sealed class SessionMemoryTests
{
    [Test]
    public async Task No_reference_to_an_ended_session_is_left([Values] bool politely)
    {
        using var host = new RunningHost(("LOG_LEVEL", "info"));
        var requests = new List<WeakReference<HttpContext>>();
        host.Before = context => requests.Add(new WeakReference<HttpContext>(context));

        await ComeAndGoAsync(host, politely);

        Assert.That(() => host.Logged, Has.Exactly(10).Contains(" closed: ").Soon());
        Assert.That(
            () => Held(requests),
            Is.LessThanOrEqualTo(1).After((int)Threads.Patience.TotalMilliseconds, 50),
            "the server may keep the last one for a while");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task ComeAndGoAsync(RunningHost host, bool politely)
    {
        for (var came = 0; came < 10; came++)
        {
            using var peer = await Peer.OfAsync(host);
            await peer.AskAsync("""{"type":"ping"}""");
            if (politely)
            {
                await peer.CloseAsync();
                await peer.HearAllAsync();
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Held(List<WeakReference<HttpContext>> requests)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return requests.Count(request => request.TryGetTarget(out _));
    }
}
