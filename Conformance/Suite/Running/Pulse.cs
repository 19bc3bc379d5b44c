using System.Net.Sockets;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Running;

/// <summary>How the target fails to answer.</summary>
/// <param name="How">A clause about it: "it accepts no connections any more (...)".</param>
/// <param name="IsDeath">False if the network, or a refusal to serve this client, may be the cause.</param>
public sealed record Missing(string How, bool IsDeath);

/// <summary>Checks on a connection of its own whether the target still answers.</summary>
public sealed class Pulse(Target target, TimeProvider time)
{
    private const int FewestAttempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>The pause after the handshake: some servers die of a message right behind it, and must not die of this check.</summary>
    private static readonly TimeSpan Politeness = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a supervisor may take to restart a crashed server before the server counts as dead.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Null when the target answered; otherwise how it failed to, over at least the patience and <see cref="FewestAttempts"/> attempts.
    /// </summary>
    /// <param name="cancellation">Ends the check.</param>
    /// <param name="patience">2 s by default.</param>
    public async Task<Missing?> MissingAsync(CancellationToken cancellation, TimeSpan? patience = null)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var missing = await StallWatch.OfProcess.UnstalledAsync(() => AskAsync(cancellation), cancellation);
            if (missing is null || (attempt >= FewestAttempts && time.GetElapsedTime(start) >= (patience ?? Patience)))
            {
                return missing;
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task<Missing?> AskAsync(CancellationToken cancellation)
    {
        RawClient client;
        try
        {
            client = await RawClient.OpenAsync("pulse", target, new Transcript(time), new ConnectOptions(), cancellation);
        }
        catch (Interference)
        {
            // This machine cannot connect, so nothing is known about the target.
            return null;
        }
        catch (Violation violation)
        {
            return new($"it accepts no connections any more ({violation.Observed})", await IsRefusedAsync(cancellation));
        }

        await using var connected = client;
        try
        {
            var answer = await client.HandshakeAsync();
            if (answer.Status == 429)
            {
                // A rate limit is an answer too.
                return null;
            }

            if (answer.Status != 101)
            {
                return new($"it answers a handshake with {answer}", answer.Status is 500 or 502 or 504);
            }

            await Task.Delay(Politeness, time, cancellation);

            await client.SendAsync(Request.Ping().WithRequestId("pulse"));
            if (target.AnswersPings != true)
            {
                // Either reply will do. A target that answers pings gets no unknown type, of which a fragile target may die.
                await client.SendTextAsync("{\"type\":\"pulse\",\"request_id\":\"pulse\"}");
            }

            await client.ReadMessageAsync(message => message.IsReply, "an answer");
            return null;
        }
        catch (Violation violation)
        {
            return new($"it accepts connections, but does not answer any more ({violation.Observed})", IsDeath: true);
        }
    }

    /// <summary>True if nothing listens at the port; a connection attempt that times out says nothing about the server.</summary>
    private async Task<bool> IsRefusedAsync(CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await Bounds.Within(
                target.Timeouts.Connect,
                time,
                limit => socket.ConnectAsync(target.WebSocket.DnsSafeHost, target.WebSocket.Port, limit).AsTask(),
                cancellation);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
