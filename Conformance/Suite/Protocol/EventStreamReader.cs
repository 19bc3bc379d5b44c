using System.Text;

namespace PubSub.Conformance.Protocol;

/// <summary>One comment line of an event stream, or one block of fields that an empty line ended.</summary>
/// <param name="Comment">The text of the comment; null for a block.</param>
/// <param name="Event">The name of the event; null if the block has none.</param>
/// <param name="Id">The id that the block sets; null if it sets none.</param>
/// <param name="Data">The data lines, with line feeds between them; null if the block has none, so that it is no event.</param>
public sealed record StreamPart(string? Comment = null, string? Event = null, string? Id = null, string? Data = null)
{
    public override string ToString() => Comment is not null
        ? $": {Comment}"
        : string.Join(", ", new[] { ("id", Id), ("event", Event), ("data", Data) }
            .Where(field => field.Item2 is not null)
            .Select(field => $"{field.Item1}: {field.Item2}"));
}

/// <summary>Reads an event stream as the HTML Standard, section 9.2.6, tells browsers to.</summary>
public sealed class EventStreamReader
{
    private const int LargestBlock = 16 * 1024 * 1024;
    private const byte CarriageReturn = (byte)'\r';
    private const byte LineFeed = (byte)'\n';

    private readonly List<byte> _line = [];
    private readonly StringBuilder _data = new();
    private bool _hasBegun;
    private bool _afterReturn;
    private bool _hasField;
    private bool _hasData;
    private string? _event;
    private string? _id;

    /// <summary>The parts that these bytes complete.</summary>
    /// <exception cref="Violation">A line or a block is larger than any message can be.</exception>
    public IReadOnlyList<StreamPart> Read(ReadOnlySpan<byte> bytes)
    {
        var parts = new List<StreamPart>();
        while (bytes.Length > 0)
        {
            if (_afterReturn && bytes[0] == LineFeed)
            {
                bytes = bytes[1..];
            }

            _afterReturn = false;
            var end = bytes.IndexOfAny(CarriageReturn, LineFeed);
            _line.AddRange(end < 0 ? bytes : bytes[..end]);
            if (_line.Count + _data.Length > LargestBlock)
            {
                throw new Violation(
                    "The blocks of a stream are no larger than a message", $"at most {LargestBlock} bytes", "a larger one");
            }

            if (end < 0)
            {
                break;
            }

            _afterReturn = bytes[end] == CarriageReturn;
            bytes = bytes[(end + 1)..];
            if (ReadLine(TakeLine()) is { } part)
            {
                parts.Add(part);
            }
        }

        return parts;
    }

    private string TakeLine()
    {
        var text = Encoding.UTF8.GetString([.. _line]);
        _line.Clear();
        text = !_hasBegun && text.StartsWith('\ufeff') ? text[1..] : text;
        _hasBegun = true;
        return text;
    }

    private StreamPart? ReadLine(string line)
    {
        if (line.Length == 0)
        {
            return TakeBlock();
        }

        if (line[0] == ':')
        {
            return new StreamPart(Comment: line[1..].TrimStart(' '));
        }

        var (field, value) = line.Split(':', 2) is [var name, var rest] ? (name, rest.StartsWith(' ') ? rest[1..] : rest) : (line, "");
        switch (field)
        {
            case "event":
                _event = value;
                break;
            case "id" when !value.Contains('\0', StringComparison.Ordinal):
                _id = value;
                break;
            case "data":
                _data.Append(_hasData ? "\n" : "").Append(value);
                _hasData = true;
                break;
            case "retry":
                break;
            default:
                return null;
        }

        _hasField = true;
        return null;
    }

    private StreamPart? TakeBlock()
    {
        var part = _hasField ? new StreamPart(null, _event, _id, _hasData ? _data.ToString() : null) : null;
        _data.Clear();
        (_event, _id, _hasData, _hasField) = (null, null, false, false);
        return part;
    }
}
