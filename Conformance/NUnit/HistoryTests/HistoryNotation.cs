using System.Globalization;
using System.Text.RegularExpressions;
using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>
/// Reads a history from one line. <c>sub r1 r2 | pub bob:m1 .. | recv r1 m1 | .. pub m1 | cut r2</c> means: r1 subscribes, then r2;
/// bob begins to publish m1; r1 receives it; the ack of the publish arrives; the connection of r2 is cut.
/// <list type="bullet">
/// <item>Requests are <c>sub r</c>, <c>sub r last 5</c>, <c>unsub r</c>, <c>pub m1</c> (by alice), <c>pub bob:m1</c>, <c>create</c>
/// and <c>delete</c>. The ack follows at once. <c>pub m1 ..</c> has no ack yet, <c>.. pub m1</c> is its ack, and
/// <c>pub m1 refused</c> is refused.</item>
/// <item><c>@5</c> behind a name is the stamp of an event or an ack: <c>pub m1@5</c>, <c>recv r m1@5</c>, <c>sub r@5</c>.
/// <c>sub r since 5</c> goes on from there; <c>gap r</c> says that events are missing.</item>
/// <item>Events are <c>recv r m1 m2</c>, <c>notice r</c> (of the topic's deletion), <c>leave r</c> and <c>cut r</c>.</item>
/// <item>Several names are as many steps, one after the other. The topic is orders; <c>on payments</c> names another.</item>
/// <item>A name is one letter and a number. Each request, answer and event takes one tick: 1, 2, 3, …</item>
/// </list>
/// </summary>
internal sealed partial class HistoryNotation
{
    private readonly HistoryRecorder _recorder = new();
    private readonly Dictionary<string, Invocation> _open = new(StringComparer.Ordinal);

    /// <exception cref="FormatException">A step is not in the notation. The message names the step and the word.</exception>
    public static History Parse(string line)
    {
        var notation = new HistoryNotation();
        foreach (var step in line.Length == 0 ? [] : line.Split('|', StringSplitOptions.TrimEntries))
        {
            notation.Add(step, [.. step.Split(' ')]);
        }

        return notation._recorder.ToHistory();
    }

    private void Add(string step, List<string> words)
    {
        var verb = words.Find(word => word != "..") ?? "";
        var isRequest = verb is "sub" or "unsub" or "pub" or "create" or "delete";
        var isAnswer = isRequest && Take(words, 0, "..");
        var isOpen = isRequest && Take(words, words.Count - 1, "..");
        var isRefused = isRequest && Take(words, words.Count - 1, "refused");
        var since = verb == "sub" ? long.Parse(TakeValue(words, "since") ?? "0", CultureInfo.InvariantCulture) : 0;
        var topic = verb is "leave" or "cut" ? "" : TakeValue(words, "on") ?? "orders";
        var lastN = verb == "sub" ? int.Parse(TakeValue(words, "last") ?? "0", CultureInfo.InvariantCulture) : 0;
        if (words.Skip(1).FirstOrDefault(word => !Shape().IsMatch(word)) is { } wrong)
        {
            throw Wrong(wrong);
        }

        switch (words)
        {
            case ["sub", .. { Count: > 0 } readers]:
                readers.ForEach(reader => Request(reader, () => since == 0
                    ? _recorder.Subscriber(Name(reader)).Subscribe(topic, lastN)
                    : _recorder.Subscriber(Name(reader)).Resume(topic, since)));
                break;
            case ["unsub", .. { Count: > 0 } readers]:
                readers.ForEach(reader => Request(reader, () => _recorder.Subscriber(reader).Unsubscribe(topic)));
                break;
            case ["pub", .. { Count: > 0 } messages]:
                foreach (var message in messages.Select(message => message.Split(':')))
                {
                    Request(
                        message[^1],
                        () => _recorder.Publish(message is [var publisher, _] ? publisher : "alice", topic, Name(message[^1])));
                }

                break;
            case ["create"]:
                Request(topic, () => _recorder.Create(topic));
                break;
            case ["delete"]:
                Request(topic, () => _recorder.Delete(topic));
                break;
            case ["recv", var reader, .. { Count: > 0 } messages]:
                messages.ForEach(message => _recorder.Subscriber(reader).Received(topic, Name(message), Stamp(message)));
                break;
            case ["gap", .. { Count: > 0 } readers]:
                readers.ForEach(reader => _recorder.Subscriber(reader).Gap(topic));
                break;
            case ["notice", .. { Count: > 0 } readers]:
                readers.ForEach(reader => _recorder.Subscriber(reader).TopicDeleted(topic));
                break;
            case ["leave", .. { Count: > 0 } readers]:
                readers.ForEach(reader => _recorder.Subscriber(reader).Left());
                break;
            case ["cut", .. { Count: > 0 } readers]:
                readers.ForEach(reader => _recorder.Subscriber(reader).Cut());
                break;
            default:
                throw Wrong(verb);
        }

        void Request(string name, Func<Invocation> invoke)
        {
            var key = $"{verb} {Name(name)} on {topic}";
            var invocation = !isAnswer ? invoke() : _open.Remove(key, out var open) ? open : throw Wrong(name);
            if (isOpen)
            {
                _open.Add(key, invocation);
            }
            else if (isRefused)
            {
                invocation.Refused();
            }
            else
            {
                invocation.Acked(Stamp(name));
            }
        }

        FormatException Wrong(string word) => new($"the word '{word}' is wrong in the step '{step}'");
    }

    private static bool Take(List<string> words, int place, string word)
    {
        var isThere = words.ElementAtOrDefault(place) == word;
        if (isThere)
        {
            words.RemoveAt(place);
        }

        return isThere;
    }

    /// <returns>The value after this word, if they are the last two; null otherwise.</returns>
    private static string? TakeValue(List<string> words, string word)
    {
        var value = words[^1];
        return Take(words, words.Count - 2, word) && Take(words, words.Count - 1, value) ? value : null;
    }

    private static string Name(string word) => word.Split('@')[0];

    private static long Stamp(string word) => word.Split('@') is [_, var stamp] ? long.Parse(stamp, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("^([a-z]+[0-9]*:)?[a-z][0-9]*(@[0-9]+)?$")]
    private static partial Regex Shape();
}
