using Microsoft.AspNetCore.Http.Features;

namespace PubSub.PropertyTests;

/// <summary>Lets something happen amid a handshake: before it is answered, or when it has been.</summary>
internal sealed class Upgrading(IHttpUpgradeFeature inner, Action? before = null, Action? after = null) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync()
    {
        before?.Invoke();
        var stream = await inner.UpgradeAsync();
        after?.Invoke();
        return stream;
    }
}
