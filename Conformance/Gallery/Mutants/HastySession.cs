using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Does what a bad request asks for, if it can be mended, and answers with the error nevertheless.</summary>
internal sealed class HastySession(SessionSeed seed, Func<string, string> mend) : Session(seed)
{
    private BadRequest? _bad;

    protected override ClientRequest Read(ReadOnlyMemory<byte> text)
    {
        _bad = null;
        try
        {
            return base.Read(text);
        }
        catch (BadRequest bad) when (Mended(Encoding.UTF8.GetString(text.Span)) is { } mended)
        {
            _bad = bad;
            return mended;
        }
    }

    protected override byte[] Ack(ClientRequest request) =>
        _bad is null ? base.Ack(request) : Messages.Error("BAD_REQUEST", _bad.Message, _bad.RawRequestId);

    protected override bool Ping(ClientRequest request)
    {
        Outbox.Reply(_bad is null ? Messages.Pong(request) : Ack(request));
        return true;
    }

    private ClientRequest? Mended(string text)
    {
        try
        {
            return mend(text) is var mended && mended != text ? base.Read(Encoding.UTF8.GetBytes(mended)) : null;
        }
        catch (BadRequest)
        {
            return null;
        }
    }
}
