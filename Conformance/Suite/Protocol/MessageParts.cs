using System.Runtime.InteropServices;
using System.Text;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>The fragments of one message of the server, checked against RFC 6455.</summary>
internal sealed class MessageParts
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private List<byte>? _payload;
    private bool _isText;

    /// <summary>True when this frame completes the message; false for a control frame.</summary>
    /// <exception cref="Violation">The frame is not legal, or not in this place.</exception>
    public bool Add(Frame frame)
    {
        Require(frame is { Masked: false, Reserved: 0 }, "unmasked, with no reserved bits set", frame);
        switch (frame.Opcode)
        {
            case Opcode.Ping or Opcode.Pong or Opcode.Close:
                return false;

            case Opcode.Text or Opcode.Binary:
                Require(_payload is null, "a continuation of the unfinished message", frame);
                _isText = frame.Opcode == Opcode.Text;
                _payload = [.. frame.Payload.Span];
                return frame.Final;

            case Opcode.Continuation:
                Require(_payload is not null, "the start of a message before its continuation", frame);
                Require(
                    _payload!.Count + frame.Payload.Length <= Frame.LargestPayload,
                    $"the end of a message after at most {Frame.LargestPayload} bytes",
                    frame);
                _payload.AddRange(frame.Payload.Span);
                return frame.Final;

            default:
                Require(false, "a defined opcode", frame);
                return false;
        }
    }

    /// <summary>The message, once it is complete.</summary>
    /// <exception cref="Violation">It is a text that is not UTF-8.</exception>
    public ServerMessage ToMessage(int index, Target target)
    {
        ReadOnlySpan<byte> payload = CollectionsMarshal.AsSpan(_payload);
        if (!_isText)
        {
            return new ServerMessage(index, Convert.ToHexString(payload), isText: false, target);
        }

        try
        {
            return new ServerMessage(index, StrictUtf8.GetString(payload), isText: true, target);
        }
        catch (DecoderFallbackException)
        {
            var shown = Convert.ToHexString(payload[..Math.Min(payload.Length, 200)]);
            throw new Violation("A text message of the server is UTF-8", "valid UTF-8", shown) { Breaks = "PS-WS-004" };
        }
    }

    private static void Require(bool legal, string expected, Frame frame)
    {
        if (!legal)
        {
            throw new Violation("Frames of the server obey RFC 6455", expected, frame.ToString()) { Breaks = "PS-WS-004" };
        }
    }
}
