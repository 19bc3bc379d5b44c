using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>
/// Shakes hands with whoever asks, says yes to every other request, and knows nothing of what is said afterwards.
/// </summary>
internal abstract class UpgradingServer : TcpServer
{
    private const int LargestBody = 1024 * 1024;

    protected sealed override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        var response = new HttpResponse(200, "{}");
        var isHead = false;
        try
        {
            if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
            {
                return;
            }

            isHead = request.Method == "HEAD";
            response = Handshake.IsValid(request)
                ? Handshake.Accept(request)
                : Answer(request, await request.ReadBodyAsync(LargestBody, stopping));
        }
        catch (HttpFault)
        {
            // What is no request is as welcome as any other.
        }

        await response.WriteAsync(connection, keepsAlive: false, isHead, stopping);
        if (response.Status == 101)
        {
            await TalkAsync(connection, stopping);
        }
    }

    /// <summary>To all that is no handshake.</summary>
    protected virtual HttpResponse Answer(HttpRequest request, byte[] body) => new(request.Method == "POST" ? 201 : 200, "{}");

    /// <summary>All that comes behind the handshake; when it returns the connection ends.</summary>
    protected abstract Task TalkAsync(Connection connection, CancellationToken stopping);
}
