using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Has one answer to every request, handshakes and what is no request among them.</summary>
internal sealed class OneAnswerServer : TcpServer
{
    private readonly HttpResponse _answer;

    public OneAnswerServer(int status, string body)
    {
        _answer = new HttpResponse(status, body);
        Start();
    }

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        var isHead = false;
        try
        {
            if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
            {
                return;
            }

            isHead = request.Method == "HEAD";
        }
        catch (HttpFault)
        {
            // It makes no difference.
        }

        await _answer.WriteAsync(connection, keepsAlive: false, isHead, stopping);
    }
}
