namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Carries bytes between a client and a server. The end of one direction is passed on; an error in one direction breaks both.
/// </summary>
internal static class Relay
{
    /// <param name="client">The client's connection itself, or the TLS stream on it.</param>
    /// <param name="endOutput">Tells the client that nothing more will come.</param>
    public static async Task CarryAsync(Stream client, Func<Task> endOutput, Connection server, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            var up = CarryAsync(client, server, server.EndOutput.Call, either);
            var down = CarryAsync(server, client, endOutput, either);
            await Task.WhenAll(up, down);
        }
        catch
        {
            server.Reset();
            throw;
        }

        await server.EndAsync();
    }

    private static async Task CarryAsync(Stream from, Stream to, Func<Task> end, CancellationTokenSource either)
    {
        try
        {
            await from.CopyToAsync(to, either.Token);
            await end();
        }
        catch
        {
            await either.CancelAsync();
            throw;
        }
    }
}
