using System.Net.Sockets;

namespace PubSub.Conformance;

/// <summary>How the target fails to answer.</summary>
/// <param name="How">A clause about it: "it accepts no connections any more (...)".</param>
/// <param name="IsDeath">False where the network, or a refusal to serve this client, explains it as well.</param>
public sealed record Missing(string How, bool IsDeath);

/// <summary>Whether the target still answers, asked on a connection of its own.</summary>
public sealed class Pulse(Target target, TimeProvider time)
{
    private const int FewestAttempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Between the handshake and the first message: servers that die of a message right behind it must not die of this.</summary>
    private static readonly TimeSpan Politeness = TimeSpan.FromMilliseconds(50);

    /// <summary>What a supervisor may take to start a crashed server again, before the server is called dead.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Null when the target answered, or else how it failed to, again and again for at least the patience and
    /// <see cref="FewestAttempts"/> times.
    /// </summary>
    /// <param name="cancellation">Ends the question.</param>
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
            // This machine cannot ask, so nothing is known of the target.
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
                // It limits our rate, which is an answer.
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
                // Either reply will do. A target that answers pings is asked nothing that a fragile one may die of.
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

    /// <summary>True where nothing listens; a connection that is lost on the way says nothing about the server.</summary>
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
