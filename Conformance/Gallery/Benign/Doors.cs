using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers whose every answer over HTTP, that to a handshake included, is finished by somebody else.</summary>
internal static class Doors
{
    public static Parts Finished(this Parts parts, Func<HttpResponse, HttpResponse> finish) => parts with
    {
        Rest = server => new FinishedRest(server, finish),
        Upgrade = server => new FinishedUpgrade(server, finish),
    };

    private sealed class FinishedRest(SmallServer server, Func<HttpResponse, HttpResponse> finish) : RestDoor(server)
    {
        public override HttpResponse Refuse(HttpFault fault) => finish(base.Refuse(fault));

        public override async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping) =>
            finish(await base.AnswerAsync(request, stopping));
    }

    private sealed class FinishedUpgrade(SmallServer server, Func<HttpResponse, HttpResponse> finish) : UpgradeDoor(server)
    {
        public override HttpResponse Answer(HttpRequest request) => finish(base.Answer(request));
    }
}
