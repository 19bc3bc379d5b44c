namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Bytes from a client to a server and back. The end of one direction is passed on, and a break of one breaks the other.
/// </summary>
internal static class Relay
{
    /// <param name="client">The client's connection itself, or what is spoken over it.</param>
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
