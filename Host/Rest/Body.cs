using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>
/// The body of a request, in memory of the pool. As long as it is kept, its bytes count as outstanding (MAX_OUTSTANDING_BYTES).
/// </summary>
internal sealed class Body : IDisposable
{
    private const int FirstBytes = 16 * 1024;

    private readonly Subscriber _keeper;
    private readonly int _most;
    private readonly string _setting;
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _length;
    private bool _isTooLarge;

    private Body(Subscriber keeper, int most, string setting) => (_keeper, _most, _setting) = (keeper, most, setting);

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Reads it to its end, or until it is refused.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="broker">Counts the bytes.</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <param name="setting">The setting that says so.</param>
    /// <exception cref="IOException">The client is gone.</exception>
    public static async ValueTask<Body> ReadAsync(HttpContext context, Broker broker, int most, string setting)
    {
        var body = new Body(broker.Admit(), most, setting);
        try
        {
            await body.ReadAsync(context).ConfigureAwait(false);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Why the request is refused, if it has too many bytes or there is no room for them.</summary>
    public Refusal? Refusal(Settings settings) =>
        _isTooLarge ? Refusals.BodyTooLarge(_most, _setting)
        : _keeper.Closed == CloseReason.SlowConsumer ? Refusals.NoRoom(settings)
        : null;

    public void Dispose()
    {
        _keeper.Close(CloseReason.Left);
        _keeper.Forget();
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private async ValueTask ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = _most;
        }

        try
        {
            var wakes = new Wakes();
            while (_keeper.Closed == CloseReason.None)
            {
                var rest = _bytes.AsMemory(_length);
                var read = await context.Request.Body.ReadAsync(rest, context.RequestAborted).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                _length += read;
                _keeper.Keep(_length, wakes);
                wakes.Release();
                if (_length == _bytes.Length)
                {
                    Grow();
                }
            }
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == 413)
        {
            _isTooLarge = true;
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_length * 2);
        Bytes.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
