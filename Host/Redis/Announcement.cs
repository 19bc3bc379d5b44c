using System.Buffers.Text;
using System.Text;

namespace PubSub.Hosting.Redis;

/// <summary>
/// What a topic's channel carries: <c>E</c> events, <c>B</c> events as one batch, <c>M</c> a mark, <c>D</c> the deletion. Each names the
/// stamp before it, so that a reader notices when one is missing.
/// </summary>
internal sealed class Announcement
{
    private readonly ReadOnlyMemory<byte> _frames;
    private readonly List<int> _lengths = [];

    private Announcement(ReadOnlyMemory<byte> message)
    {
        var end = message.Span.IndexOf((byte)'\n');
        var header = new Header(end < 0 ? message.Span : message.Span[..end]);
        Size = message.Length;
        Kind = header.Word()[0];
        Epoch = header.Word();
        if (Kind == 'D')
        {
            return;
        }

        Before = header.Number();
        First = Last = header.Number();
        if (Kind == 'M')
        {
            Token = header.Word();
            return;
        }

        _frames = message[(end + 1)..];
        while (!header.IsAtEnd)
        {
            _lengths.Add((int)header.Number());
        }

        Last = First + _lengths.Count - 1;
    }

    /// <summary>One of the letters.</summary>
    public char Kind { get; }

    /// <summary>Bytes.</summary>
    public int Size { get; }

    /// <summary>The topic's.</summary>
    public string Epoch { get; }

    /// <summary>The topic's newest stamp before this, in microseconds.</summary>
    public long Before { get; }

    /// <summary>The stamp of the mark or of the first event.</summary>
    public long First { get; }

    /// <summary>The stamp of the mark or of the last event.</summary>
    public long Last { get; }

    /// <summary>Whose mark it is.</summary>
    public string Token { get; } = "";

    /// <summary>The events, one microsecond apart.</summary>
    public IEnumerable<StampedFrame> Events
    {
        get
        {
            var (start, stamp) = (0, First);
            foreach (var length in _lengths)
            {
                yield return new(stamp++, _frames.Slice(start, length));
                start += length;
            }
        }
    }

    /// <param name="message">As a script has made it.</param>
    public static Announcement Parse(ReadOnlyMemory<byte> message) => new(message);

    /// <summary>Words with a space between.</summary>
    private ref struct Header(ReadOnlySpan<byte> text)
    {
        private ReadOnlySpan<byte> _rest = text;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public string Word() => Encoding.UTF8.GetString(Next());

        public long Number() =>
            Utf8Parser.TryParse(Next(), out long number, out _) ? number : throw new FormatException("a number is missing");

        private ReadOnlySpan<byte> Next()
        {
            var space = _rest.IndexOf((byte)' ');
            var word = space < 0 ? _rest : _rest[..space];
            _rest = space < 0 ? default : _rest[(space + 1)..];
            return word;
        }
    }
}
