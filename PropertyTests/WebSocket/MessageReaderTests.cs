using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using NUnit.Framework.Constraints;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.WebSocket;

/// <summary>RFC 6455 §5: how a message is divided into frames does not change it.</summary>
public sealed class MessageReaderTests
{
    private const int Most = 2000;

    private static readonly Gen<int> Cut = Gen.Frequency((3, Gen.Choose(1, 5)), (3, Gen.Choose(1, 40)), (1, Gen.Constant(100_000)));

    private static readonly Gen<int> Length = Gen.Frequency(
        (1, Gen.Constant(0)),
        (4, Gen.Choose(1, 40)),
        (2, Gen.Choose(120, 135)),
        (1, Gen.Choose(Most - 3, Most)));

    private static readonly Gen<uint> Mask =
        from high in Gen.Choose(0, 0xFFFF)
        from low in Gen.Choose(0, 0xFFFF)
        select (uint)(high << 16 | low);

    private static readonly Gen<Said> Any =
        from kind in Gen.Elements(Opcode.Text, Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong)
        from length in kind < Opcode.Close ? Length : Gen.Choose(0, 125)
        from letter in Gen.Choose('a', 'z')
        select new Said(kind, [.. Enumerable.Range(0, length).Select(place => (byte)('a' + ((letter + place) % 26)))]);

    [Test]
    public void Messages_arrive_unchanged_however_they_are_divided()
    {
        var cases =
            from said in Law.RowsOf(Any, 6)
            from frames in Cut
            from reads in Cut
            from segments in Cut
            from masks in Mask.ArrayOf(400)
            select (said, frames, reads, segments, masks);

        Law.Holds(
            cases,
            given => Law.Shorter(given.said).Select(said => given with { said = said }),
            given =>
            {
                var bytes = Fragmented(given.said, given.frames, given.masks);
                var heard = Hear(new MessageReader(Most), bytes, given.reads, given.segments);
                return heard.SequenceEqual(given.said, Said.SameAs);
            },
            times: 1500);
    }

    [Test]
    public void A_control_frame_within_a_message_arrives_before_it()
    {
        byte[] bytes =
        [
            .. ClientFrame.Of(Opcode.Text, "he"u8, final: false),
            .. ClientFrame.Of(Opcode.Ping, "now"u8),
            .. ClientFrame.Of(Opcode.Continuation, "re"u8),
        ];

        var heard = Hear(new MessageReader(Most), bytes, 1, 1);

        Assert.That(heard.Select(said => said.ToString()), Is.EqualTo(new[] { "Ping now", "Text here" }));
    }

    [Test]
    public void Any_bytes_make_messages_or_break_the_protocol()
    {
        var likely = Gen.Elements<byte>(0x81, 0x01, 0x80, 0x00, 0x82, 0x88, 0x89, 0x8A, 0x85, 0xFE, 0xFF, 0x05, 0x7F);
        var any = Gen.Choose(0, 255).Select(number => (byte)number);

        Law.HoldsForRows(
            Gen.Frequency((2, likely), (1, any)),
            atMost: 60,
            bytes =>
            {
                try
                {
                    Hear(new MessageReader(40), bytes, 7, 3);
                }
                catch (BrokenProtocolException broken)
                {
                    return broken.Status is 1002 or 1007;
                }

                return true;
            },
            times: 5000);
    }

    [TestCase(0xC1, 0x80, "a reserved bit is set, and no extension was agreed on")]
    [TestCase(0xA1, 0x80, "a reserved bit is set, and no extension was agreed on")]
    [TestCase(0x91, 0x80, "a reserved bit is set, and no extension was agreed on")]
    [TestCase(0x83, 0x80, "the opcode is reserved")]
    [TestCase(0x87, 0x80, "the opcode is reserved")]
    [TestCase(0x8B, 0x80, "the opcode is reserved")]
    [TestCase(0x8F, 0x80, "the opcode is reserved")]
    [TestCase(0x81, 0x00, "a client's frames must be masked")]
    [TestCase(0x09, 0x80, "a control frame must not be fragmented, nor longer than 125 bytes")]
    [TestCase(0x89, 0xFE, "a control frame must not be fragmented, nor longer than 125 bytes")]
    [TestCase(0x80, 0x80, "there is no message to continue")]
    [TestCase(0x00, 0x80, "there is no message to continue")]
    public void A_frame_that_no_client_may_send_breaks_the_protocol(int first, int second, string rule)
    {
        byte[] bytes = [(byte)first, (byte)second, 0, 0, 0, 0, 0, 0];

        Assert.That(() => Hear(new MessageReader(Most), bytes, 100, 100), Breaks(1002, rule));
    }

    [Test]
    public void A_header_that_breaks_the_protocol_is_refused_after_two_bytes([Values(0xC1, 0x83, 0x09)] int first) =>
        Assert.That(() => Hear(new MessageReader(Most), [(byte)first, 0x80], 100, 100), Throws.InstanceOf<BrokenProtocolException>());

    [Test]
    public void A_message_within_an_unfinished_one_breaks_the_protocol([Values] bool isText)
    {
        byte[] bytes =
        [
            .. ClientFrame.Of(Opcode.Text, "un"u8, final: false),
            .. ClientFrame.Of(isText ? Opcode.Text : Opcode.Binary, "finished"u8),
        ];

        Assert.That(() => Hear(new MessageReader(Most), bytes, 100, 100), Breaks(1002, "the last message is unfinished"));
    }

    [Test]
    public void A_length_of_64_bits_breaks_the_protocol()
    {
        byte[] bytes = [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];

        Assert.That(() => Hear(new MessageReader(Most), bytes, 100, 100), Breaks(1002, "a length has 63 bits"));
    }

    [Test]
    public void A_text_must_be_UTF_8_as_a_whole_and_a_binary_message_need_not()
    {
        byte[] euro = [0xE2, 0x82, 0xAC];
        byte[] split =
        [
            .. ClientFrame.Of(Opcode.Text, euro.AsSpan(0, 1), final: false),
            .. ClientFrame.Of(Opcode.Continuation, euro.AsSpan(1)),
        ];
        byte[] unfinished =
        [
            .. ClientFrame.Of(Opcode.Text, euro.AsSpan(0, 2), final: false),
            .. ClientFrame.Of(Opcode.Continuation, []),
        ];

        Assert.That(Hear(new MessageReader(Most), split, 1, 1).Single().ToString(), Is.EqualTo("Text €"));
        Assert.That(
            () => Hear(new MessageReader(Most), unfinished, 1, 1),
            Throws.InstanceOf<BrokenProtocolException>().With.Property("Status").EqualTo(1007));
        Assert.That(
            () => Hear(new MessageReader(Most), ClientFrame.Of(Opcode.Text, [0xFF]), 1, 1),
            Throws.InstanceOf<BrokenProtocolException>().With.Property("Status").EqualTo(1007));
        Assert.That(
            Hear(new MessageReader(Most), ClientFrame.Of(Opcode.Binary, [0xFF]), 1, 1).Single().Payload,
            Is.EqualTo(new byte[] { 0xFF }));
    }

    [Test]
    public void A_message_may_be_as_long_as_the_limit_and_not_a_byte_longer([Values(1, 3, 100_000)] int pieces, [Values] bool fits)
    {
        var said = new Said(Opcode.Text, Encoding.ASCII.GetBytes(new string('x', fits ? Most : Most + 1)));

        var heard = Hear(
            new MessageReader(Most),
            [.. Fragmented([said], pieces, [7]), .. ClientFrame.Of(Opcode.Text, "next"u8), .. ClientFrame.Of(Opcode.Close, [])],
            100,
            50);

        Assert.That(
            heard.Select(one => one.IsTooLarge ? "too large" : one.Kind.ToString()),
            Is.EqualTo(fits ? new[] { "Text", "Text", "Close" } : ["too large", "Close"]));
    }

    [Test]
    public void A_message_that_is_too_large_is_refused_by_its_header()
    {
        byte[] claims = [0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];

        Assert.That(Hear(new MessageReader(Most), claims, 100, 100).Single().IsTooLarge);
    }

    [Test]
    public void A_fragment_that_makes_a_message_too_large_is_refused_by_its_header([Values(0, 1, Most)] int before)
    {
        byte[] claims = [0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];

        byte[] bytes = [.. ClientFrame.Of(Opcode.Text, new byte[before], final: false), .. claims];

        var heard = Hear(new MessageReader(Most), bytes, 100, 100);

        Assert.That(heard.Single().IsTooLarge);
    }

    [TestCase(1000)]
    [TestCase(1003)]
    [TestCase(1007)]
    [TestCase(1014)]
    [TestCase(3000)]
    [TestCase(4999)]
    public void A_close_may_have_a_status_and_a_reason(int status) =>
        Assert.That(new Received(Opcode.Close, Close(status, "Grüße")).CloseStatus(), Is.EqualTo(status));

    [Test]
    public void A_close_need_not_have_a_status() => Assert.That(new Received(Opcode.Close, default).CloseStatus(), Is.Null);

    [TestCase(0)]
    [TestCase(999)]
    [TestCase(1004)]
    [TestCase(1005)]
    [TestCase(1006)]
    [TestCase(1015)]
    [TestCase(2999)]
    [TestCase(5000)]
    public void A_status_that_no_client_may_send_breaks_the_protocol(int status) => Assert.That(
        () => new Received(Opcode.Close, Close(status, "")).CloseStatus(), Breaks(1002, "no client may send this status"));

    [Test]
    public void Half_a_status_or_a_reason_that_is_not_UTF_8_breaks_the_protocol()
    {
        Assert.That(() => new Received(Opcode.Close, new byte[] { 3 }).CloseStatus(), Breaks(1002, "no client may send this status"));
        Assert.That(
            () => new Received(Opcode.Close, new byte[] { 0x03, 0xE8, 0xFF }).CloseStatus(), Breaks(1007, "a reason must be UTF-8"));
    }

    [Test]
    public void A_message_arrives_whole_however_often_the_buffer_grows(
        [Values(4095, 4096, 4097, 8193, 40_000)] int length,
        [Values(100, 5000, 100_000)] int atATime)
    {
        var said = new Said(Opcode.Binary, [.. Enumerable.Range(0, length).Select(place => (byte)(place % 251))]);

        var heard = Hear(new MessageReader(length), Fragmented([said, said], 3000, [7]), atATime, 4096);

        Assert.That(heard.SequenceEqual([said, said], Said.SameAs));
    }

    [Test]
    public void An_idle_reader_returns_its_buffer_unless_a_message_is_unfinished([Values] bool amidMessage, [Values] bool forget)
    {
        var (reader, buffer) = (new MessageReader(Most), NextOfThePool());
        byte[] bytes = [.. ClientFrame.Of(Opcode.Text, "some"u8, final: !amidMessage)];
        var unread = new ReadOnlySequence<byte>(bytes);
        reader.TryRead(ref unread, out _);
        Assert.That(NextOfThePool(), Is.Not.SameAs(buffer), "the reader uses the buffer");

        if (forget)
        {
            reader.Forget();
        }
        else
        {
            reader.TrimBuffer();
        }

        Assert.That(NextOfThePool(), !amidMessage || forget ? Is.SameAs(buffer) : Is.Not.SameAs(buffer));
    }

    [Test]
    public void A_buffer_that_has_become_too_small_is_returned()
    {
        var (reader, buffer) = (new MessageReader(10_000), NextOfThePool());
        byte[] bytes = [.. ClientFrame.Of(Opcode.Text, "some"u8, final: false), .. ClientFrame.Of(Opcode.Continuation, new byte[9000])];
        var unread = new ReadOnlySequence<byte>(bytes);

        reader.TryRead(ref unread, out var received);

        Assert.That(received.Payload.Length, Is.EqualTo(9004));
        Assert.That(NextOfThePool(), Is.SameAs(buffer));
    }

    /// <summary>The buffer that the pool would give to a reader on this thread.</summary>
    private static byte[] NextOfThePool()
    {
        var next = ArrayPool<byte>.Shared.Rent(4096);
        ArrayPool<byte>.Shared.Return(next);
        return next;
    }

    private static EqualStringConstraint Breaks(int status, string rule) =>
        Throws.InstanceOf<BrokenProtocolException>().With.Property("Status").EqualTo(status).And.Message.EqualTo(rule);

    private static byte[] Close(int status, string reason)
    {
        byte[] payload = [0, 0, .. Encoding.UTF8.GetBytes(reason)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)status);
        return payload;
    }

    /// <summary>Reads the bytes, <paramref name="atATime"/> at once, from memory segments of <paramref name="segment"/> bytes.</summary>
    private static List<Said> Hear(MessageReader reader, byte[] bytes, int atATime, int segment)
    {
        var heard = new List<Said>();
        for (var start = 0; start < bytes.Length;)
        {
            var unread = Segment.Row(bytes[start..Math.Min(bytes.Length, start + atATime)], segment);
            var came = unread.Length;
            while (reader.TryRead(ref unread, out var received))
            {
                heard.Add(new Said(received.Kind, received.Payload.ToArray(), received.IsTooLarge));
            }

            // The reader leaves an incomplete header unread.
            var left = (int)unread.Length;
            Assert.That(left, Is.LessThan(14));
            atATime = left == came ? atATime + 1 : atATime;
            start = left > 0 && start + came == bytes.Length ? bytes.Length : start + (int)came - left;
        }

        reader.Forget();
        return heard;
    }

    private static byte[] Fragmented(IEnumerable<Said> said, int most, uint[] masks)
    {
        var (bytes, frames) = (new List<byte>(), 0);
        foreach (var one in said)
        {
            var pieces = one.Kind >= Opcode.Close || one.Payload.Length == 0 ? [one.Payload] : one.Payload.Chunk(most).ToArray();
            foreach (var (place, piece) in pieces.Index())
            {
                var opcode = place == 0 ? one.Kind : Opcode.Continuation;
                bytes.AddRange(ClientFrame.Of(opcode, piece, place == pieces.Length - 1, masks[frames++ % masks.Length]));
            }
        }

        return [.. bytes];
    }

    private sealed record Said(Opcode Kind, byte[] Payload, bool IsTooLarge = false)
    {
        public static IEqualityComparer<Said> SameAs { get; } =
            EqualityComparer<Said>.Create((one, other) => one!.Kind == other!.Kind && one.Payload.AsSpan().SequenceEqual(other.Payload));

        public override string ToString() => $"{Kind} {Encoding.UTF8.GetString(Payload)}";
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Row(byte[] bytes, int length)
        {
            var pieces = bytes.Length == 0 ? [[]] : bytes.Chunk(length).ToArray();
            var first = new Segment { Memory = pieces[0] };
            var last = first;
            foreach (var piece in pieces.Skip(1))
            {
                var next = new Segment { Memory = piece, RunningIndex = last.RunningIndex + last.Memory.Length };
                (last.Next, last) = (next, next);
            }

            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
