using Microsoft.AspNetCore.Http.Features;

namespace PubSub.PropertyTests.Wire;

/// <summary>Runs an action during a handshake: before the server answers it, or right after.</summary>
internal sealed class UpgradeHook(IHttpUpgradeFeature inner, Action? before = null, Action? after = null) : IHttpUpgradeFeature
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
