namespace PubSub.Conformance;

/// <summary>Whether the target still answers, asked on a connection of its own.</summary>
public sealed class Pulse(Target target, TimeProvider time)
{
    private const int FewestAttempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>What a supervisor may take to start a crashed server again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Null when the target answered, or else how it failed to, again and again for at least <see cref="Patience"/> and
    /// <see cref="FewestAttempts"/> times.
    /// </summary>
    public async Task<string?> MissingAsync(CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var missing = await StallWatch.OfProcess.UnstalledAsync(() => AskAsync(cancellation), cancellation);
            if (missing is null || (attempt >= FewestAttempts && time.GetElapsedTime(start) >= Patience))
            {
                return missing;
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task<string?> AskAsync(CancellationToken cancellation)
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
            return $"it accepts no connections any more ({violation.Observed})";
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
                return $"it answers a handshake with {answer}";
            }

            // An unknown request is answered as well as a ping is; either reply will do.
            await client.SendAsync(Request.Ping().WithRequestId("pulse"));
            await client.SendTextAsync("{\"type\":\"pulse\",\"request_id\":\"pulse\"}");
            await client.ReadMessageAsync(message => message.IsReply, "an answer");
            return null;
        }
        catch (Violation violation)
        {
            return $"it accepts connections, but does not answer any more ({violation.Observed})";
        }
    }
}
